/* SPDX-License-Identifier: ISC */
/* Courier's files: the text of each, in one table by base name. Pure. */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/import.h"

#define MAX_MESSAGES 1000000

void
import_init(struct import *im)
{
	*im = (struct import){ 0 };
	arena_init(&im->text, 4 * IMPORT_MAX_BYTES);
}

void
import_free(struct import *im)
{
	map_free(&im->by_base);
	arena_free(&im->text);
	xfree(im->msgs);
	im->msgs = NULL;
	im->n = im->cap = 0;
}

/* The message of a file name, made when it is new. NULL: no message's name, or
 * too many. */
static struct import_msg *
message(struct import *im, struct slice file)
{
	struct import_msg *m;
	struct slice base;
	uintptr_t at;

	(void)slice_cut(&file, ':', &base);
	if (base.n == 0 || !name_is_message(base) || slice_find(base, '/') >= 0)
		return NULL;
	at = (uintptr_t)map_get(&im->by_base, base);
	if (at > 0)
		return &im->msgs[at - 1];
	base = arena_slice(&im->text, base);
	if (im->text.failed || im->n == MAX_MESSAGES)
		return NULL;
	if (im->n == im->cap) {
		im->cap = im->cap == 0 ? 64 : 2 * im->cap;
		im->msgs =
		    xreallocarray(im->msgs, im->cap, sizeof(im->msgs[0]));
	}
	m = &im->msgs[im->n++];
	*m = (struct import_msg){ .base = base };
	(void)map_put(&im->by_base, base, (void *)(uintptr_t)im->n);
	return m;
}

static int
end(const struct import *im)
{
	return im->text.failed ? -1 : 0;
}

/* "1 UIDVALIDITY UIDNEXT", then "UID NAME". */
int
import_uiddb(struct import *im, struct slice text)
{
	struct slice line, word;
	uint32_t validity, next, uid;

	(void)slice_cut(&text, '\n', &line);
	if (!slice_cut(&line, ' ', &word) || !slice_eq_str(word, "1") ||
	    !slice_cut(&line, ' ', &word) ||
	    slice_u32(word, UINT32_MAX, &validity) < 0 || validity == 0 ||
	    slice_u32(line, UINT32_MAX, &next) < 0)
		return -1;
	im->uidvalidity = validity;
	im->next_uid = next == 0 ? 1 : next;
	while (text.n > 0) {
		struct import_msg *m;

		(void)slice_cut(&text, '\n', &line);
		if (!slice_cut(&line, ' ', &word) ||
		    slice_u32(word, UINT32_MAX - 1, &uid) < 0 || uid == 0)
			continue;
		m = message(im, line);
		if (m != NULL && m->uid == 0)
			m->uid = uid;
		if (uid >= im->next_uid)
			im->next_uid = uid + 1;
	}
	return end(im);
}

/* Take the last word off. */
static bool
cut_last(struct slice *s, struct slice *word)
{
	for (size_t i = s->n; i-- > 0;) {
		if (s->p[i] != ' ')
			continue;
		*word = slice_from(*s, i + 1);
		*s = slice_head(*s, i);
		return true;
	}
	return false;
}

/* Before it numbered them, Courier told the base name; what a UIDL may not have
 * (RFC 1939 section 7) and three more it wrote as +XX. */
static struct slice
uidl_of_name(struct import *im, struct slice base)
{
	char *text = arena_alloc(&im->text, 3 * base.n + 1);
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	if (text == NULL)
		return SLICE_NONE;
	for (size_t i = 0; i < base.n; i++) {
		unsigned char c = (unsigned char)base.p[i];

		if (c >= 0x21 && c <= 0x7e && c != '\'' && c != '"' &&
		    c != '+') {
			text[n++] = base.p[i];
			continue;
		}
		text[n++] = '+';
		text[n++] = digits[c >> 4];
		text[n++] = digits[c & 15];
	}
	return slice_of(text, n);
}

/* "N:VALIDITY" or "N:VALIDITY:UTF8": the UIDL that Courier tells for it;
 * SLICE_NONE when it is not that. */
static struct slice
uidl_of_ids(struct import *im, struct slice base, struct slice ids)
{
	struct slice word;
	uint64_t n, validity;

	if (!slice_cut(&ids, ':', &word) || slice_u64(word, UINT64_MAX, &n) < 0)
		return SLICE_NONE;
	(void)slice_cut(&ids, ':', &word);
	if (slice_u64(word, UINT64_MAX, &validity) < 0)
		return SLICE_NONE;
	if (n == 0)
		return uidl_of_name(im, base);
	return slice_str(validity == 0 ?
		arena_printf(&im->text, "UID%llu", (unsigned long long)n) :
		arena_printf(&im->text, "UID%llu-%llu", (unsigned long long)n,
		    (unsigned long long)validity));
}

