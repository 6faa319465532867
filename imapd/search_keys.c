/* SPDX-License-Identifier: ISC */
/* SEARCH keys: the table, and keys to program. */
#include "imapd/search_keys.h"
#include "imapd/cmd_flags.h"
#include "imapd/kept_fields.h"
#include "imapd/kept_keys.h"
#include "libbase/ceilings.h"
#include "libmaildir/view.h"
#include "libmessage/date.h"

/* ---- what needs no file ---- */

static bool
is_all(const struct search_node *n, const struct search_subject *m)
{
	(void)n;
	(void)m;
	return true;
}

static bool
has_flag(const struct search_node *n, const struct search_subject *m)
{
	return (m->rec->flags & n->row->flag) != 0;
}

static bool
has_keyword(const struct search_node *n, const struct search_subject *m)
{
	return (m->rec->keywords & n->keyword) != 0;
}

static bool
is_recent(const struct search_node *n, const struct search_subject *m)
{
	(void)n;
	return view_is_recent(m->view, m->rec);
}

static bool
is_new(const struct search_node *n, const struct search_subject *m)
{
	return (m->rec->flags & FLAG_SEEN) == 0 && is_recent(n, m);
}

static bool
in_uids(const struct search_node *n, const struct search_subject *m)
{
	return seqset_has(n->set, m->rec->uid);
}

static bool
in_seqs(const struct search_node *n, const struct search_subject *m)
{
	return seqset_has(n->set, m->seq);
}

static bool
is_changed(const struct search_node *n, const struct search_subject *m)
{
	return m->rec->modseq >= n->number;
}

/* ---- sizes and dates ---- */

static bool
is_larger(const struct search_node *n, const struct search_subject *m)
{
	return m->rec->wire > n->number;
}

static bool
is_smaller(const struct search_node *n, const struct search_subject *m)
{
	return m->rec->wire < n->number;
}

/* RFC 5032 2: at the moment itself it is both. */
static bool
is_older(const struct search_node *n, const struct search_subject *m)
{
	return m->rec->internaldate <= n->moment;
}

static bool
is_younger(const struct search_node *n, const struct search_subject *m)
{
	return m->rec->internaldate >= n->moment;
}

/* The day as FETCH INTERNALDATE tells it, in UTC. */
static int32_t
day_of(const struct search_subject *m)
{
	return date_day_at(m->rec->internaldate, 0);
}

static bool
is_day_before(const struct search_node *n, int32_t day)
{
	return day < n->day;
}

static bool
is_day_on(const struct search_node *n, int32_t day)
{
	return day == n->day;
}

static bool
is_day_since(const struct search_node *n, int32_t day)
{
	return day >= n->day;
}

static bool
is_before(const struct search_node *n, const struct search_subject *m)
{
	return is_day_before(n, day_of(m));
}

static bool
is_on(const struct search_node *n, const struct search_subject *m)
{
	return is_day_on(n, day_of(m));
}

static bool
is_since(const struct search_node *n, const struct search_subject *m)
{
	return is_day_since(n, day_of(m));
}

/* ---- the table ---- */

#define FLAG_ROW(word, bit)                                                    \
	{                                                                      \
		.name = word, .flag = (bit), .test = has_flag                  \
	}
#define UNFLAG_ROW(word, bit)                                                  \
	{                                                                      \
		.name = word, .flag = (bit), .negate = true, .test = has_flag  \
	}
#define FIELD_ROW(word, what)                                                  \
	{                                                                      \
		.name = word, .takes = TAKES_STRING, .cost = COST_HEADER,      \
		.field = (what)                                                \
	}
#define DATE_ROW(word, fn)                                                     \
	{                                                                      \
		.name = word, .takes = TAKES_DATE, .cost = COST_STAT,          \
		.needs_date = true, .test = (fn)                               \
	}
#define AGE_ROW(word, fn)                                                      \
	{                                                                      \
		.name = word, .takes = TAKES_INTERVAL, .cost = COST_STAT,      \
		.needs_date = true, .test = (fn)                               \
	}
#define SENT_ROW(word, fn)                                                     \
	{                                                                      \
		.name = word, .takes = TAKES_DATE, .cost = COST_HEADER,        \
		.field = "Date", .test_day = (fn)                              \
	}
