/* SPDX-License-Identifier: ISC */
/*
 * SEARCH keys to a program: it means what a plain reading of the keys means,
 * also when values become known one by one and only those that matter. The
 * first two bytes make the values.
 * plants: 55 56
 */
#include <stdlib.h>

#include "imapd/search_keys.h"
#include "tests/unit/imapd/imap_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A plain reading: keys are numbered as they come. */
struct reading {
	const struct imap_arg *at;
	unsigned n;
	uint32_t seed;
};

static bool
chance(uint32_t seed, unsigned i)
{
	uint32_t x = (seed + 1) * 2654435761u + i * 40503u;

	x ^= x >> 15;
	x *= 2246822519u;
	return ((x ^ x >> 13) & 1) != 0;
}

static unsigned
arguments_of(const struct imap_arg *key)
{
	static const char *const one[] = { "BCC", "BEFORE", "BODY", "CC",
		"FROM", "KEYWORD", "LARGER", "OLDER", "ON", "SENTBEFORE",
		"SENTON", "SENTSINCE", "SINCE", "SMALLER", "SUBJECT", "TEXT",
		"TO", "UID", "UNKEYWORD", "YOUNGER" };
	struct slice name = key->text;
	size_t i;

	if (slice_ieq_str(name, "MODSEQ")) /* with an entry, or without */
		return key->next->kind == ARG_QUOTED ? 3 : 1;
	if (slice_ieq_str(name, "HEADER"))
		return 2;
	for (i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		if (slice_ieq_str(name, one[i]))
			return 1;
	return 0;
}

static bool read_all(struct reading *r);

static bool
read_key(struct reading *r)
{
	const struct imap_arg *a = r->at;
	unsigned i;
	bool x, y;

	r->at = a->next;
	if (a->kind == ARG_LIST) {
		r->at = a->child;
		x = read_all(r);
		r->at = a->next;
		return x;
	}
	if (imap_arg_is(a, "NOT"))
		return !read_key(r);
	if (imap_arg_is(a, "OR")) {
		x = read_key(r);
		y = read_key(r);
		return x || y;
	}
	for (i = arguments_of(a); i > 0; i--)
		r->at = r->at->next;
	x = chance(r->seed, r->n++);
	return x != (slice_istarts(a->text, "UN") || imap_arg_is(a, "OLD"));
}

static bool
read_all(struct reading *r)
{
	bool all = true;

	while (r->at != NULL)
		all = read_key(r) && all;
	return all;
}

/* Keys become known in one order or the other; those that cannot matter any
 * more are left out. */
static void
run(struct search_program *p, uint32_t seed, bool backwards)
{
	unsigned at[SEARCH_NODES_MAX], n = 0, i, k;

	search_forget(p);
	for (i = 0; i < p->n; i++)
		if (p->node[i].row != NULL)
			at[n++] = i;
	for (i = 0; i < n; i++) {
		k = backwards ? n - 1 - i : i;
		if (p->node[at[k]].is_open)
			search_answer(&p->node[at[k]], chance(seed, k));
		if (n < 200 && !search_settle(p))
			return;
	}
	(void)search_settle(p);
}

static void
compare(struct search_program *p, const struct imap_arg *keys, uint32_t seed)
{
	struct reading r = { .at = keys, .seed = seed };
	enum search_value want = read_all(&r) ? SEARCH_YES : SEARCH_NO;

	run(p, seed, false);
	if (p->node[0].value != want)
		abort();
	run(p, seed, true);
	if (p->node[0].value != want)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seqset saved = { .n = 0 };
	const struct search_scope scope = {
		.max_seq = 9, .max_uid = 99, .saved = &saved, .now = 99
	};
	struct imap_line line;
	const struct imap_arg *keys;
	struct search_program *p;
	struct err err = { 0 };

	if (size < 2 || size > 4096)
		return 0;
	keys = imap_line_read(&line, slice_of(data + 2, size - 2), false);
	if (keys != NULL) {
		p = search_parse(keys, scope, &line.arena, &err);
		if (p == NULL && err.text[0] == '\0')
			abort();
		if (p != NULL)
			compare(p, keys, data[0] | (uint32_t)data[1] << 8);
	}
	imap_line_free(&line);
	return 0;
}
