/* SPDX-License-Identifier: ISC */
/* The aliases file. */
#include "libbase/ceilings.h"

#include "submitd/aliases.h"

#define MAX_TARGETS 200 /* of one alias; more wants a list manager */

/* The next logical line: continuation lines begin with a blank. */
static bool
next_line(struct slice *rest, unsigned *line_no, struct slice *out)
{
	size_t i = 0;
	unsigned lines = 0;

	if (rest->n == 0)
		return false;
	while (i < rest->n) {
		if (rest->p[i++] != '\n')
			continue;
		lines++;
		if (i == rest->n || (rest->p[i] != ' ' && rest->p[i] != '\t'))
			break;
	}
	*out = slice_head(*rest, i);
	*rest = slice_from(*rest, i);
	*line_no += lines;
	return true;
}

static struct slice
lower(struct arena *arena, struct slice s)
{
	char *p = arena_dup(arena, s.p, s.n);
	size_t i;

	if (p == NULL)
		return SLICE_NONE;
	for (i = 0; i < s.n; i++)
		p[i] = ascii_lower(p[i]);
	return slice_of(p, s.n);
}

/* One word up to a comma or the end, quotes and blanks taken off. */
static struct slice
cut_word(struct slice *rest, char stop)
{
	size_t i = 0;
	bool quoted = false;
	struct slice word;

	while (i < rest->n && (quoted || rest->p[i] != stop)) {
		if (rest->p[i] == '"')
			quoted = !quoted;
		i++;
	}
	word = slice_trim(slice_head(*rest, i));
	*rest = slice_from(*rest, i + 1);
	if (word.n >= 2 && word.p[0] == '"' && word.p[word.n - 1] == '"')
		word = slice_of(word.p + 1, word.n - 2);
	return word;
}

static int
add_targets(struct alias *al, struct arena *arena, struct slice rest,
    unsigned line_no, struct err *err)
{
	struct slice words[MAX_TARGETS];
	unsigned n = 0, i;

	while (rest.n > 0) {
		struct slice w = cut_word(&rest, ',');

#if PLANT == 73
		if (w.p == NULL)
			continue;
#else
		if (w.n == 0)
			continue;
#endif
		if (w.p[0] == '|' || w.p[0] == '/' || w.p[0] == ':')
			return err_set(err, ERR_INVALID,
			    "line %u: \"%.*s\" is not a name or an address "
			    "(pipes, files and includes are not run)",
			    line_no, (int)(w.n > 40 ? 40 : w.n), w.p);
		if (n == N_ELEMENTS(words))
			return err_set(err, ERR_INVALID,
			    "line %u: more than %zu targets", line_no,
			    N_ELEMENTS(words));
		words[n++] = w;
	}
	if (n == 0)
		return err_set(err, ERR_INVALID, "line %u: no target", line_no);
	al->targets = arena_array(arena, n, sizeof *al->targets);
	if (al->targets == NULL)
		return err_set(err, ERR_LIMIT, "line %u: too many", line_no);
	for (i = 0; i < n; i++)
		al->targets[i] = arena_slice(arena, words[i]);
	al->n_targets = n;
	return 0;
}

static void
free_map(void *arg)
{
	map_free(arg);
}

int
aliases_parse(
    struct aliases *a, struct arena *arena, struct slice text, struct err *err)
{
	struct slice line;
	unsigned line_no = 0, at;

	a->by_key = arena_zero(arena, sizeof *a->by_key);
	if (a->by_key == NULL)
		return err_set(err, ERR_LIMIT, "no room for aliases");
	arena_on_reset(arena, free_map, a->by_key);
	for (at = 1; next_line(&text, &line_no, &line); at = line_no + 1) {
		struct alias *al;
		struct slice key;

		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		key = cut_word(&line, ':');
		if (key.n == 0 || key.n > 2 * MAX_ADDRESS)
			return err_set(err, ERR_INVALID,
			    "line %u: write \"name: target\"", at);
		al = arena_zero(arena, sizeof *al);
		if (al == NULL)
			return err_set(err, ERR_LIMIT, "line %u: too many", at);
		al->key = lower(arena, key);
		if (add_targets(al, arena, line, at, err) == -1)
			return -1;
		al->next = a->first;
		a->first = al;
		/* of two of a name the last one counts */
		(void)map_put(a->by_key, al->key, al);
		a->n++;
	}
	if (arena->failed)
		return err_set(err, ERR_LIMIT, "the file is too large");
	return 0;
}

const struct alias *
aliases_find(const struct aliases *a, struct slice key)
{
	char folded[2 * MAX_ADDRESS];
	size_t i;

	if (a->by_key == NULL || key.n > sizeof folded)
		return NULL;
	for (i = 0; i < key.n; i++)
		folded[i] = ascii_lower(key.p[i]);
	return map_get(a->by_key, slice_of(folded, key.n));
}