#define SIZE_ROW(word, fn)                                                     \
	{                                                                      \
		.name = word, .takes = TAKES_NUMBER, .cost = COST_STAT,        \
		.needs_size = true, .test = (fn)                               \
	}

static const struct search_row rows[] = {
	{ .name = "ALL", .test = is_all },
	FLAG_ROW("ANSWERED", FLAG_ANSWERED),
	FIELD_ROW("BCC", "Bcc"),
	DATE_ROW("BEFORE", is_before),
	{ .name = "BODY",
	    .takes = TAKES_STRING,
	    .cost = COST_TEXT,
	    .no_header = true },
	FIELD_ROW("CC", "Cc"),
	FLAG_ROW("DELETED", FLAG_DELETED),
	FLAG_ROW("DRAFT", FLAG_DRAFT),
	FLAG_ROW("FLAGGED", FLAG_FLAGGED),
	FIELD_ROW("FROM", "From"),
	{ .name = "HEADER", .takes = TAKES_FIELD, .cost = COST_HEADER },
	{ .name = "KEYWORD", .takes = TAKES_KEYWORD, .test = has_keyword },
	SIZE_ROW("LARGER", is_larger),
	{ .name = "MODSEQ", .takes = TAKES_MODSEQ, .test = is_changed },
	{ .name = "NEW", .test = is_new },
	{ .name = "OLD", .negate = true, .test = is_recent },
	AGE_ROW("OLDER", is_older),
	DATE_ROW("ON", is_on),
	{ .name = "RECENT", .test = is_recent },
	FLAG_ROW("SEEN", FLAG_SEEN),
	SENT_ROW("SENTBEFORE", is_day_before),
	SENT_ROW("SENTON", is_day_on),
	SENT_ROW("SENTSINCE", is_day_since),
	DATE_ROW("SINCE", is_since),
	SIZE_ROW("SMALLER", is_smaller),
	FIELD_ROW("SUBJECT", "Subject"),
	{ .name = "TEXT", .takes = TAKES_STRING, .cost = COST_TEXT },
	FIELD_ROW("TO", "To"),
	{ .name = "UID", .takes = TAKES_UIDS, .test = in_uids },
	UNFLAG_ROW("UNANSWERED", FLAG_ANSWERED),
	UNFLAG_ROW("UNDELETED", FLAG_DELETED),
	UNFLAG_ROW("UNDRAFT", FLAG_DRAFT),
	UNFLAG_ROW("UNFLAGGED", FLAG_FLAGGED),
	{ .name = "UNKEYWORD",
	    .takes = TAKES_KEYWORD,
	    .negate = true,
	    .test = has_keyword },
	UNFLAG_ROW("UNSEEN", FLAG_SEEN),
	AGE_ROW("YOUNGER", is_younger),
};

/* A sequence set is its own name. */
static const struct search_row set_row = { .takes = TAKES_SEQS,
	.test = in_seqs };
/* The saved result is one of messages, whatever form the command has. */
static const struct search_row saved_row = { .takes = TAKES_SAVED,
	.test = in_uids };

static const struct search_row *
find_row(struct slice name)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(rows); i++)
		if (slice_ieq_str(name, rows[i].name))
			return &rows[i];
	if (name.n > 0 && (ascii_is_digit(name.p[0]) || name.p[0] == '*'))
		return &set_row;
	if (slice_eq_str(name, "$"))
		return &saved_row;
	return NULL;
}

/* ---- keys to program ---- */

/* A group that is not complete. An OR that is an operand of an OR needs no
 * group of its own, so that long chains of them are not deep. */
struct frame {
	struct search_node *group;
	unsigned need;               /* OR: operands that are missing */
	bool negate;                 /* NOT stands before the next */
	const struct imap_arg *back; /* a list: what stands behind it */
};

struct search_parser {
	struct search_program *p;
	struct search_scope scope;
	struct arena *arena;
	struct err *err;
	const struct imap_arg *at; /* NULL: the end of this list */
	struct frame frame[2 * MAX_NESTING];
	unsigned depth;
};

static int
bad(struct search_parser *sp, const char *why)
{
	return err_set(sp->err, ERR_INVALID, "%s", why);
}

