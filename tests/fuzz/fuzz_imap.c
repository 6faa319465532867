/* SPDX-License-Identifier: ISC */
/*
 * imap_input and imap_args: any split of the input gives the same tokens, and
 * values read from them stay inside of them. The first byte seeds the split.
 * plants: 50 51
 */
#include <stdlib.h>

#include "imapd/imap_input.h"
#include "imapd/imap_reply.h"
#include "tests/unit/imapd/imap_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct arena arena;
	struct imap_input in;
	struct buf log;
	uint64_t stream_left;
	bool is_closed;
};

/* A date that was taken is the date that is told. */
static void
same_day(struct slice text, int32_t day)
{
	struct buf b;

	buf_init(&b, 100);
	imap_put_date_time(&b, (int64_t)day * 86400, 0);
	if (slice_find(text, '-') == 1)
		buf_consume(&b, 1);
	buf_consume(&b, 1);
	if (!slice_ieq(slice_head(buf_slice(&b), text.n), text))
		abort();
	buf_free(&b);
}

static void
values(struct run *r)
{
	static const char *const rows[] = { "mailbox [flags] [date]",
		"set atom flags", "mailbox pattern", "astring [params] [*]",
		"number" };
	struct imap_value v[IMAP_VALUES_MAX];
	struct imap_grammar g;
	struct err err;
	int32_t day;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (imap_grammar_parse(rows[i], &g, &err) == -1)
			abort();
		if (imap_args_match(&g, r->in.args, &r->arena, v, &err) == -1)
			buf_puts(&r->log, err.text);
		else if (v[0].is_set && !slice_is_utf8(v[0].text) &&
		    g.item[0].kind == VALUE_MAILBOX)
			abort();
	}
	if (r->in.args != NULL && imap_arg_date(r->in.args, &day, &err) == 0)
		same_day(r->in.args->text, day);
}

static void
told(struct run *r, enum imap_parse what)
{
	buf_printf(&r->log, "[%d]", (int)what);
	switch (what) {
	case PARSE_MORE:
		return;
	case PARSE_VERB:
		r->in.streams = slice_istarts(r->in.name, "A");
		r->in.sections = slice_istarts(r->in.name, "F");
		return;
	case PARSE_CONTINUE:
		return;
	case PARSE_STREAM:
		tree_text(r->in.args, &r->log);
		r->stream_left = r->in.stream_bytes;
		if (r->in.stream_bytes > 1000) {
			(void)err_set(&r->in.err, ERR_LIMIT, "big");
			imap_input_refuse(&r->in);
			r->stream_left = 0;
		} else if (r->stream_left == 0) {
			imap_input_streamed(&r->in);
		}
		return;
	case PARSE_READY:
		buf_put_slice(&r->log, r->in.tag);
		tree_text(r->in.args, &r->log);
		values(r);
		break;
	case PARSE_BAD:
		buf_puts(&r->log, r->in.err.text);
		break;
	case PARSE_CLOSE:
		r->is_closed = true;
		return;
	}
	imap_input_reset(&r->in);
	arena_reset(&r->arena);
}

static void
feed(struct run *r, struct slice s)
{
	enum imap_parse what;
	size_t used;

	while (s.n > 0 && !r->is_closed) {
		if (r->stream_left > 0) {
			used = s.n < r->stream_left ? s.n : r->stream_left;
			r->stream_left -= used;
			s = slice_from(s, used);
			if (r->stream_left == 0)
				imap_input_streamed(&r->in);
			continue;
		}
		what = imap_input_feed(&r->in, s, &used);
		if (used > s.n)
			abort();
		s = slice_from(s, used);
		if (what != PARSE_MORE)
			told(r, what);
	}
}

static void
run(struct run *r, struct slice s, unsigned seed)
{
	size_t n;

	*r = (struct run){ .stream_left = 0 };
	arena_init(&r->arena, MAX_COMMAND_ARENA);
	imap_input_init(&r->in, &r->arena);
	buf_init(&r->log, 16u << 20);
	while (s.n > 0 && !r->is_closed) {
		n = seed == 0 ? s.n : 1 + seed % 7;
		seed = seed * 5 + 3;
		feed(r, slice_head(s, n));
		s = slice_from(s, n);
	}
	imap_input_free(&r->in);
	arena_free(&r->arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = slice_of(data, size);
	struct run whole, split;

	if (size == 0)
		return 0;
	run(&whole, slice_from(s, 1), 0);
	run(&split, slice_from(s, 1), data[0] | 1u);
	if (!slice_eq(buf_slice(&whole.log), buf_slice(&split.log)))
		abort();
	buf_free(&whole.log);
	buf_free(&split.log);
	return 0;
}
