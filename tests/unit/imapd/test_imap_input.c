/* SPDX-License-Identifier: ISC */
/* imap_input: every command at every split gives the same tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/imapd/imap_tree.h"

struct fixture {
	struct arena arena;
	struct imap_input in;
	struct buf log; /* what happened, as text */
};

static void
begin(struct fixture *f)
{
	arena_init(&f->arena, MAX_COMMAND_ARENA);
	imap_input_init(&f->in, &f->arena);
	buf_init(&f->log, 1 << 20);
}

static void
end(struct fixture *f)
{
	imap_input_free(&f->in);
	arena_free(&f->arena);
	buf_free(&f->log);
}

static void
next(struct fixture *f)
{
	imap_input_reset(&f->in);
	arena_reset(&f->arena);
}

/* Take a streamed literal out of data; how much of it. */
static size_t
take_stream(struct fixture *f, struct slice data)
{
	size_t n = data.n < f->in.stream_bytes ? data.n : f->in.stream_bytes;

	buf_put(&f->log, data.p, n);
	f->in.stream_bytes -= n;
	if (f->in.stream_bytes == 0) {
		buf_puts(&f->log, ">");
		imap_input_streamed(&f->in);
	}
	return n;
}

static void
on_parse(struct fixture *f, enum imap_parse r)
{
	struct imap_input *in = &f->in;

	switch (r) {
	case PARSE_MORE:
		return;
	case PARSE_VERB:
		in->streams = slice_ieq_str(in->name, "APPEND");
		in->sections = slice_ieq_str(in->name, "FETCH");
		return;
	case PARSE_CONTINUE:
		buf_puts(&f->log, "+");
		return;
	case PARSE_STREAM:
		buf_printf(&f->log, "%.*s ", SLICE_ARG(in->name));
		tree_text(in->args, &f->log);
		buf_puts(&f->log, in->is_sync ? " <+" : " <");
		if (in->stream_bytes == 0)
			(void)take_stream(f, SLICE_NONE);
		return;
	case PARSE_READY:
		buf_printf(&f->log, "%.*s%s%.*s", SLICE_ARG(in->tag),
		    in->is_uid ? "/UID/" : "/", SLICE_ARG(in->name));
		if (in->args != NULL)
			buf_putc(&f->log, ' ');
		tree_text(in->args, &f->log);
		buf_putc(&f->log, '\n');
		next(f);
		return;
	case PARSE_BAD:
		buf_printf(&f->log, "%.*s BAD %s %s\n", SLICE_ARG(in->tag),
		    err_word(in->err.code), in->err.text);
		next(f);
		return;
	case PARSE_CLOSE:
		buf_puts(&f->log, "CLOSE\n");
		return;
	}
}

static bool is_streaming;

static void
feed(struct fixture *f, struct slice data)
{
	size_t used;
	enum imap_parse r;

	while (data.n > 0) {
		if (is_streaming) {
			used = take_stream(f, data);
			is_streaming = f->in.stream_bytes > 0;
			data = slice_from(data, used);
			continue;
		}
		r = imap_input_feed(&f->in, data, &used);
		data = slice_from(data, used);
		on_parse(f, r);
		is_streaming = r == PARSE_STREAM && f->in.stream_bytes > 0;
		if (r == PARSE_CLOSE)
			return;
	}
}

static void
expect(const char *text, const char *want)
{
	struct slice s = slice_str(text);
	struct fixture f;
	size_t cut, i;

	/* in one piece, cut in two at every place, byte by byte */
	for (cut = 0; cut <= s.n; cut++) {
		begin(&f);
		feed(&f, slice_head(s, cut));
		feed(&f, slice_from(s, cut));
		assert_string_equal(buf_cstr(&f.log), want);
		end(&f);
	}
	begin(&f);
	for (i = 0; i < s.n; i++)
		feed(&f, slice_of(s.p + i, 1));
	assert_string_equal(buf_cstr(&f.log), want);
	end(&f);
}

