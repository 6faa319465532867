/* SPDX-License-Identifier: ISC */
/* Tests of param.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libbase/ceilings.h"
#include "libmessage/param.h"

/* The parameters, a name, and its value in UTF-8; NULL: none. */
static const struct {
	const char *text, *name, *want;
} params[] = {
	{ "", "a", NULL },
	{ "; charset=us-ascii (Plain text)", "charset", "us-ascii" },
	{ "; Charset = \"utf-8\" ; x=y", "charset", "utf-8" },
	{ ";a=1;;b=2;", "b", "2" },
	{ "; boundary=\"a \\\"b\\\" c\"", "boundary", "a \"b\" c" },
	{ "; boundary=a=b:c", "boundary", "a=b:c" },
	{ "; name=two words.pdf; x=1", "name", "two words.pdf" },
	{ "; name=two words.pdf; x=1", "x", "1" },
	{ "; broken; x=1", "x", "1" },
	{ "; =1; x=2", "x", "2" },
	{ "; name=\"never closed", "name", "never closed" },
	{ "; name=\"semi;colon\"; x=1", "name", "semi;colon" },
	{ "; name=", "name", "" },
	/* RFC 2231 3, 4 */
	{ "; url*0=\"ftp://\"; url*1=\"cs.utk.edu/pub\"", "url",
	    "ftp://cs.utk.edu/pub" },
	{ "; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title",
	    "This is ***fun***" },
	{ "; title*0*=us-ascii'en'This%20is%20even%20more%20; "
	  "title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
	    "title", "This is even more ***fun*** isn't it!" },
	{ "; filename*1=b; filename*0=a; filename*3=d", "filename", "ab" },
	{ "; filename*=iso-8859-1''gr%FC%DFe.txt; filename=plain.txt",
	    "filename",
	    "gr\xc3\xbc\xc3\x9f"
	    "e.txt" },
	/* a character split between sections */
	{ "; f*0*=utf-8''gr%C3; f*1*=%BCn", "f", "gr\xc3\xbcn" },
	{ "; f*=bad%ZZ%4", "f", "bad%ZZ%4" },
	/* in the wild */
	{ "; name=\"=?utf-8?q?gr=C3=BCn.txt?=\"", "name", "gr\xc3\xbcn.txt" },
	{ "; name==?utf-8?b?Z3LDvG4=?=", "name", "gr\xc3\xbcn" },
	{ "; name=\"gr\xfcn.txt\"", "name", "gr\xc3\xbcn.txt" },
	{ "; f*0=\"=?utf-8?q?a?=\"; f*1=\" =?utf-8?q?b?=\"", "f", "ab" },
};

static void
values(void **state)
{
	struct param_list list;
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 100000);
	buf_init(&b, 100000);
	for (size_t i = 0; i < N_ELEMENTS(params); i++) {
		buf_reset(&b);
		param_parse(&a, slice_str(params[i].text), &list);
		assert_int_equal(param_get(&list, params[i].name, &b),
		    params[i].want != NULL);
		if (params[i].want != NULL)
			assert_string_equal(buf_cstr(&b), params[i].want);
	}
	arena_free(&a);
	buf_free(&b);
}

static void
raw(void **state)
{
	struct param_list list;
	struct arena a;

	(void)state;
	arena_init(&a, 100000);
	param_parse(
	    &a, SLICE("; F*0*=utf-8''a; name=\"=?utf-8?q?x?=\""), &list);
	assert_int_equal(list.n, 2);
	assert_true(slice_eq_str(list.v[0].name, "F*0*"));
	assert_true(slice_eq_str(param_raw(&list, "f*0*"), "utf-8''a"));
	assert_true(slice_eq_str(param_raw(&list, "NAME"), "=?utf-8?q?x?="));
	assert_null(param_raw(&list, "f").p);
	arena_free(&a);
}

static void
limits(void **state)
{
	struct param_list list;
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, MIB);
	for (int i = 0; i < 1000; i++)
		buf_puts(&b, "; a=1");
	arena_init(&a, 100000);
	param_parse(&a, buf_slice(&b), &list);
	assert_int_equal(list.n, MAX_PARAMS);
	arena_free(&a);
	arena_init(&a, 10);
	param_parse(&a, buf_slice(&b), &list);
	assert_int_equal(list.n, 0);
	buf_reset(&b);
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "(");
	param_parse(&a, buf_slice(&b), &list);
	assert_int_equal(list.n, 0);
	arena_free(&a);
	buf_free(&b);
}

static void
tokens(void **state)
{
	struct slice s = SLICE(" (c (nested)) text / plain");

	(void)state;
	assert_true(slice_eq_str(param_token(&s), "text"));
	param_skip(&s);
	assert_int_equal(s.p[0], '/');
	assert_int_equal(param_token(&s).n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(raw),
		cmocka_unit_test(limits),
		cmocka_unit_test(tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
