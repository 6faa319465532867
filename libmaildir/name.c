/* SPDX-License-Identifier: ISC */
/* File names of messages: made, taken apart, printed. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "libbase/ceilings.h"
#include "libbase/clock.h"
#include "libmaildir/name.h"

/* In ASCII order, as the letters must stand in a name. */
static const struct {
	char letter;
	uint8_t flag;
} flag_letters[] = {
	{ 'D', FLAG_DRAFT },
	{ 'F', FLAG_FLAGGED },
	{ 'P', FLAG_PASSED },
	{ 'R', FLAG_ANSWERED },
	{ 'S', FLAG_SEEN },
	{ 'T', FLAG_DELETED },
};

static uint8_t
flag_of(char letter)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(flag_letters); i++)
		if (flag_letters[i].letter == letter)
			return flag_letters[i].flag;
	return 0;
}

bool
name_is_message(struct slice s)
{
	size_t i;

	if (s.n == 0 || s.n > MAX_FILE_NAME || s.p[0] == '.' || s.p[0] == ':')
		return false;
	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ||
		    s.p[i] == '/')
			return false;
	return true;
}

/* The number behind ",X=" of a base name, up to the next comma. */
static uint64_t
find_size(struct slice base, char letter)
{
	struct slice field;
	uint64_t v;

	(void)slice_cut(&base, ',', &field);
	while (base.n > 0) {
		(void)slice_cut(&base, ',', &field);
		if (field.n > 2 && field.p[0] == letter && field.p[1] == '=' &&
#if PLANT == 30
		    slice_u64(slice_from(field, 3), NAME_NO_SIZE - 1, &v) == 0)
#else
		    slice_u64(slice_from(field, 2), NAME_NO_SIZE - 1, &v) == 0)
#endif
			return v;
	}
	return NAME_NO_SIZE;
}

void
name_split(struct slice s, struct name *out)
{
	struct slice rest = s;
	size_t i;

	*out = (struct name){ 0 };
	(void)slice_cut(&rest, ':', &out->base);
	out->size = find_size(out->base, 'S');
	out->wire = find_size(out->base, 'W');
	if (!slice_starts(rest, "2,"))
		return;
	rest = slice_from(rest, 2);
	for (i = 0; i < rest.n && rest.p[i] != ','; i++) {
		if (rest.p[i] >= 'a' && rest.p[i] <= 'z')
			out->keywords |= 1u << (rest.p[i] - 'a');
		else
			out->flags |= flag_of(rest.p[i]);
	}
	out->info = slice_head(rest, i);
	out->extra = slice_from(rest, i);
}

void
name_print(
    const struct name *n, uint8_t flags, uint32_t keywords, struct buf *out)
{
	unsigned char c;

	buf_put_slice(out, n->base);
	buf_puts(out, ":2,");
	for (c = 0x21; c < 0x7f; c++) {
		bool on;

#if PLANT == 33
		if (c > 'a' && c <= 'z')
#else
		if (c >= 'a' && c <= 'z')
#endif
			on = (keywords >> (c - 'a') & 1) != 0;
		else if (flag_of((char)c) != 0)
			on = (flags & flag_of((char)c)) != 0;
		else /* a letter of somebody else: stays */
			on = slice_find(n->info, (char)c) >= 0;
		if (on)
			buf_putc(out, (char)c);
	}
	buf_put_slice(out, n->extra);
}

void
name_unique(uint32_t *next, struct buf *out)
{
	uint64_t now = clock_real_us();
	char host[256];
	size_t i;

	if (gethostname(host, sizeof host - 1) == -1)
		strncpy(host, "localhost", sizeof host - 1);
	host[sizeof host - 1] = '\0';
	buf_printf(out, "%llu.M%06lluP%ldQ%u.",
	    (unsigned long long)(now / 1000000),
	    (unsigned long long)(now % 1000000), (long)getpid(), (*next)++);
	/* What the name may not hold is written as Maildir's author says. The
	 * comma is ours: it begins the sizes. */
	for (i = 0; host[i] != '\0' && i < 64; i++) {
		if (strchr("/:,", host[i]) != NULL || host[i] <= ' ')
			buf_printf(out, "\\%03o", (unsigned char)host[i]);
		else
			buf_putc(out, host[i]);
	}
}

void
name_put_sizes(struct buf *out, uint64_t size, uint64_t wire)
{
	buf_printf(out, ",S=%llu,W=%llu", (unsigned long long)size,
	    (unsigned long long)wire);
}

int64_t
name_secs(struct slice base)
{
	struct slice head;
	uint64_t v;

	if (!slice_cut(&base, '.', &head) || head.n == 0 ||
	    slice_u64(head, INT64_MAX, &v) == -1)
		return -1;
	return (int64_t)v;
}
