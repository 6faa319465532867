/* SPDX-License-Identifier: ISC */
/* Bytes of a client to commands: a tokenizer that can stop at any byte. */
#include <assert.h>
#include <string.h>

#include "imapd/imap_input.h"

enum state {
	S_TAG,
	S_NAME,
	S_AFTER, /* behind a name or an argument */
	S_ARG,   /* an argument begins */
	S_FIRST, /* the same right behind "(" or "[" */
	S_ATOM,
	S_QUOTED,
	S_TILDE,      /* "~": of an atom or of "~{" */
	S_SIZE,       /* "{12" */
	S_SIZE_PLUS,  /* "{12+" */
	S_SIZE_CLOSE, /* "{12}" */
	S_SIZE_CR,
	S_LITERAL,
	S_SUFFIX, /* behind the "]" of a section */
	S_CR,
	S_STREAM,  /* the caller reads */
	S_REFUSED, /* answer PARSE_BAD without reading on */
	S_DRAIN,   /* read the line away */
	S_DRAIN_LITERAL,
	S_READY,
	S_CLOSED,
	S_COUNT
};

/* What a state does with a byte. */
enum act {
	EAT,  /* used; go on */
	KEEP, /* the new state looks at it again */
	STOP, /* used; tell in->out */
	STOP_KEEP
};

static bool
is_atom_char(char c)
{
	if (c <= 0x20 || c >= 0x7f)
		return false;
	return c != '(' && c != ')' && c != '{' && c != '"';
}

static void
begin(struct imap_input *in)
{
	in->tag = SLICE_NONE;
	in->name = SLICE_NONE;
	in->is_uid = false;
	in->streams = false;
	in->sections = false;
	in->args = NULL;
	in->link = &in->args;
	in->last = NULL;
	in->n_top = 0;
	in->depth = 0;
	in->state = S_TAG;
	in->line_bytes = 0;
	in->drained = 0;
	in->literal_left = 0;
	in->literal_p = NULL;
	in->token_escape = false;
	in->is_literal8 = false;
	in->err = (struct err){ .code = ERR_OK };
	buf_reset(&in->token);
}

void
imap_input_init(struct imap_input *in, struct arena *arena)
{
	memset(in, 0, sizeof(*in));
	in->arena = arena;
	in->max_line = MAX_IMAP_LINE;
	in->max_literal = MAX_LITERAL_ARG;
	buf_init(&in->token, MAX_IMAP_LINE);
	begin(in);
}

void
imap_input_free(struct imap_input *in)
{
	buf_wipe(&in->token);
}

void
imap_input_reset(struct imap_input *in)
{
	if (in->state != S_CLOSED)
		begin(in);
}

bool
imap_input_is_draining(const struct imap_input *in)
{
	return in->state == S_DRAIN || in->state == S_DRAIN_LITERAL;
}

/* ---- failure: read the rest of the command away, then say so ---- */

static void
blame(struct imap_input *in, enum err_code code, const char *why)
{
	if (in->err.code == ERR_OK)
		(void)err_set(&in->err, code, "%s", why);
	in->sized = SIZE_NONE;
}

static enum act
bad(struct imap_input *in, const char *why)
{
	blame(in, ERR_INVALID, why);
	in->state = S_DRAIN;
	return KEEP;
}

static enum act
too_much(struct imap_input *in, const char *why)
{
	blame(in, ERR_LIMIT, why);
	in->state = S_DRAIN;
	return KEEP;
}

static enum act
stop(struct imap_input *in, enum imap_parse what)
{
	in->out = what;
	return STOP;
}

static enum act
give_up(struct imap_input *in)
{
	blame(in, ERR_LIMIT, "Too much input");
	in->state = S_CLOSED;
	return stop(in, PARSE_CLOSE);
}

/* A literal that is not read into memory stands next in the input. */
static enum act
skip_literal(struct imap_input *in, uint64_t n, bool is_sync)
{
	if (is_sync) { /* never sent: we do not say "+" */
		in->state = S_READY;
		return stop(in, PARSE_BAD);
	}
	if (in->streams && n <= in->max_stream) /* one more message */
		in->drained = 0;
	else if (n > MAX_LITERAL_DRAIN - in->drained)
		return give_up(in);
	else
		in->drained += n;
	in->literal_left = n;
	in->state = n == 0 ? S_DRAIN : S_DRAIN_LITERAL;
	return EAT;
}

