/* SPDX-License-Identifier: ISC */
/* dovecot-uidlist: what is printed is what was parsed. plants: 31 32 */
#include <stdlib.h>

#include "libmaildir/uidlist_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static void
check_head(struct slice line)
{
	struct uidlist_head a, b;
	struct buf out, again;

	buf_init(&out, MAX_UIDLIST_LINE);
	buf_init(&again, MAX_UIDLIST_LINE);
	if (uidlist_parse_head(line, &a) == 0) {
		must(a.uidvalidity != 0 && a.next_uid != 0);
		uidlist_print_head(&a, &out);
		must(buf_ok(&out) && out.p[out.n - 1] == '\n');
		must(uidlist_parse_head(
			 slice_head(buf_slice(&out), out.n - 1), &b) == 0);
		uidlist_print_head(&b, &again);
		must(slice_eq(buf_slice(&out), buf_slice(&again)));
		must(
		    a.uidvalidity == b.uidvalidity && a.next_uid == b.next_uid);
	}
	buf_free(&out);
	buf_free(&again);
}

static void
check_rec(unsigned version, struct slice line)
{
	struct buf out, again, other_a, other_b;
	struct uidlist_rec a, b;

	buf_init(&out, 2 * MAX_UIDLIST_LINE);
	buf_init(&again, 2 * MAX_UIDLIST_LINE);
	buf_init(&other_a, MAX_UIDLIST_LINE);
	buf_init(&other_b, MAX_UIDLIST_LINE);
	if (uidlist_parse_rec(version, line, &other_a, &a) == 0) {
		must(a.uid != 0 && a.base.n > 0 && a.base.n <= 255);
		uidlist_print_rec(&a, &out);
		must(buf_ok(&out));
		must(
		    uidlist_parse_rec(3, slice_head(buf_slice(&out), out.n - 1),
			&other_b, &b) == 0);
		uidlist_print_rec(&b, &again);
		must(slice_eq(buf_slice(&out), buf_slice(&again)));
		must(a.uid == b.uid && slice_eq(a.base, b.base) &&
		    a.size == b.size && a.wire == b.wire &&
		    slice_eq(a.guid, b.guid) && slice_eq(a.pop3, b.pop3) &&
		    slice_eq(a.other, b.other));
	}
	buf_free(&out);
	buf_free(&again);
	buf_free(&other_a);
	buf_free(&other_b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = slice_of(data, n), line;

	(void)slice_cut(&text, '\n', &line);
	check_head(line);
	while (text.n > 0) {
		(void)slice_cut(&text, '\n', &line);
		check_rec(3, line);
		check_rec(1, line);
	}
	return 0;
}
