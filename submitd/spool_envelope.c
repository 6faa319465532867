/* SPDX-License-Identifier: ISC */
/* The envelope of a queued message as text, and back. */
#include <string.h>

#include "submitd/spool_envelope.h"

static const char hex_digits[] = "0123456789abcdef";

static void
put_word(struct buf *out, struct slice word)
{
	size_t i;

	buf_putc(out, ' ');
	if (word.n == 0)
		buf_puts(out, "\\e");
	for (i = 0; i < word.n; i++) {
		unsigned char c = (unsigned char)word.p[i];

		if (c > 0x20 && c != 0x7f && c != '\\')
			buf_putc(out, (char)c);
		else
			buf_printf(out, "\\x%02x", c);
	}
}

static void
put_line(struct buf *out, const char *key, struct slice word)
{
	buf_puts(out, key);
	put_word(out, word);
	buf_putc(out, '\n');
}

void
envelope_put(const struct spool_envelope *e, struct buf *out)
{
	char digest[2 * DIGEST_BYTES];
	unsigned i;

	for (i = 0; i < DIGEST_BYTES; i++) {
		digest[2 * i] = hex_digits[e->digest[i] >> 4];
		digest[2 * i + 1] = hex_digits[e->digest[i] & 15];
	}
	buf_puts(out, "restante-envelope 1\n");
	put_line(out, "id", e->id);
	buf_printf(out, "time %llu\n", (unsigned long long)e->time);
	put_line(out, "user", e->user);
	put_line(out, "sender", e->sender);
	buf_printf(out, "size %llu\n", (unsigned long long)e->size);
	put_line(out, "digest", slice_of(digest, sizeof digest));
	for (i = 0; i < e->n_rcpts; i++) {
		buf_printf(out, "rcpt %u", i);
		put_word(out, e->rcpts[i].user);
		put_word(out, e->rcpts[i].mailbox);
		put_word(out, e->rcpts[i].address);
		buf_putc(out, '\n');
	}
	buf_puts(out, "end\n");
	for (i = 0; i < e->n_rcpts; i++)
		if (e->rcpts[i].state != RCPT_WAITING)
			envelope_put_state(i, e->rcpts[i].state, out);
}

static const char *const state_words[] = {
	[RCPT_WAITING] = "waiting",
	[RCPT_STAGED] = "staged",
	[RCPT_DONE] = "done",
	[RCPT_FAILED] = "failed",
};

