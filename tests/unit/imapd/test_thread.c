/* SPDX-License-Identifier: ISC */
/* THREAD: trees of messages by each algorithm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/imapd/thread_text.h"

/* A message: sent, arrival, identifier, references with blanks between,
 * subject (a leading ">" makes it a reply). */
struct message {
	int64_t sent, arrival;
	const char *id, *references, *subject;
};

static void
add(struct thread_tree *t, uint32_t seq, const struct message *m)
{
	struct sort_record rec = {
		.sent = m->sent, .arrival = m->arrival, .id = slice_str(m->id)
	};
	struct slice rest = slice_str(m->references), id;
	const char *subject = m->subject;
	struct buf b;

	if (rec.id.p == NULL)
		rec.id = SLICE("");
	buf_init(&b, KIB);
	while (rest.n > 0) {
		(void)slice_cut(&rest, ' ', &id);
		buf_printf(&b, "%.*s\n", SLICE_ARG(id));
	}
	rec.references = buf_slice(&b);
	if (subject != NULL && subject[0] == '>') {
		rec.is_reply = true;
		subject++;
	}
	rec.text[SORT_SUBJECT] = slice_str(subject == NULL ? "" : subject);
	thread_tree_add(t, seq, &rec);
	buf_free(&b);
}

static void
check(enum thread_kind kind, const struct message *m, uint32_t n,
    const char *want)
{
	static const unsigned portions[] = { 1, 2, 1000 };
	struct thread_tree t;
	struct buf out;
	size_t p;
	uint32_t i;

	buf_init(&out, MIB);
	for (p = 0; p < N_ELEMENTS(portions); p++) {
		thread_tree_init(&t, kind, MIB);
		for (i = 0; i < n; i++)
			add(&t, i + 1, &m[i]);
		buf_reset(&out);
		assert_true(thread_text(&t, portions[p], &out));
		thread_tree_free(&t);
		assert_string_equal(buf_cstr(&out), want);
		assert_true(thread_text_is_sound(buf_slice(&out), n));
	}
	buf_free(&out);
}

#define CHECK(kind, m, want) check(kind, m, N_ELEMENTS(m), want)

static void
test_subject(void **state)
{
	const struct message m[] = {
		{ 5, 0, NULL, NULL, "B" },
		{ 4, 0, NULL, NULL, ">A" },
		{ 3, 0, NULL, NULL, ">B" },
		{ 2, 0, NULL, NULL, "A" },
		{ 9, 0, NULL, NULL, "A" },
		{ 3, 0, NULL, NULL, "" },
		{ 3, 0, NULL, NULL, "" },
	};

	(void)state;
	check(THREAD_ORDEREDSUBJECT, m, 0, "");
	check(THREAD_ORDEREDSUBJECT, m, 1, "(1)");
	CHECK(THREAD_ORDEREDSUBJECT, m, "(4 (2)(5))(3 1)(6 7)");
}

/* Steps 1 to 4 and 6, no subjects: the same by both algorithms. */
static void
test_links(void **state)
{
	const struct message chain[] = {
		{ 1, 1, "a", NULL, NULL },
		{ 2, 2, "b", "a", NULL },
		{ 3, 3, "c", "a b", NULL },
		{ 4, 4, "d", "a b", NULL },
		{ 5, 5, "e", "a", NULL },
		{ 6, 6, "f", "a b d", NULL },
	};
	/* answers before what they answer; one that is not there */
	const struct message late[] = {
		{ 3, 3, "c", "x b", NULL },
		{ 2, 2, "b", "x", NULL },
		{ 4, 4, "d", "x", NULL },
		{ 1, 1, "e", NULL, NULL },
	};
	/* no parent there, one child: no dummy; a dummy within is passed */
	const struct message gaps[] = {
		{ 1, 1, "a", "gone", NULL },
		{ 2, 2, "b", "a lost", NULL },
		{ 3, 3, "c", "a lost2 lost3", NULL },
	};
	/* the same identifier twice, none, itself, a ring */
	const struct message odd[] = {
		{ 1, 1, "a", "b", NULL },
		{ 2, 2, "b", "a", NULL },
		{ 3, 3, "a", "a", NULL },
		{ 4, 4, NULL, "a", NULL },
		{ 5, 5, "e", "e", NULL },
		{ 6, 6, NULL, NULL, NULL },
	};
	/* (1)(B): the message itself knows best */
	const struct message moved[] = {
		{ 1, 1, "a", NULL, NULL },
		{ 2, 2, "b", NULL, NULL },
		{ 3, 3, "x", "a c", NULL },
		{ 4, 4, "c", "b", NULL },
	};

	(void)state;
	CHECK(THREAD_REFERENCES, chain, "(1 (2 (3)(4 6))(5))");
	CHECK(THREAD_REFS, chain, "(1 (2 (3)(4 6))(5))");
	CHECK(THREAD_REFERENCES, late, "(4)((2 1)(3))");
	CHECK(THREAD_REFS, late, "(4)((2 1)(3))");
	CHECK(THREAD_REFERENCES, gaps, "(1 (2)(3))");
	CHECK(THREAD_REFS, gaps, "(1 (2)(3))");
	CHECK(THREAD_REFERENCES, odd, "(2 1 (3)(4))(5)(6)");
	CHECK(THREAD_REFERENCES, moved, "(1)(2 4 3)");
}