static void
test_commands(void **state)
{
	(void)state;
	expect("a1 NOOP\r\n", "a1/NOOP\n");
	expect("a1 noop\na2 NOOP\r\n", "a1/noop\na2/NOOP\n");
	expect("a1 NOOP \r\n", "a1/NOOP\n");
	expect("a LOGIN joe \"p\\\"w \\\\\"\r\n", "a/LOGIN joe \"p\"w \\\"\n");
	expect("a LOGIN joe pass[word]\r\n", "a/LOGIN joe pass[word]\n");
	expect("a LIST \"\" %/*\r\n", "a/LIST \"\" %/*\n");
	expect("a LIST ~/x ~\r\n", "a/LIST ~/x ~\n");
	expect("a uid store 1:* +FLAGS (\\Seen $x)\r\n",
	    "a/UID/store 1:* +FLAGS (\\Seen $x)\n");
	expect("a ID ()\r\n", "a/ID ()\n");
	expect("a UID\r\n", "a/UID\n");
	expect("a S (A (B (C) D) E) F\r\n", "a/S (A (B (C) D) E) F\n");
}

static void
test_sections(void **state)
{
	(void)state;
	expect("a FETCH 1 BODY[]\r\n", "a/FETCH 1 BODY[]\n");
	expect("a FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (A \"B\" {1}\r\nC)]"
	       "<0.10> FLAGS)\r\n",
	    "+a/FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (A \"B\" {C})]<0.10> "
	    "FLAGS)\n");
	expect("a FETCH 1 BODY[1.2.MIME]\r\n", "a/FETCH 1 BODY[1.2.MIME]\n");
	expect("a FETCH 1 BODY[1\r\n", "a BAD invalid Unclosed bracket\n");
	expect("a FETCH 1 BODY[(]\r\n", "a BAD invalid Unclosed bracket\n");
	expect("a FETCH 1 BODY[a)\r\n",
	    "a BAD invalid Unexpected closing bracket\n");
}

static void
test_literals(void **state)
{
	(void)state;
	expect("a LOGIN {3}\r\njoe {2+}\r\npw\r\n", "+a/LOGIN {joe} {pw}\n");
	expect("a LOGIN {3}\njoe {0}\r\n\r\n", "++a/LOGIN {joe} {}\n");
	expect("a X {3+}\r\na\r\n\r\nb Y\r\n", "a/X {a\r\n}\nb/Y\n");
	expect("a X {3+}\r\nabcd\r\nb Y\r\n",
	    "a BAD invalid Blank expected\nb/Y\n");
	/* a bad line with a literal behind it is one command */
	expect("a X ) {6+}\r\nx NOOP\r\nb Y\r\n",
	    "a BAD invalid Argument expected\nb/Y\n");
	expect(
	    "a X ) {6}\r\nb Y\r\n", "a BAD invalid Argument expected\nb/Y\n");
	expect(
	    "a X {70000}\r\nb Y\r\n", "a BAD nospace Literal too big\nb/Y\n");
	expect("a X {99999999999999999999999+}\r\n", "CLOSE\n");
	expect("a X {1+\r\nb Y\r\n", "a BAD invalid Bad literal\nb/Y\n");
	expect("a X ~{1+}\r\nz\r\nb Y\r\n",
	    "a BAD invalid Binary literal not expected\nb/Y\n");
}

static void
test_streams(void **state)
{
	(void)state;
	expect("a APPEND box (\\Seen) {5}\r\nhello\r\nb Y\r\n",
	    "APPEND box (\\Seen) <+hello>a/APPEND\nb/Y\n");
	expect("a APPEND {3+}\r\nbox {5+}\r\nhello {2+}\r\nhi\r\n",
	    "APPEND {box} <hello>APPEND  <hi>a/APPEND\n");
	expect("a APPEND box {0+}\r\n\r\n", "APPEND box <>a/APPEND\n");
	expect("a APPEND box {1+}\r\nxy\r\nb Y\r\n",
	    "APPEND box <x>a BAD invalid Blank expected\nb/Y\n");
}

static void
test_bad(void **state)
{
	(void)state;
	expect("\r\n", " BAD invalid Tag expected\n");
	expect("a\r\n", "a BAD invalid Command expected\n");
	expect("a%\r\n", " BAD invalid Bad tag\n");
	expect("+ NOOP\r\n", " BAD invalid Tag expected\n");
	expect("a  NOOP\r\n", "a BAD invalid Command expected\n");
	expect("a X  y\r\n", "a BAD invalid Argument expected\n");
	expect("a X (y\r\n", "a BAD invalid Unclosed bracket\n");
	expect("a X y)\r\n", "a BAD invalid Unexpected closing bracket\n");
	expect("a X \"y\r\n", "a BAD invalid Unterminated string\n");
	expect("a X \"\\y\"\r\n", "a BAD invalid Bad escape in a string\n");
	expect("a X b\"\r\n", "a BAD invalid Blank expected\n");
	expect("a X b\rc\r\n", "a BAD invalid CR without LF\n");
	expect("a X \xc3\xa4\r\n", "a BAD invalid Argument expected\n");
	expect("a X (a(b)\r\n", "a BAD invalid Blank expected\n");
}