/* Follow "{12+}" at the line's end, also in what we do not understand. */
static void
drain_size(struct imap_input *in, char c)
{
	if (c == '{') {
		in->sized = SIZE_DIGITS;
		in->size = 0;
		in->is_sync = true;
	} else if (in->sized == SIZE_DIGITS && ascii_is_digit(c)) {
		if (in->size <= UINT64_MAX / 100)
			in->size = in->size * 10 + (uint64_t)(c - '0');
	} else if (in->sized == SIZE_DIGITS && c == '+' && in->is_sync) {
		in->is_sync = false;
	} else if (in->sized == SIZE_DIGITS && c == '}') {
		in->sized = SIZE_WHOLE;
	} else if (in->sized != SIZE_WHOLE || c != '\r') {
		in->sized = SIZE_NONE;
	}
}

static enum act
on_drain(struct imap_input *in, char c)
{
	if (c == '\n') {
		if (in->sized == SIZE_WHOLE) {
			in->sized = SIZE_NONE;
			return skip_literal(in, in->size, in->is_sync);
		}
		in->state = S_READY;
		return stop(in, PARSE_BAD);
	}
	drain_size(in, c);
	if (++in->drained > MAX_LITERAL_DRAIN)
		return give_up(in);
	return EAT;
}

/* ---- tokens ---- */

static struct slice
take_token(struct imap_input *in)
{
	struct slice s = arena_slice(in->arena, buf_slice(&in->token));

	buf_reset(&in->token);
	return s;
}

