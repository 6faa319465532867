/* SPDX-License-Identifier: ISC */
/* The text of dovecot-uidlist; uidlist.c opens with the format. */
#include <string.h>

#include "libmaildir/uidlist_text.h"

/* The next word before a blank; false at the end of the line. */
static bool
next_word(struct slice *line, struct slice *word)
{
	do {
		if (line->n == 0)
			return false;
		(void)slice_cut(line, ' ', word);
	} while (word->n == 0);
	return true;
}

static bool
is_guid(struct slice s)
{
	size_t i;

	if (s.n != 32)
		return false;
	for (i = 0; i < s.n; i++)
		if (!ascii_is_digit(s.p[i]) &&
		    (ascii_lower(s.p[i]) < 'a' || ascii_lower(s.p[i]) > 'f'))
			return false;
	return true;
}

/* Unknown or odd fields are kept, as long as there is room for them. */
static void
keep_field(struct uidlist_head *h, struct slice word)
{
	size_t n = strlen(h->other);

	if (n + word.n + 2 > sizeof h->other)
		return;
	if (n > 0)
		h->other[n++] = ' ';
	memcpy(h->other + n, word.p, word.n);
	h->other[n + word.n] = '\0';
}

static int
parse_head_field(struct uidlist_head *h, struct slice word)
{
	struct slice value = slice_from(word, 1);

	switch (word.p[0]) {
	case 'V':
		return slice_u32(value, UINT32_MAX, &h->uidvalidity);
	case 'N':
		return slice_u32(value, UINT32_MAX, &h->next_uid);
	case 'G':
		if (is_guid(value)) {
			memcpy(h->guid, value.p, value.n);
			h->guid[value.n] = '\0';
			return 0;
		}
		break;
	default:
		break;
	}
	keep_field(h, word);
	return 0;
}

int
uidlist_parse_head(struct slice line, struct uidlist_head *out)
{
	struct uidlist_head h = { 0 };
	struct slice word;

	if (memchr(line.p == NULL ? "" : line.p, '\0', line.n) != NULL ||
	    !next_word(&line, &word) || word.n != 1)
		return -1;
	h.version = (unsigned)(word.p[0] - '0');
	if (h.version == 1) {
		if (!next_word(&line, &word) ||
		    slice_u32(word, UINT32_MAX, &h.uidvalidity) == -1 ||
		    !next_word(&line, &word) ||
		    slice_u32(word, UINT32_MAX, &h.next_uid) == -1)
			return -1;
	} else if (h.version == 3) {
		while (next_word(&line, &word))
			if (parse_head_field(&h, word) == -1)
				return -1;
	} else
		return -1;
	if (h.uidvalidity == 0)
		return -1;
	if (h.next_uid == 0)
		h.next_uid = 1;
	*out = h;
	return 0;
}

/* What is known goes into its place, else (also when it is broken) to other. */
static void
parse_rec_field(struct uidlist_rec *r, struct slice word, struct buf *other)
{
	struct slice value = slice_from(word, 1);

	switch (word.p[0]) {
	case 'S':
		if (r->size == UINT64_MAX &&
		    slice_u64(value, UINT64_MAX - 1, &r->size) == 0)
			return;
		break;
	case 'W':
		if (r->wire == UINT64_MAX &&
		    slice_u64(value, UINT64_MAX - 1, &r->wire) == 0)
			return;
		break;
	case 'G':
		if (r->guid.n == 0 && value.n > 0) {
			r->guid = value;
			return;
		}
		break;
	case 'P':
		if (r->pop3.n == 0 && value.n > 0) {
			r->pop3 = value;
			return;
		}
		break;
	default:
		break;
	}
	if (other->n > 0)
		buf_putc(other, ' ');
	buf_put_slice(other, word);
}

int
uidlist_parse_rec(unsigned version, struct slice line, struct buf *other,
    struct uidlist_rec *out)
{
	struct uidlist_rec r = { .size = UINT64_MAX, .wire = UINT64_MAX };
	struct slice word, base;

	buf_reset(other);
	if (line.n > MAX_UIDLIST_LINE || !slice_cut(&line, ' ', &word) ||
	    word.n == 0 || slice_u32(word, UINT32_MAX, &r.uid) == -1 ||
#if PLANT == 31
	    false)
#else
	    r.uid == 0)
#endif
		return -1;
	while (version == 3 && line.n > 0 && line.p[0] != ':') {
		if (!slice_cut(&line, ' ', &word))
			return -1; /* no name at all */
		if (word.n > 0)
			parse_rec_field(&r, word, other);
	}
	if (version == 3) {
		if (line.n < 2)
			return -1;
		line = slice_from(line, 1);
	}
	/* Old lists had whole file names. */
	(void)slice_cut(&line, ':', &base);
	if (base.n == 0 || base.n > 255 || base.p[0] == '.' ||
	    memchr(base.p, '/', base.n) != NULL ||
	    memchr(base.p, '\0', base.n) != NULL || !buf_ok(other))
		return -1;
	r.base = base;
	r.other = buf_slice(other);
	*out = r;
	return 0;
}

void
uidlist_print_head(const struct uidlist_head *h, struct buf *out)
{
	buf_printf(out, "3 V%u N%u", h->uidvalidity, h->next_uid);
	if (h->guid[0] != '\0')
		buf_printf(out, " G%s", h->guid);
	if (h->other[0] != '\0')
		buf_printf(out, " %s", h->other);
	buf_putc(out, '\n');
}

static void
print_field(struct buf *out, char letter, struct slice value)
{
	if (value.n == 0)
		return;
	buf_putc(out, ' ');
	buf_putc(out, letter);
	buf_put_slice(out, value);
}

void
uidlist_print_rec(const struct uidlist_rec *r, struct buf *out)
{
	buf_put_u64(out, r->uid);
	if (r->size != UINT64_MAX)
		buf_printf(out, " S%llu", (unsigned long long)r->size);
	if (r->wire != UINT64_MAX)
		buf_printf(out, " W%llu", (unsigned long long)r->wire);
#if PLANT == 32
	if (r->pop3.n == 0)
#endif
		print_field(out, 'G', r->guid);
	print_field(out, 'P', r->pop3);
	if (r->other.n > 0) {
		buf_putc(out, ' ');
		buf_put_slice(out, r->other);
	}
	buf_puts(out, " :");
	buf_put_slice(out, r->base);
	buf_putc(out, '\n');
}