/* "/2 NEXT VALIDITY" or "/3 ...", then "NAME SIZE IDS". The sizes are not
 * taken: Courier counts a last line without its end in a way of its own. */
int
import_sizelist(struct import *im, struct slice text)
{
	struct slice line, ids, size;

	(void)slice_cut(&text, '\n', &line);
	if (!slice_starts(line, "/2 ") && !slice_starts(line, "/3 "))
		return -1;
	while (text.n > 0) {
		struct import_msg *m;

		(void)slice_cut(&text, '\n', &line);
		if (!cut_last(&line, &ids) || !cut_last(&line, &size))
			continue;
		m = message(im, line);
		if (m == NULL || m->uidl.n > 0)
			continue;
		m->uidl = uidl_of_ids(im, m->base, ids);
	}
	return end(im);
}

/* The letter of a keyword, given at its first use; -1 when none is free. */
static int
letter_of(struct import *im, struct slice name)
{
	if (name.n == 0 || name.n > MAX_FILE_NAME)
		return -1;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= 0x20 || name.p[i] >= 0x7f)
			return -1;
	for (unsigned i = 0; i < im->n_keywords; i++)
		if (slice_ieq(im->keywords[i], name))
			return (int)i;
	if (im->n_keywords == N_KEYWORDS)
		return -1;
	im->keywords[im->n_keywords] = arena_slice(&im->text, name);
	if (im->text.failed)
		return -1;
	return (int)im->n_keywords++;
}

#define LIST_NAMES_MAX 1000

static void
list_message(struct import *im, const struct slice *names, size_t n_names,
    struct slice line)
{
	struct slice file, word;
	struct import_msg *m;
	bool more = true;

	if (!slice_cut(&line, ':', &file) || (m = message(im, file)) == NULL)
		return;
	while (more) {
		uint32_t i;
		int letter;

		more = slice_cut(&line, ' ', &word);
		if (slice_u32(word, UINT32_MAX, &i) < 0 || i >= n_names)
			continue;
		letter = letter_of(im, names[i]);
		if (letter >= 0)
			m->keywords |= UINT32_C(1) << letter;
	}
}

int
import_keyword_list(struct import *im, struct slice text)
{
	struct slice *names = xcalloc(LIST_NAMES_MAX, sizeof(names[0]));
	struct slice line;
	size_t n = 0;

	while (text.n > 0) {
		(void)slice_cut(&text, '\n', &line);
		if (line.n == 0)
			break;
		if (n < LIST_NAMES_MAX)
			names[n++] = line;
	}
	while (text.n > 0) {
		(void)slice_cut(&text, '\n', &line);
		list_message(im, names, n, line);
	}
	xfree(names);
	return end(im);
}

int
import_keyword_file(struct import *im, struct slice base, struct slice text)
{
	struct import_msg *m = message(im, base);
	struct slice line;

	if (m == NULL)
		return end(im);
	m->keywords = 0;
	while (text.n > 0) {
		int letter;

		(void)slice_cut(&text, '\n', &line);
		letter = letter_of(im, line);
		if (letter >= 0)
			m->keywords |= UINT32_C(1) << letter;
	}
	return end(im);
}

static int
by_uid(const void *a, const void *b)
{
	const struct import_msg *ma = a, *mb = b;

	return ma->uid < mb->uid ? -1 : ma->uid > mb->uid;
}

int
import_number(struct import *im)
{
	uint32_t next = im->next_uid == 0 ? 1 : im->next_uid;
	uint32_t last = 0;

	for (size_t i = 0; i < im->n; i++) {
		if (im->msgs[i].uid > 0 || im->msgs[i].uidl.n == 0)
			continue;
		if (next == UINT32_MAX)
			return -1;
		im->msgs[i].uid = next++;
	}
	qsort(im->msgs, im->n, sizeof(im->msgs[0]), by_uid);
	map_free(&im->by_base);
	/* one number twice: the second loses it */
	for (size_t i = 0; i < im->n; i++) {
		struct import_msg *m = &im->msgs[i];

		bool is_twice = m->uid != 0 && m->uid == last;

#if PLANT == 39
		is_twice = false;
#endif
		if (is_twice)
			m->uid = 0;
		else
			last = m->uid;
		(void)map_put(
		    &im->by_base, m->base, (void *)(uintptr_t)(i + 1));
	}
	im->next_uid = next;
	return 0;
}