/* Step 5. */
static void
test_gather(void **state)
{
	/* a reply that names nobody goes below the first that is none */
	const struct message reply[] = {
		{ 1, 1, "a", NULL, ">S" },
		{ 2, 2, "b", NULL, "S" },
		{ 3, 3, "c", NULL, ">S" },
		{ 4, 4, "d", NULL, "T" },
	};
	/* two that are none: below a dummy, and the third too */
	const struct message equal[] = {
		{ 1, 1, "a", NULL, "S" },
		{ 2, 2, "b", NULL, "S" },
		{ 3, 3, "c", NULL, ">S" },
		{ 4, 4, "d", "c", "Q" },
	};
	/* a dummy takes in messages and other dummies' children */
	const struct message dummies[] = {
		{ 1, 1, "a", "x", "S" },
		{ 2, 2, "b", "y", "S" },
		{ 3, 3, "c", "x", "T" },
		{ 4, 4, "d", "y", "T" },
		{ 5, 5, "e", NULL, "S" },
		{ 0, 6, "f", NULL, "S" },
	};
	/* no subject: nothing is gathered */
	const struct message none[] = {
		{ 1, 1, "a", NULL, "" },
		{ 2, 2, "b", NULL, "" },
	};
	/* what is merged goes where its date belongs */
	const struct message dates[] = {
		{ 5, 5, "a", NULL, "S" },
		{ 7, 7, "b", "a", "S" },
		{ 6, 6, "c", NULL, ">S" },
		{ 1, 1, "d", NULL, ">S" },
	};

	(void)state;
	CHECK(THREAD_REFERENCES, reply, "(2 (1)(3))(4)");
	CHECK(THREAD_REFS, reply, "(1)(2)(3)(4)");
	CHECK(THREAD_REFERENCES, equal, "((1)(2)(3 4))");
	CHECK(THREAD_REFERENCES, dummies, "((6)(1)(2)(3)(4)(5))");
	CHECK(THREAD_REFERENCES, none, "(1)(2)");
	CHECK(THREAD_REFERENCES, dates, "(1 (4)(3)(2))");
}

/* REFS: by the latest arrival of each. */
static void
test_latest(void **state)
{
	const struct message m[] = {
		{ 1, 50, "a", NULL, NULL },
		{ 2, 20, "b", NULL, NULL },
		{ 3, 10, "c", NULL, NULL },
		{ 4, 60, "d", "c", NULL },
		{ 5, 1, "e", "x", NULL },
		{ 6, 55, "f", "x", NULL },
	};

	(void)state;
	CHECK(THREAD_REFS, m, "(2)(1)((5)(6))(3 4)");
	CHECK(THREAD_REFERENCES, m, "(1)(2)(3 4)((5)(6))");
}

/* Long chains are not deep, and memory has a ceiling. */
static void
test_bounds(void **state)
{
	struct thread_tree t;
	struct message m = { 0, 0, NULL, NULL, NULL };
	char id[16], ref[16];
	struct buf out;
	uint32_t i, n = 100000;

	(void)state;
	buf_init(&out, 4 * MIB);
	thread_tree_init(&t, THREAD_REFERENCES, 256 * MIB);
	for (i = n; i > 0; i--) {
		snprintf(id, sizeof(id), "%u", i);
		snprintf(ref, sizeof(ref), "%u", i - 1);
		m.id = id;
		m.references = ref;
		m.sent = m.arrival = i;
		add(&t, i, &m);
	}
	assert_true(thread_text(&t, 256, &out));
	thread_tree_free(&t);
	assert_true(thread_text_is_sound(buf_slice(&out), n));
	assert_true(slice_starts(buf_slice(&out), "(1 2 3 4 "));
	thread_tree_init(&t, THREAD_REFERENCES, 100 * KIB);
	for (i = 1; i < 5000; i++) {
		snprintf(id, sizeof(id), "%u", i);
		m.id = id;
		add(&t, i, &m);
	}
	assert_false(thread_text(&t, 256, &out));
	assert_true(t.n < 1000);
	thread_tree_free(&t);
	buf_free(&out);
}

/* Random references: each message once, in a response that is one. */
static void
test_random(void **state)
{
	static const char *const subjects[] = { "", "S", ">S", "T", ">T" };
	struct thread_tree t;
	struct message m;
	struct buf out;
	char id[16], refs[80];
	unsigned round, k, j;
	uint32_t i, n;
	size_t at;

	(void)state;
	buf_init(&out, MIB);
	srandom(1);
	for (round = 0; round < 3000; round++) {
		n = (uint32_t)random() % 30;
		k = 1 + (unsigned)random() % 40;
		thread_tree_init(
		    &t, round % 2 == 0 ? THREAD_REFERENCES : THREAD_REFS, MIB);
		for (i = 1; i <= n; i++) {
			at = 0;
			refs[0] = '\0';
			for (j = (unsigned)random() % 5; j > 0; j--)
				at += (size_t)snprintf(refs + at,
				    sizeof(refs) - at, "%s%u",
				    at > 0 ? " " : "", (unsigned)random() % k);
			snprintf(id, sizeof(id), "%u", (unsigned)random() % k);
			m = (struct message){ random() % 5, random() % 5, id,
				refs, subjects[random() % 5] };
			add(&t, i, &m);
		}
		buf_reset(&out);
		assert_true(thread_text(&t, 1 + round % 7, &out));
		if (!thread_text_is_sound(buf_slice(&out), n))
			print_error("round %u: %s\n", round, buf_cstr(&out));
		assert_true(thread_text_is_sound(buf_slice(&out), n));
		thread_tree_free(&t);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_latest),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