static void
test_nul(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	feed(&f, SLICE("a X \0\r\nb X {3+}\r\na\0b\r\nc Y\r\n"));
	assert_string_equal(buf_cstr(&f.log),
	    "a BAD invalid Argument expected\n"
	    "b BAD invalid NUL in a literal\nc/Y\n");
	end(&f);
}

static void
test_limits(void **state)
{
	struct fixture f;
	size_t i;

	(void)state;
	begin(&f);
	feed(&f, SLICE("a X "));
	for (i = 0; i < 70000; i++)
		feed(&f, SLICE("1,"));
	feed(&f, SLICE("\r\nb Y\r\n"));
	assert_string_equal(
	    buf_cstr(&f.log), "a BAD limit Command line too long\nb/Y\n");
	end(&f);

	begin(&f);
	feed(&f, SLICE("a X "));
	for (i = 0; i < 1200000 && f.log.n == 0; i++)
		feed(&f, SLICE("1"));
	assert_string_equal(buf_cstr(&f.log), "CLOSE\n");
	end(&f);

	begin(&f);
	feed(&f, SLICE("a X "));
	for (i = 0; i < 40; i++)
		feed(&f, SLICE("("));
	feed(&f, SLICE("\r\n"));
	assert_string_equal(
	    buf_cstr(&f.log), "a BAD limit Nested too deeply\n");
	end(&f);
}

static void
test_refuse(void **state)
{
	struct fixture f;
	size_t used, n = 0;
	struct slice s = SLICE("a APPEND b {4+}\r\nabcd\r\nb Y\r\n");

	(void)state;
	begin(&f);
	assert_int_equal(imap_input_feed(&f.in, s, &used), PARSE_VERB);
	f.in.streams = true;
	n += used;
	assert_int_equal(
	    imap_input_feed(&f.in, slice_from(s, n), &used), PARSE_STREAM);
	n += used;
	(void)err_set(&f.in.err, ERR_LIMIT, "no");
	imap_input_refuse(&f.in);
	assert_true(imap_input_is_draining(&f.in));
	assert_int_equal(
	    imap_input_feed(&f.in, slice_from(s, n), &used), PARSE_BAD);
	n += used;
	next(&f);
	feed(&f, slice_from(s, n));
	assert_string_equal(buf_cstr(&f.log), "b/Y\n");
	end(&f);

	s = SLICE("a APPEND b {4}\r\nb Y\r\n");
	begin(&f);
	assert_int_equal(imap_input_feed(&f.in, s, &n), PARSE_VERB);
	f.in.streams = true;
	assert_int_equal(
	    imap_input_feed(&f.in, slice_from(s, n), &used), PARSE_STREAM);
	n += used;
	(void)err_set(&f.in.err, ERR_LIMIT, "no");
	imap_input_refuse(&f.in);
	assert_int_equal(imap_input_feed(&f.in, SLICE_NONE, &used), PARSE_BAD);
	next(&f);
	feed(&f, slice_from(s, n));
	assert_string_equal(buf_cstr(&f.log), "b/Y\n");
	end(&f);
}

static void
test_line(void **state)
{
	struct fixture f;
	struct slice line, s = SLICE("DONE\r\nx");
	size_t used, i;

	(void)state;
	begin(&f);
	for (i = 0; i < 5; i++) {
		assert_int_equal(
		    imap_input_line(&f.in, slice_of(s.p + i, 1), &used, &line),
		    PARSE_MORE);
	}
	assert_int_equal(imap_input_line(&f.in, slice_from(s, 5), &used, &line),
	    PARSE_READY);
	assert_int_equal(used, 1);
	assert_true(slice_eq_str(line, "DONE"));
	assert_int_equal(
	    imap_input_line(&f.in, SLICE("a\0b\n"), &used, &line), PARSE_BAD);
	assert_int_equal(
	    imap_input_line(&f.in, SLICE("\n"), &used, &line), PARSE_READY);
	assert_int_equal(line.n, 0);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
