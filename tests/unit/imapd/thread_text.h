/* SPDX-License-Identifier: ISC */
/* Threads of made-up messages as text, for tests. */
#ifndef TESTS_THREAD_TEXT_H
#define TESTS_THREAD_TEXT_H

#include "imapd/thread_tree.h"
#include "libbase/ceilings.h"

static inline uint32_t
thread_text_number(const void *arg, uint32_t seq)
{
	(void)arg;
	return seq;
}

/* Made in portions, told in pieces; false over the ceiling of memory. */
static inline bool
thread_text(struct thread_tree *t, unsigned portion, struct buf *out)
{
	struct thread_teller tt;

	while (!thread_tree_make(t, portion))
		continue;
	if (t->failed)
		return false;
	thread_tell_begin(&tt, t);
	while (!thread_tell(&tt, portion, out, thread_text_number, NULL))
		continue;
	return true;
}

/* Is it 1*thread-list (RFC 5256 5) with each of 1 to n once? */
static inline bool
thread_text_is_sound(struct slice s, uint32_t n)
{
	struct seqset seen;
	uint32_t number, depth = 0;
	uint64_t count;
	char before = ')';
	size_t i = 0;
	bool ok = true;

	seqset_init(&seen, n + 1);
	while (ok && i < s.n) {
		char c = s.p[i++];

		if (ascii_is_digit(c)) {
			for (number = (uint32_t)(c - '0');
			     i < s.n && ascii_is_digit(s.p[i]); i++)
				number = number * 10 + (uint32_t)(s.p[i] - '0');
			ok = depth > 0 && (before == '(' || before == ' ') &&
			    number > 0 && number <= n &&
			    !seqset_has(&seen, number);
			if (ok)
				seqset_add(&seen, number, number);
			c = '0';
		} else if (c == '(') {
			ok = before != '0';
			depth++;
		} else if (c == ')') {
			ok = depth-- > 0 && (before == '0' || before == ')');
		} else {
			ok = c == ' ' && before == '0';
		}
		before = c;
	}
	count = seqset_count(&seen);
	seqset_free(&seen);
	return ok && depth == 0 && count == n;
}

#endif