/* Hang a new node behind the last; NULL over the arena's ceiling. */
static struct imap_arg *
add_node(struct imap_input *in, enum imap_arg_kind kind)
{
	struct imap_arg *a = arena_zero(in->arena, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->kind = kind;
	*in->link = a;
	in->link = &a->next;
	in->last = a;
	return a;
}

static void
count_top(struct imap_input *in)
{
	if (in->depth == 0)
		in->n_top++;
}

/* The token is a whole argument of this kind. */
static enum act
end_token(struct imap_input *in, enum imap_arg_kind kind, enum act then)
{
	struct imap_arg *a = add_node(in, kind);

	if (a != NULL)
		a->text = take_token(in);
	if (a == NULL || in->arena->failed)
		return too_much(in, "Command too large");
	count_top(in);
	in->state = S_AFTER;
	return then;
}

static enum act
open_list(struct imap_input *in, struct imap_arg *a)
{
	if (a == NULL)
		return too_much(in, "Command too large");
	if (in->depth == MAX_NESTING)
		return too_much(in, "Nested too deeply");
	in->open[in->depth++] = a;
	in->link = &a->child;
	in->state = S_FIRST;
	return EAT;
}

static enum act
close_list(struct imap_input *in, bool is_section)
{
	struct imap_arg *a;

	if (in->depth == 0 ||
	    in->open[in->depth - 1]->has_section != is_section)
		return bad(in, "Unexpected closing bracket");
	a = in->open[--in->depth];
	in->link = &a->next;
	in->last = a;
	if (is_section) {
		in->state = S_SUFFIX;
		return EAT;
	}
	count_top(in);
	in->state = S_AFTER;
	return EAT;
}

static bool
in_section(const struct imap_input *in)
{
	return in->depth > 0 && in->open[in->depth - 1]->has_section;
}

static enum act
end_line(struct imap_input *in)
{
	if (in->depth > 0)
		return bad(in, "Unclosed bracket");
	in->state = S_READY;
	return stop(in, PARSE_READY);
}

/* ---- states ---- */

static enum act
on_tag(struct imap_input *in, char c)
{
	if ((c == ' ' || c == '\r' || c == '\n') && in->token.n > 0) {
		in->tag = take_token(in);
		in->state = S_NAME;
		if (in->arena->failed)
			return too_much(in, "Tag too long");
		return c == ' ' ? EAT : KEEP;
	}
	if (!is_atom_char(c) || strchr("+%*\\", c) != NULL)
		return bad(in, in->token.n == 0 ? "Tag expected" : "Bad tag");
	buf_putc(&in->token, c);
	return EAT;
}

static enum act
on_name(struct imap_input *in, char c)
{
	if (c == ' ' || c == '\r' || c == '\n') {
		if (in->token.n == 0)
			return bad(in, "Command expected");
		in->name = take_token(in);
		if (in->arena->failed)
			return too_much(in, "Command too large");
		if (c == ' ' && !in->is_uid && slice_ieq_str(in->name, "UID")) {
			in->is_uid = true;
			return EAT;
		}
		in->state = S_AFTER;
		in->out = PARSE_VERB;
		return STOP_KEEP;
	}
	if (!is_atom_char(c))
		return bad(in, "Bad command");
	buf_putc(&in->token, c);
	return EAT;
}

static enum act
on_after(struct imap_input *in, char c)
{
	switch (c) {
	case ' ':
		in->state = S_ARG;
		return EAT;
	case ')':
		return close_list(in, false);
	case ']':
		return close_list(in, true);
	case '\r':
		in->state = S_CR;
		return EAT;
	case '\n':
		return end_line(in);
	default:
		return bad(in, "Blank expected");
	}
}

static enum act
on_arg(struct imap_input *in, char c)
{
	switch (c) {
	case '(':
		return open_list(in, add_node(in, ARG_LIST));
	case '"':
		in->state = S_QUOTED;
		return EAT;
	case '{':
		in->state = S_SIZE;
		in->is_literal8 = false;
		in->size = 0;
		in->sized = SIZE_NONE;
		return EAT;
	case '~':
		in->state = S_TILDE;
		return EAT;
	case '\r':
	case '\n':
		/* one blank before the end hurts nobody */
		in->state = S_AFTER;
		return in->depth == 0 ? KEEP : bad(in, "Argument expected");
	default:
		if (!is_atom_char(c) || (c == ']' && in_section(in)))
			return bad(in, "Argument expected");
		in->state = S_ATOM;
		return KEEP;
	}
}

static enum act
on_first(struct imap_input *in, char c)
{
	if (c == ')' || (c == ']' && in_section(in)))
		return on_after(in, c);
	if (c == '\r' || c == '\n')
		return bad(in, "Unclosed bracket");
	return on_arg(in, c);
}

static enum act
on_atom(struct imap_input *in, char c)
{
	struct imap_arg *a;

	if (c == '[' && in->sections && !in_section(in) && in->token.n > 0) {
		a = add_node(in, ARG_ATOM);
		if (a != NULL) {
			a->text = take_token(in);
			a->has_section = true;
		}
		return open_list(in, in->arena->failed ? NULL : a);
	}
	if (is_atom_char(c) && !(c == ']' && in_section(in))) {
		buf_putc(&in->token, c);
		return EAT;
	}
	return end_token(in, ARG_ATOM, KEEP);
}

static enum act
on_quoted(struct imap_input *in, char c)
{
	if (c == '\r' || c == '\n' || c == '\0')
		return bad(in, "Unterminated string");
	if (in->token_escape) {
		in->token_escape = false;
		if (c != '"' && c != '\\')
			return bad(in, "Bad escape in a string");
	} else if (c == '\\') {
		in->token_escape = true;
		return EAT;
	} else if (c == '"') {
		return end_token(in, ARG_QUOTED, EAT);
	}
	buf_putc(&in->token, c);
	return EAT;
}

static enum act
on_tilde(struct imap_input *in, char c)
{
	if (c == '{') {
		in->state = S_SIZE;
		in->is_literal8 = true;
		in->size = 0;
		in->sized = SIZE_NONE;
		return EAT;
	}
	buf_putc(&in->token, '~');
	in->state = S_ATOM;
	return KEEP;
}

static enum act
on_suffix(struct imap_input *in, char c)
{
	struct imap_arg *a = in->last;

	if (is_atom_char(c) && !(c == ']' && in_section(in))) {
		buf_putc(&in->token, c);
		return EAT;
	}
	a->suffix = take_token(in);
	if (in->arena->failed)
		return too_much(in, "Command too large");
	count_top(in);
	in->state = S_AFTER;
	return KEEP;
}

static enum act
on_cr(struct imap_input *in, char c)
{
	if (c != '\n')
		return bad(in, "CR without LF");
	return end_line(in);
}

/* ---- literals ---- */

static enum act
on_size(struct imap_input *in, char c)
{
	if (ascii_is_digit(c)) {
		in->sized = SIZE_DIGITS;
		/* saturates far above any limit, so that a huge literal is
		 * still known as one */
		if (in->size < UINT64_MAX / 100)
			in->size = in->size * 10 + (uint64_t)(c - '0');
		return EAT;
	}
	if (in->sized == SIZE_NONE || (c != '+' && c != '}'))
		return bad(in, "Bad literal");
	in->is_sync = c == '}';
	in->state = c == '+' ? S_SIZE_PLUS : S_SIZE_CLOSE;
	return EAT;
}

static enum act
on_size_plus(struct imap_input *in, char c)
{
	if (c != '}')
		return bad(in, "Bad literal");
	in->state = S_SIZE_CLOSE;
	return EAT;
}

/* Behind "{12}" and its line end. */
static enum act
begin_literal(struct imap_input *in)
{
	struct imap_arg *a;
	uint64_t n = in->size;

	if (in->streams && in->depth == 0 && in->n_top > 0) {
		in->stream_bytes = n;
		in->state = S_STREAM;
		return stop(in, PARSE_STREAM);
	}
	if (n > in->max_literal) {
		blame(in, ERR_NOSPACE, "Literal too big");
		return skip_literal(in, n, in->is_sync);
	}
	if (in->is_literal8) {
		blame(in, ERR_INVALID, "Binary literal not expected");
		return skip_literal(in, n, in->is_sync);
	}
	a = add_node(in, ARG_LITERAL);
	in->literal_p = arena_alloc(in->arena, n + 1);
	if (a == NULL || in->literal_p == NULL) {
		blame(in, ERR_LIMIT, "Command too large");
		return skip_literal(in, n, in->is_sync);
	}
	in->literal_p[n] = '\0';
	a->text = slice_of(in->literal_p, n);
	in->literal_left = n;
	in->state = S_LITERAL;
	if (n == 0) {
		count_top(in);
		in->state = S_AFTER;
	}
	return in->is_sync ? stop(in, PARSE_CONTINUE) : EAT;
}

static enum act
on_size_close(struct imap_input *in, char c)
{
	if (c == '\r' && in->state == S_SIZE_CLOSE) {
		in->state = S_SIZE_CR;
		return EAT;
	}
	if (c != '\n')
		return bad(in, "Bad literal");
	return begin_literal(in);
}

/* As much of a literal as there is. */
static size_t
read_literal(struct imap_input *in, struct slice data)
{
	size_t n = data.n;

	if (n > in->literal_left)
		n = in->literal_left;
	if (in->state == S_DRAIN_LITERAL) {
		in->literal_left -= n;
		if (in->literal_left == 0)
			in->state = S_DRAIN;
		return n;
	}
#if PLANT == 50
	if (n > 3)
		n = data.n;
#endif
	memcpy(in->literal_p, data.p, n);
	if (memchr(data.p, '\0', n) != NULL) {
		/* RFC 3501 9: literal data are CHAR8, which has no NUL */
		blame(in, ERR_INVALID, "NUL in a literal");
		in->state = S_DRAIN_LITERAL;
		in->drained += in->literal_left;
		return 0;
	}
	in->literal_p += n;
	in->literal_left -= n;
	if (in->literal_left == 0) {
		count_top(in);
		in->state = S_AFTER;
	}
	return n;
}

static enum act
on_nothing(struct imap_input *in, char c)
{
	(void)c;
	assert(0 && "fed after the end of a command");
	return stop(in, PARSE_CLOSE);
}

static enum act (*const state_fn[S_COUNT])(struct imap_input *, char) = {
	[S_TAG] = on_tag,
	[S_NAME] = on_name,
	[S_AFTER] = on_after,
	[S_ARG] = on_arg,
	[S_FIRST] = on_first,
	[S_ATOM] = on_atom,
	[S_QUOTED] = on_quoted,
	[S_TILDE] = on_tilde,
	[S_SIZE] = on_size,
	[S_SIZE_PLUS] = on_size_plus,
	[S_SIZE_CLOSE] = on_size_close,
	[S_SIZE_CR] = on_size_close,
	[S_LITERAL] = on_nothing,
	[S_SUFFIX] = on_suffix,
	[S_CR] = on_cr,
	[S_STREAM] = on_nothing,
	[S_REFUSED] = on_nothing,
	[S_DRAIN] = on_drain,
	[S_DRAIN_LITERAL] = on_nothing,
	[S_READY] = on_nothing,
	[S_CLOSED] = on_nothing,
};

/* One byte through the states. True: in->out is to be told. */
static bool
feed_byte(struct imap_input *in, char c, size_t *used)
{
	if (in->state != S_DRAIN && ++in->line_bytes > in->max_line)
		(void)too_much(in, "Command line too long");
	for (;;) {
		switch (state_fn[in->state](in, c)) {
		case EAT:
			(*used)++;
			return false;
		case KEEP:
			break;
		case STOP:
			(*used)++;
			return true;
		case STOP_KEEP:
			in->line_bytes--;
			return true;
		}
	}
}

enum imap_parse
imap_input_feed(struct imap_input *in, struct slice data, size_t *used_out)
{
	size_t used = 0;

	*used_out = 0;
	assert(in->state != S_READY && in->state != S_STREAM);
	if (in->state == S_CLOSED)
		return PARSE_CLOSE;
	if (in->state == S_REFUSED) {
		in->state = S_READY;
		return PARSE_BAD;
	}
	while (used < data.n) {
		if (in->state == S_LITERAL || in->state == S_DRAIN_LITERAL) {
			used += read_literal(in, slice_from(data, used));
			continue;
		}
		if (feed_byte(in, data.p[used], &used)) {
			*used_out = used;
			return in->out;
		}
	}
	*used_out = used;
	return PARSE_MORE;
}

void
imap_input_streamed(struct imap_input *in)
{
	assert(in->state == S_STREAM);
	in->args = NULL;
	in->link = &in->args;
	in->last = NULL;
	in->state = S_AFTER;
}

void
imap_input_refuse_rest(struct imap_input *in, uint64_t n)
{
	assert(in->state == S_STREAM && in->err.code != ERR_OK);
	in->sized = SIZE_NONE;
	in->literal_left = n;
	if (n > MAX_LITERAL_DRAIN && n > in->max_stream)
		in->state = S_CLOSED;
	else
		in->state = n == 0 ? S_DRAIN : S_DRAIN_LITERAL;
	in->drained = n > in->max_stream ? n : 0;
}

void
imap_input_refuse(struct imap_input *in)
{
	if (!in->is_sync) {
		imap_input_refuse_rest(in, in->stream_bytes);
		return;
	}
	assert(in->state == S_STREAM && in->err.code != ERR_OK);
	in->state = S_REFUSED;
}

enum imap_parse
imap_input_line(struct imap_input *in, struct slice data, size_t *used_out,
    struct slice *line_out)
{
	ptrdiff_t lf;
	size_t n;

	if (in->is_line_given)
		buf_reset(&in->token);
	in->is_line_given = false;
	lf = slice_find(data, '\n');
	n = lf < 0 ? data.n : (size_t)lf;
	*used_out = lf < 0 ? n : n + 1;
	if (memchr(data.p == NULL ? "" : data.p, '\0', n) != NULL)
		in->token.failed = true;
	if (in->token.n + n > in->max_line)
		in->token.failed = true;
	if (!in->token.failed)
		buf_put(&in->token, data.p, n);
	else if ((in->drained += n) > MAX_LITERAL_DRAIN)
		return PARSE_CLOSE;
	if (lf < 0)
		return PARSE_MORE;
	in->is_line_given = true;
	in->drained = 0;
	if (in->token.failed)
		return PARSE_BAD;
	*line_out = buf_slice(&in->token);
	if (line_out->n > 0 && line_out->p[line_out->n - 1] == '\r')
		line_out->n--;
	return PARSE_READY;
}
