/* SPDX-License-Identifier: ISC */
/* SORT (RFC 5256, 5267, 5957): find, read keys, sort, tell. */
#include <string.h>

#include "imapd/imap_reply.h"
#include "imapd/imap_session.h"
#include "imapd/search_return.h"
#include "imapd/sort_find.h"
#include "imapd/sort_run.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"
#include "libnet/conn.h"

/* More than there are keys. */
#define MAX_CRITERIA 32
/* Comparisons before the clock is looked at. */
#define PORTION      256
/* Bytes told before it is asked whether the client takes more. */
#define TOLD         8192

struct sort_row {
	const char *name;
	unsigned need;
	enum sort_text text; /* SORT_TEXTS: a number */
	int64_t (*number)(const struct sort_record *rec);
};

struct criterion {
	const struct sort_row *row;
	bool reverse;
};

/* By the row: a number, or a text with a NUL behind it. */
union sort_value {
	int64_t number;
	const char *text;
};

enum {
	SORT_BEGIN,
	SORT_FIND,
	SORT_READ,
	SORT_ORDER,
	SORT_TELL
};

struct sort_ctx {
	unsigned options; /* enum search_return_bit */
	struct criterion by[MAX_CRITERIA];
	unsigned n_by;
	struct sort_find find;
	struct arena keys;
	size_t n;                 /* messages with keys */
	uint32_t *seqs;           /* of each */
	union sort_value *values; /* n_by of each */
	struct sort_run run;      /* indices into seqs */
	size_t told;
};

/* ---- criteria ---- */

static int64_t
number_arrival(const struct sort_record *rec)
{
	return rec->arrival;
}

static int64_t
number_sent(const struct sort_record *rec)
{
	return rec->sent;
}

static int64_t
number_size(const struct sort_record *rec)
{
	return (int64_t)rec->octets;
}

#define NUMBER_ROW(word, needs, fn)                                            \
	{                                                                      \
		.name = word, .need = (needs), .text = SORT_TEXTS,             \
		.number = (fn)                                                 \
	}
#define TEXT_ROW(word, which)                                                  \
	{                                                                      \
		.name = word, .need = 1u << (which), .text = (which)           \
	}

static const struct sort_row rows[] = {
	NUMBER_ROW("ARRIVAL", NEED_ARRIVAL, number_arrival),
	TEXT_ROW("CC", SORT_CC),
	NUMBER_ROW("DATE", NEED_SENT, number_sent),
	TEXT_ROW("DISPLAYFROM", SORT_DISPLAYFROM),
	TEXT_ROW("DISPLAYTO", SORT_DISPLAYTO),
	TEXT_ROW("FROM", SORT_FROM),
	NUMBER_ROW("SIZE", NEED_OCTETS, number_size),
	TEXT_ROW("SUBJECT", SORT_SUBJECT),
	TEXT_ROW("TO", SORT_TO),
};

static const struct sort_row *
find_row(const struct imap_arg *a)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(rows); i++)
		if (imap_arg_is(a, rows[i].name))
			return &rows[i];
	return NULL;
}

/* What is wrong with the list; NULL: nothing. */
static const char *
read_criteria(struct sort_ctx *x, const struct imap_arg *list)
{
	const struct imap_arg *a;
	bool reverse = false;

	if (list == NULL || list->kind != ARG_LIST || list->child == NULL)
		return "Sort criteria expected";
	for (a = list->child; a != NULL; a = a->next) {
		if (!reverse && imap_arg_is(a, "REVERSE")) {
			reverse = true;
			continue;
		}
		if (x->n_by == MAX_CRITERIA)
			return "Too many sort criteria";
		x->by[x->n_by].row = find_row(a);
		x->by[x->n_by].reverse = reverse;
		if (x->by[x->n_by].row == NULL)
			return "Unknown sort criterion";
		x->n_by++;
		reverse = false;
	}
	return reverse ? "REVERSE without a criterion" : NULL;
}

