/* SPDX-License-Identifier: ISC */
/* Records of what is kept: what goes in comes out, what is none is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/kept_fields.h"
#include "imapd/kept_keys.h"
#include "libbase/ceilings.h"
#include "libmessage/header.h"

static const char *const words[] = { "Subject", "To", "subject", "",
	"Message-ID" };
static const char header[] = "Received: x\nsubject: one\n two\nTo: a@b\r\n"
			     "X-Other: 1\nMESSAGE-ID: <1>\nSubject : last";

static void
make(const struct kept_names *names, struct slice block, struct buf *out)
{
	struct kept_fields_maker m;
	struct header_iter it;
	struct header_field f;

	buf_init(out, MIB);
	kept_fields_init(&m, names);
	kept_fields_begin(&m);
	header_begin(&it, block);
	while (header_next(&it, &f))
		kept_fields_add(&m, f.name, f.raw);
	assert_true(kept_fields_end(&m, out));
	kept_fields_free(&m);
}

static void
assert_told(
    const struct kept_fields *f, unsigned a, unsigned b, const char *text)
{
	struct kept_set want = { 0 };
	struct buf out;

	kept_set_add(&want, a);
	kept_set_add(&want, b);
	buf_init(&out, MIB);
	kept_fields_put(f, &want, &out);
	assert_string_equal(buf_cstr(&out), text);
	assert_int_equal(kept_fields_octets(f, &want), strlen(text));
	buf_free(&out);
}

static void
test_fields(void **state)
{
	struct kept_names names, others;
	struct kept_fields f;
	struct buf b;
	size_t i;

	(void)state;
	kept_names_init(&names, words, N_ELEMENTS(words));
	assert_int_equal(names.n, 3);
	assert_int_equal(kept_names_find(&names, SLICE("SUBJECT")), 0);
	assert_int_equal(kept_names_find(&names, SLICE("message-id")), 2);
	assert_int_equal(kept_names_find(&names, SLICE("Subjects")), -1);
	make(&names, slice_str(header), &b);
	assert_true(kept_fields_open(&f, &names, buf_slice(&b)));
	assert_int_equal(f.n, 4);
	assert_told(&f, 0, 0, "subject: one\r\n two\r\nSubject : last\r\n\r\n");
	assert_told(&f, 1, 2, "To: a@b\r\nMESSAGE-ID: <1>\r\n\r\n");
	assert_told(&f, 200, 100, "\r\n");
	/* another list; less of it */
	kept_names_init(&others, words, 2);
	assert_false(kept_fields_open(&f, &others, buf_slice(&b)));
	for (i = 0; i < b.n; i++)
		assert_false(
		    kept_fields_open(&f, &names, slice_head(buf_slice(&b), i)));
	buf_free(&b);
}

static void
test_too_long(void **state)
{
	struct kept_names names;
	struct kept_fields_maker m;
	struct buf b;
	unsigned i;

	(void)state;
	kept_names_init(&names, words, N_ELEMENTS(words));
	buf_init(&b, MIB);
	kept_fields_init(&m, &names);
	kept_fields_begin(&m);
	for (i = 0; i < 10000; i++)
		kept_fields_add(&m, SLICE("to"), SLICE("to: someone\n"));
	assert_false(kept_fields_end(&m, &b));
	kept_fields_begin(&m);
	kept_fields_add(&m, SLICE("to"), SLICE("to: someone\n"));
	assert_true(kept_fields_end(&m, &b));
	kept_fields_free(&m);
	buf_free(&b);
}

static void
test_keys(void **state)
{
	struct sort_record in = { .is_reply = true,
		.id = SLICE("1@x"),
		.references = SLICE("a@b\nc@d\n") },
			   out = { 0 };
	struct kept_texts texts;
	struct kept_keys k;
	struct slice all, text;
	struct buf b;
	size_t i;

	(void)state;
	in.text[SORT_SUBJECT] = SLICE("SUBJECT");
	in.text[SORT_CC] = SLICE("CC");
	kept_texts_init(&texts);
	kept_texts_add(&texts, KEPT_TO, SLICE("first"));
	kept_texts_add(&texts, KEPT_TO, SLICE(""));
	kept_texts_add(&texts, kept_text_find(SLICE("cC")),
	    slice_of(header, sizeof(header)));
	for (i = 0; i < 10000; i++)
		kept_texts_add(&texts, KEPT_FROM, SLICE("many"));
	buf_init(&b, MIB);
	assert_true(kept_keys_put(5, &in, &texts, &b));
	assert_false(kept_keys_open(&k, 6, buf_slice(&b)));
	for (i = 0; i < b.n; i++)
		assert_false(
		    kept_keys_open(&k, 5, slice_head(buf_slice(&b), i)));
	assert_true(kept_keys_open(&k, 5, buf_slice(&b)));
	kept_keys_sort(&k, &out);
	assert_true(out.is_reply);
	assert_true(slice_eq(out.id, in.id));
	assert_true(slice_eq(out.references, in.references));
	for (i = 0; i < SORT_TEXTS; i++)
		assert_true(slice_eq(out.text[i], in.text[i]));
	assert_true(kept_keys_text(&k, KEPT_SUBJECT, &all));
	assert_false(kept_text_next(&all, &text));
	assert_false(kept_keys_text(&k, KEPT_FROM, &all));
	assert_true(kept_keys_text(&k, KEPT_TO, &all));
	assert_true(kept_text_next(&all, &text));
	assert_true(slice_eq_str(text, "first"));
	assert_true(kept_text_next(&all, &text));
	assert_int_equal(text.n, 0);
	assert_false(kept_text_next(&all, &text));
	buf_free(&b);
	kept_texts_free(&texts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