void
envelope_put_state(unsigned rcpt, enum rcpt_state state, struct buf *out)
{
	buf_printf(out, "%s %u\n", state_words[state], rcpt);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* One word, unescaped; false for a bad escape or when none is left. */
static bool
take_word(struct slice *rest, struct arena *arena, struct slice *out)
{
	struct slice w;
	char *p;
	size_t i, n = 0;

	slice_cut(rest, ' ', &w);
	p = arena_dup(arena, w.p, w.n);
	if (w.n == 0 || p == NULL)
		return false;
	if (slice_eq_str(w, "\\e")) {
		*out = slice_of(p, 0);
		return true;
	}
	for (i = 0; i < w.n; i++) {
		int hi, lo;

		if (w.p[i] != '\\') {
			p[n++] = w.p[i];
			continue;
		}
#if PLANT == 71
		if (w.p[i + 1] != 'x')
			return false;
#else
		if (w.n - i < 4 || w.p[i + 1] != 'x')
			return false;
#endif
		hi = hex_value(w.p[i + 2]);
		lo = hex_value(w.p[i + 3]);
		if (hi == -1 || lo == -1)
			return false;
		p[n++] = (char)(hi * 16 + lo);
		i += 3;
	}
	*out = slice_of(p, n);
	return true;
}

/* What the parser knows between lines. */
struct reading {
	struct spool_envelope *e;
	struct arena *arena;
	unsigned cap; /* of e->rcpts */
	bool ended;   /* "end" was read */
};

static bool
read_digest(struct reading *r, struct slice v)
{
	unsigned i;

	if (v.n != 2 * DIGEST_BYTES)
		return false;
	for (i = 0; i < DIGEST_BYTES; i++) {
		int hi = hex_value(v.p[2 * i]), lo = hex_value(v.p[2 * i + 1]);

		if (hi == -1 || lo == -1)
			return false;
		r->e->digest[i] = (uint8_t)(hi * 16 + lo);
	}
	return true;
}

static bool
read_rcpt(struct reading *r, struct slice v)
{
	struct spool_rcpt *to;
	struct slice no;
	uint32_t n;

	slice_cut(&v, ' ', &no);
	if (slice_u32(no, ENVELOPE_MAX_RCPT - 1, &n) == -1 ||
	    n != r->e->n_rcpts)
		return false;
	if (n == r->cap) {
		unsigned cap = r->cap == 0 ? 8 : r->cap * 4;
		struct spool_rcpt *more =
		    arena_array(r->arena, cap, sizeof *more);

		if (more == NULL)
			return false;
		if (n > 0)
			memcpy(more, r->e->rcpts, n * sizeof *more);
		r->e->rcpts = more;
		r->cap = cap;
	}
	to = &r->e->rcpts[n];
	*to = (struct spool_rcpt){ .state = RCPT_WAITING };
	if (!take_word(&v, r->arena, &to->user) ||
	    !take_word(&v, r->arena, &to->mailbox) ||
	    !take_word(&v, r->arena, &to->address) || v.n > 0)
		return false;
	r->e->n_rcpts++;
	return true;
}

static bool
read_state(struct reading *r, enum rcpt_state state, struct slice v)
{
	uint32_t n;

	if (!r->ended || slice_u32(v, UINT32_MAX, &n) == -1 ||
	    n >= r->e->n_rcpts)
		return false;
	r->e->rcpts[n].state = state;
	return true;
}

static bool
read_line(struct reading *r, struct slice line)
{
	struct spool_envelope *e = r->e;
	struct slice key;
	unsigned s;

	slice_cut(&line, ' ', &key);
	for (s = RCPT_STAGED; s <= RCPT_FAILED; s++)
		if (slice_eq_str(key, state_words[s]))
			return read_state(r, (enum rcpt_state)s, line);
	if (r->ended)
		return false;
	if (slice_eq_str(key, "id"))
		return take_word(&line, r->arena, &e->id);
	if (slice_eq_str(key, "user"))
		return take_word(&line, r->arena, &e->user);
	if (slice_eq_str(key, "sender"))
		return take_word(&line, r->arena, &e->sender);
	if (slice_eq_str(key, "time"))
		return slice_u64(line, UINT64_MAX, &e->time) == 0;
	if (slice_eq_str(key, "size"))
		return slice_u64(line, UINT64_MAX, &e->size) == 0;
	if (slice_eq_str(key, "digest"))
		return read_digest(r, line);
	if (slice_eq_str(key, "rcpt"))
		return read_rcpt(r, line);
	r->ended = slice_eq_str(key, "end");
	return r->ended;
}

int
envelope_parse(struct slice text, struct arena *arena,
    struct spool_envelope *out, struct err *err)
{
	struct spool_envelope e = { 0 };
	struct reading r = { .e = &e, .arena = arena };
	struct slice line;
	unsigned no = 1;

	if (text.n > ENVELOPE_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "envelope of %zu bytes", text.n);
	if (!slice_cut(&text, '\n', &line) ||
	    !slice_eq_str(line, "restante-envelope 1"))
		return err_set(err, ERR_CORRUPT, "not an envelope");
	while (slice_cut(&text, '\n', &line)) {
		no++;
		/* An appended record of which a power cut left the length
		 * alone stands before the next one: it did not happen. */
		while (r.ended && line.n > 1 && line.p[0] == '\0')
			line = slice_from(line, 1);
		if (!read_line(&r, line))
			return err_set(
			    err, ERR_CORRUPT, "line %u of the envelope", no);
	}
	if (!r.ended || e.id.n == 0 || e.n_rcpts == 0)
		return err_set(err, ERR_CORRUPT, "envelope is cut off");
	*out = e;
	return 0;
}