static void
free_set(void *arg)
{
	seqset_free(arg);
}

/* The next node of a group; NULL with err. */
static struct search_node *
add_node(struct search_parser *sp, const struct search_row *row)
{
	struct search_program *p = sp->p;
	struct frame *f = &sp->frame[sp->depth - 1];
	struct search_node *n = &p->node[p->n];

	if (p->n == p->max) {
		(void)bad(sp, "Too many search keys");
		return NULL;
	}
	p->n++;
	n->row = row;
	n->negate = f->negate != (row != NULL && row->negate);
	n->parent = f->group;
	if (f->group->last == NULL)
		f->group->first = n;
	else
		f->group->last->next = n;
	f->group->last = n;
	f->negate = false;
	if (f->need > 0)
		f->need--;
	return n;
}

static int
push(struct search_parser *sp, unsigned need, const struct imap_arg *back)
{
	struct search_node *n;

	if (sp->depth == N_ELEMENTS(sp->frame))
		return bad(sp, "Search keys nested too deep");
	n = add_node(sp, NULL);
	if (n == NULL)
		return -1;
	n->is_or = need > 0;
	sp->frame[sp->depth++] =
	    (struct frame){ .group = n, .need = need, .back = back };
	return 0;
}

static int
take_set(struct search_parser *sp, struct search_node *n,
    const struct imap_arg *a, uint32_t star)
{
	struct seqset *set = arena_alloc(sp->arena, sizeof(*set));

	if (set == NULL)
		return bad(sp, "Command too large");
	seqset_init(set, MAX_SEQSET_RANGES);
	arena_on_reset(sp->arena, free_set, set);
	n->set = set;
	if (a->kind != ARG_ATOM || a->has_section ||
	    seqset_parse(a->text, star, set) == -1)
		return bad(sp, "Bad message set");
	return 0;
}

static int
take_string(
    struct search_parser *sp, struct search_node *n, const struct imap_arg *a)
{
	if (!imap_arg_is_astring(a))
		return bad(sp, "String expected");
	n->string = a->text;
	return 0;
}

static int
take_keyword(
    struct search_parser *sp, struct search_node *n, const struct imap_arg *a)
{
	if (a->kind != ARG_ATOM || !imap_is_atom(a->text) ||
	    a->text.n > MAX_KEYWORD)
		return bad(sp, "Keyword expected");
	n->word = a->text;
	sp->p->has_keywords = true;
	return 0;
}

static int
take_number(
    struct search_parser *sp, struct search_node *n, const struct imap_arg *a)
{
	if (a->kind != ARG_ATOM || a->has_section ||
	    slice_u64(a->text, INT64_MAX, &n->number) == -1)
		return bad(sp, "Number expected");
	return 0;
}

/* RFC 7162 7: [entry-name SP entry-type-req SP] mod-sequence-valzer. We have
 * one modseq a message, so the entry is read and of no use. */
static int
take_modseq(
    struct search_parser *sp, struct search_node *n, const struct imap_arg *a)
{
	if (a->kind == ARG_QUOTED) {
		if (!slice_istarts(a->text, "/flags/") || sp->at == NULL ||
		    sp->at->next == NULL ||
		    (!imap_arg_is(sp->at, "priv") &&
			!imap_arg_is(sp->at, "shared") &&
			!imap_arg_is(sp->at, "all")))
			return bad(sp, "Entry of a flag expected");
		a = sp->at->next;
		sp->at = a->next;
	}
	sp->p->has_modseq = true;
	return take_number(sp, n, a);
}

/* RFC 5032 3: nz-number */
static int
take_interval(
    struct search_parser *sp, struct search_node *n, const struct imap_arg *a)
{
	uint32_t secs;

	if (a->kind != ARG_ATOM || a->has_section ||
	    slice_u32(a->text, UINT32_MAX, &secs) == -1 || secs == 0)
		return bad(sp, "Number of seconds expected");
	n->moment = sp->scope.now - (int64_t)secs;
	return 0;
}