static int
compare_value(const struct sort_row *row, const union sort_value *a,
    const union sort_value *b)
{
	if (row->text != SORT_TEXTS)
		return strcmp(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}

/* A sort_compare_fn. What is equal stays in the order of the mailbox. */
static int
compare(const void *arg, uint32_t a, uint32_t b)
{
	const struct sort_ctx *x = arg;
	unsigned i;
	int c;

	for (i = 0; i < x->n_by; i++) {
		c = compare_value(x->by[i].row,
		    &x->values[(size_t)a * x->n_by + i],
		    &x->values[(size_t)b * x->n_by + i]);
		if (c != 0)
			return x->by[i].reverse ? -c : c;
	}
	return 0;
}

/* ---- find ---- */

static void
sort_drop(struct imap_cmd *cmd)
{
	struct sort_ctx *x = cmd->ctx;

	if (x == NULL)
		return;
	sort_find_free(&x->find);
	arena_free(&x->keys);
}

/* False: the reply is set. */
static bool
sort_begin(struct imap_cmd *cmd, struct sort_ctx *x)
{
	const struct imap_arg *a = cmd->v[0].arg;
	unsigned needs = 0, i;
	const char *why;

	if (!search_return_read(cmd, &a, &x->options))
		return false;
	why = read_criteria(x, a);
	if (why != NULL) {
		(void)imap_bad(cmd, why);
		return false;
	}
	for (i = 0; i < x->n_by; i++)
		needs |= x->by[i].row->need;
	arena_init(&x->keys, MAX_SORT_MEMORY);
	return sort_find_begin(cmd, a->next, needs, &x->find);
}

/* ---- keys ---- */

static bool
too_large(struct imap_cmd *cmd)
{
	(void)imap_no(cmd, "LIMIT", "Too many messages");
	return false;
}

/* Room for what was found. False: the reply is set. */
static bool
read_begin(struct imap_cmd *cmd, struct sort_ctx *x)
{
	size_t n = (size_t)seqset_count(&x->find.find.found);

	if (x->find.find.found.failed)
		return too_large(cmd);
	x->seqs = arena_array(&x->keys, n, sizeof(*x->seqs));
	x->values = arena_array(&x->keys, n * x->n_by, sizeof(*x->values));
	if (x->seqs == NULL || x->values == NULL)
		return too_large(cmd);
	cmd->phase = SORT_READ;
	return true;
}

/* The keys of the message read last. */
static void
keep(struct sort_ctx *x, uint32_t seq)
{
	const struct sort_record *rec = &x->find.reader.record;
	union sort_value *v = &x->values[x->n * x->n_by];
	unsigned i;

	for (i = 0; i < x->n_by; i++) {
		const struct sort_row *row = x->by[i].row;

		if (row->text == SORT_TEXTS)
			v[i].number = row->number(rec);
		else
			v[i].text = arena_dup(&x->keys, rec->text[row->text].p,
			    rec->text[row->text].n);
	}
	x->seqs[x->n++] = seq;
}

/* True when all are read, or memory is over its ceiling. */
static bool
read_keys(struct imap_cmd *cmd, struct sort_ctx *x)
{
	uint32_t seq;
	int r = 0;

	while (
	    !x->keys.failed && (r = sort_find_next(cmd, &x->find, &seq)) == 1)
		keep(x, seq);
	return r != -1;
}

/* ---- sort ---- */

static bool
order_begin(struct imap_cmd *cmd, struct sort_ctx *x)
{
	uint32_t *numbers = arena_array(&x->keys, x->n, sizeof(*numbers));
	uint32_t *spare = arena_array(&x->keys, x->n, sizeof(*spare));
	size_t i;

	if (x->keys.failed)
		return too_large(cmd);
	for (i = 0; i < x->n; i++)
		numbers[i] = (uint32_t)i;
	sort_run_begin(&x->run, numbers, spare, x->n, compare, x);
	cmd->phase = SORT_ORDER;
	return true;
}

static bool
order(struct imap_cmd *cmd, struct sort_ctx *x)
{
	while (conn_slice_left(cmd->s->conn))
		if (sort_run_step(&x->run, PORTION))
			return true;
	return false;
}

/* ---- tell ---- */

/* The i-th in order, as it is told. */
static uint32_t
number_at(const struct imap_cmd *cmd, const struct sort_ctx *x, size_t i)
{
	uint32_t seq = x->seqs[x->run.at[i]];

	return cmd->is_uid ? view_rec(cmd->s->view, seq)->uid : seq;
}

/* RFC 5182, RFC 5267 3.1: MIN and MAX are the first and the last. */
static bool
save(struct imap_cmd *cmd, struct sort_ctx *x)
{
	unsigned want = search_return_wants(x->options);
	struct seqset set;
	uint32_t seq;
	size_t i;
	bool ok;

	if ((x->options & RETURN_SAVE) == 0)
		return true;
	seqset_init(&set, MAX_VIEW_RANGES);
	for (i = 0; i < x->n; i++) {
		bool wanted = (want & FIND_ALL) != 0 ||
		    (i == x->run.at[0] && (want & FIND_MIN) != 0) ||
		    (i == x->run.at[x->n - 1] && (want & FIND_MAX) != 0);

		seq = x->seqs[i];
		if (wanted)
			seqset_add(&set, seq, seq);
	}
	ok = search_return_save(cmd, x->options, &set);
	seqset_free(&set);
	return ok;
}

/* False: the reply is set. */
static bool
tell_begin(struct imap_cmd *cmd, struct sort_ctx *x)
{
	if (!save(cmd, x))
		return false;
	cmd->phase = SORT_TELL;
	if ((x->options & RETURN_GIVEN) == 0) {
		imap_put(cmd->s, SLICE("* SORT"));
		return true;
	}
	if (search_return_tells(x->options))
		search_return_put_head(cmd, x->options,
		    x->n > 0 ? number_at(cmd, x, 0) : 0,
		    x->n > 0 ? number_at(cmd, x, x->n - 1) : 0, x->n);
	if ((x->options & RETURN_ALL) == 0)
		x->told = x->n;
	return true;
}

/* " 5", or ",5:7" for what goes up one by one (RFC 5267 3.2). */
static void
put_number(struct imap_cmd *cmd, struct sort_ctx *x, struct buf *b)
{
	uint32_t first = number_at(cmd, x, x->told), last = first;
	size_t i = x->told++;

	if ((x->options & RETURN_GIVEN) == 0) {
		buf_putc(b, ' ');
		buf_put_u64(b, first);
		return;
	}
	for (; x->told < x->n && number_at(cmd, x, x->told) == last + 1;
	     x->told++)
		last++;
	search_return_put_range(b, i == 0, first, last);
}

/* True at the end. */
static bool
tell(struct imap_cmd *cmd, struct sort_ctx *x)
{
	struct buf b;

	buf_init(&b, TOLD);
	while (x->told < x->n && !imap_is_full(cmd->s)) {
		buf_reset(&b);
		while (b.n + 32 < TOLD && x->told < x->n)
			put_number(cmd, x, &b);
		imap_put(cmd->s, buf_slice(&b));
	}
	buf_free(&b);
	return x->told == x->n;
}

/* RFC 7162 3.1.9, RFC 4731 3.2: of the first and the last, where no more is
 * told. */
static uint64_t
highest_told(const struct sort_ctx *x)
{
	unsigned want = search_return_wants(x->options);
	struct seqset ends;
	uint64_t highest;

	if (x->n == 0)
		return 0;
	if ((want & FIND_ALL) != 0)
		return search_find_modseq(&x->find.find, &x->find.find.found);
	seqset_init(&ends, 2);
	if ((want & FIND_MIN) != 0)
		seqset_add(&ends, x->seqs[x->run.at[0]], x->seqs[x->run.at[0]]);
	if ((want & FIND_MAX) != 0)
		seqset_add(&ends, x->seqs[x->run.at[x->n - 1]],
		    x->seqs[x->run.at[x->n - 1]]);
	highest = search_find_modseq(&x->find.find, &ends);
	seqset_free(&ends);
	return highest;
}

/* ---- the command ---- */

static enum step
sort_go(struct imap_cmd *cmd, struct sort_ctx *x)
{
	if (cmd->phase == SORT_BEGIN) {
		if (!sort_begin(cmd, x))
			return STEP_DONE;
		cmd->phase = SORT_FIND;
	}
	if (cmd->phase == SORT_FIND) {
		if (!sort_find_step(cmd, &x->find))
			return STEP_AGAIN;
		if (!read_begin(cmd, x))
			return STEP_DONE;
	}
	if (cmd->phase == SORT_READ) {
		if (!read_keys(cmd, x))
			return STEP_AGAIN;
		if (!order_begin(cmd, x))
			return STEP_DONE;
	}
	if (cmd->phase == SORT_ORDER) {
		if (!order(cmd, x))
			return STEP_AGAIN;
		if (!tell_begin(cmd, x))
			return STEP_DONE;
	}
	if (!tell(cmd, x))
		return STEP_DRAIN;
	if ((x->options & RETURN_GIVEN) == 0 || search_return_tells(x->options))
		search_return_put_end(cmd, x->options, highest_told(x));
	return search_find_end(cmd, &x->find.find);
}

static enum step
sort_step(struct imap_cmd *cmd)
{
	struct sort_ctx *x = cmd->ctx;
	enum step r;

	if (x == NULL)
		x = cmd->ctx = arena_zero(cmd->arena, sizeof(*x));
	if (x == NULL)
		return imap_bad(cmd, "Command too large");
	r = sort_go(cmd, x);
	search_return_ends(cmd, x->options, r);
	return r;
}

const struct imap_verb imap_verbs_sort[] = {
	{ .name = "SORT",
	    .args = "*",
	    .flags = IN_SELECTED | HAS_UID | USES_SEQ,
	    .capability = "SORT SORT=DISPLAY ESORT I18NLEVEL=1",
	    .step = sort_step,
	    .drop = sort_drop },
	{ .name = NULL },
};