/* What stands behind the name; sp->at is moved past it. */
static int
take(struct search_parser *sp, struct search_node *n)
{
	const struct imap_arg *a = sp->at;

	if (n->row->takes == TAKES_NOTHING)
		return 0;
	if (a == NULL)
		return bad(sp, "Search key without its argument");
	sp->at = a->next;
	switch (n->row->takes) {
	case TAKES_KEYWORD:
		return take_keyword(sp, n, a);
	case TAKES_DATE:
		return imap_arg_date(a, &n->day, sp->err);
	case TAKES_NUMBER:
		return take_number(sp, n, a);
	case TAKES_INTERVAL:
		return take_interval(sp, n, a);
	case TAKES_MODSEQ:
		return take_modseq(sp, n, a);
	case TAKES_STRING:
		return take_string(sp, n, a);
	case TAKES_FIELD:
		if (!imap_arg_is_astring(a) || sp->at == NULL)
			return bad(sp, "Field name and string expected");
		n->word = a->text;
		a = sp->at;
		sp->at = a->next;
		return take_string(sp, n, a);
	case TAKES_UIDS:
		if (imap_arg_is(a, "$")) {
			n->set = sp->scope.saved;
			return 0;
		}
		return take_set(sp, n, a, sp->scope.max_uid);
	case TAKES_SEQS:
	case TAKES_SAVED:
	case TAKES_NOTHING:
		break;
	}
	return 0;
}

static int
take_key(struct search_parser *sp, const struct imap_arg *a)
{
	const struct search_row *row = NULL;
	struct search_node *n;

	if (a->kind == ARG_ATOM && !a->has_section)
		row = find_row(a->text);
	if (row == NULL)
		return bad(sp, "Unknown search key");
	n = add_node(sp, row);
	if (n == NULL)
		return -1;
	sp->p->costs |= 1u << row->cost;
	if (row->takes == TAKES_SEQS)
		return take_set(sp, n, a, sp->scope.max_seq);
	if (row->takes == TAKES_SAVED) {
		n->set = sp->scope.saved;
		return 0;
	}
	return take(sp, n);
}

/* A node of the tree: NOT and OR change the frame, all else is a key. */
static int
take_word(struct search_parser *sp)
{
	struct frame *f = &sp->frame[sp->depth - 1];
	const struct imap_arg *a = sp->at;

	sp->at = a->next;
	if (a->kind == ARG_LIST) {
		if (push(sp, 0, sp->at) == -1)
			return -1;
		sp->at = a->child;
		return 0;
	}
	if (imap_arg_is(a, "NOT")) {
		f->negate = !f->negate;
		if (sp->at == NULL)
			return bad(sp, "NOT without a key");
		return 0;
	}
	if (!imap_arg_is(a, "OR"))
		return take_key(sp, a);
#if PLANT == 55
	f->need++;
	return 0;
#endif
	if (f->need > 0 && !f->negate) {
		f->need++; /* two operands in the place of one */
		return 0;
	}
	return push(sp, 2, NULL);
}

/* Complete groups are left. 1: go on, 0: the program is complete, -1. */
static int
leave_groups(struct search_parser *sp)
{
	for (;;) {
		struct frame *f = &sp->frame[sp->depth - 1];

		if (f->group->is_or) {
			if (f->need > 0)
				return sp->at != NULL ? 1 :
							bad(sp, "OR wants two");
			sp->depth--;
			continue;
		}
		if (sp->at != NULL)
			return 1;
		if (f->group->first == NULL)
			return bad(sp, "Search keys expected");
		if (--sp->depth == 0)
			return 0;
		sp->at = f->back;
	}
}

/* How many nodes a chain of keys can make: a line without lists is short. */
static unsigned
nodes_max(const struct imap_arg *keys)
{
	unsigned n = 1; /* the whole */

	for (; keys != NULL; keys = keys->next, n++)
		if (keys->kind == ARG_LIST || n == SEARCH_NODES_MAX)
			return SEARCH_NODES_MAX;
	return n;
}

struct search_program *
search_parse(const struct imap_arg *keys, struct search_scope scope,
    struct arena *arena, struct err *err)
{
	struct search_parser *sp = arena_zero(arena, sizeof(*sp));
	struct search_program *p = arena_zero(arena, sizeof(*p));
	int r;

	if (sp == NULL || p == NULL)
		return NULL;
	p->max = nodes_max(keys);
	p->node = arena_array(arena, p->max, sizeof(*p->node));
	*sp = (struct search_parser){
		.p = p, .scope = scope, .arena = arena, .err = err, .at = keys
	};
	if (p->node == NULL) {
		(void)bad(sp, "Command too large");
		return NULL;
	}
	sp->frame[sp->depth++].group = &p->node[p->n++];
	while ((r = leave_groups(sp)) == 1)
		if (take_word(sp) == -1)
			return NULL;
	return r == 0 ? p : NULL;
}

/* ---- what the program needs before it runs ---- */

bool
search_has_strings(const struct search_program *p)
{
	return (p->costs & (1u << COST_HEADER | 1u << COST_TEXT)) != 0;
}

struct slice
search_field(const struct search_node *n)
{
	return n->row->field != NULL ? slice_str(n->row->field) : n->word;
}

static void
free_matcher(void *arg)
{
	text_matcher_free(arg);
}

bool
search_arm(
    struct search_program *p, const struct text_fold *fold, struct arena *arena)
{
	unsigned i;

	for (i = 0; i < p->n; i++) {
		struct search_node *n = &p->node[i];

		if (n->string.p == NULL)
			continue;
		n->matcher = arena_alloc(arena, sizeof(*n->matcher));
		if (n->matcher == NULL)
			return false;
		text_matcher_init(n->matcher, fold, n->string);
		arena_on_reset(arena, free_matcher, n->matcher);
	}
	return true;
}

void
search_keep(struct search_program *p, const struct kept_names *names)
{
	struct slice field;
	unsigned i;

	for (i = 0; i < p->n; i++) {
		struct search_node *n = &p->node[i];

		n->kept_text = n->kept_name = -1;
		if (n->row == NULL || n->row->cost != COST_HEADER ||
		    names == NULL)
			continue;
		field = search_field(n);
		if (n->row->test_day == NULL)
			n->kept_text = kept_text_find(field);
		n->kept_name = kept_names_find(names, field);
	}
}

static uint32_t
letter_of(const struct mailbox *mb, struct slice name)
{
	unsigned i;

	for (i = 0; i < 26; i++)
		if (slice_ieq(name, slice_str(mailbox_keyword(mb, i))))
			return 1u << i;
	return 0;
}

void
search_name_keywords(struct search_program *p, const struct mailbox *mb)
{
	unsigned i;

	for (i = 0; p->has_keywords && i < p->n; i++)
		if (p->node[i].row != NULL &&
		    p->node[i].row->takes == TAKES_KEYWORD)
			p->node[i].keyword = letter_of(mb, p->node[i].word);
}

/* ---- values ---- */

void
search_answer(struct search_node *n, bool is_so)
{
	n->value = is_so != n->negate ? SEARCH_YES : SEARCH_NO;
}

void
search_forget(struct search_program *p)
{
	unsigned i;

	for (i = 0; i < p->n; i++) {
		p->node[i].value = SEARCH_UNKNOWN;
		p->node[i].is_open = true;
	}
}

/* One member decides a group (OR: true, AND: false); else all must be known. */
static void
settle_group(struct search_node *g)
{
	enum search_value decides = g->is_or ? SEARCH_YES : SEARCH_NO;
	bool saw_unknown = false;
	const struct search_node *n;

	for (n = g->first; n != NULL; n = n->next) {
		if (n->value == decides) {
			search_answer(g, g->is_or);
			return;
		}
		saw_unknown = saw_unknown || n->value == SEARCH_UNKNOWN;
#if PLANT == 56
		saw_unknown = n->value == SEARCH_UNKNOWN;
#endif
	}
	if (!saw_unknown)
		search_answer(g, !g->is_or);
}

bool
search_settle(struct search_program *p)
{
	unsigned i;

	/* members stand behind their group */
	for (i = p->n; i-- > 0;)
		if (p->node[i].row == NULL)
			settle_group(&p->node[i]);
	if (p->node[0].value != SEARCH_UNKNOWN)
		return false;
	for (i = 0; i < p->n; i++) {
		struct search_node *n = &p->node[i];

		n->is_open = n->value == SEARCH_UNKNOWN &&
		    (n->parent == NULL || n->parent->is_open);
	}
	return true;
}
