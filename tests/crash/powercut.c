/* SPDX-License-Identifier: ISC */
/*
 * powercut [--max N] [--seed S] [--only WORD | --exact SCENE] [--plant PATTERN]
 * powercut --expunge N [--seed S]
 * Every scene is recorded, and every folder that a power cut could leave is
 * judged.
 * --plant: flushes of what matches the pattern are left out of the record, as
 * if the code had forgotten them; a violation must be found then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbase/mem.h"
#include "tests/crash/again.h"
#include "tests/crash/expunge.h"
#include "tests/crash/scenes.h"
#include "tests/crash/sweep.h"

#define MAX_SAID (64 * 1024)
#define TWICE    4 /* one in so many states is cut a second time */

struct options {
	unsigned max;
	uint64_t seed;
	const char *only, *exact, *plant;
	unsigned expunge;
	uint64_t n_states, n_bad;
};

struct judging {
	struct world *w;
	uint64_t n_twice;
};

static int
judge(void *arg, const struct replay *rp, size_t marks)
{
	struct judging *j = arg;

	if (j->w->judge != NULL || rp->n_states % TWICE != 0)
		return world_judge(j->w, rp->dir, marks);
	j->n_twice++;
	return again_judge(j->w, rp, marks);
}

static void
say_fault(const struct world *w, const struct replay *rp)
{
	struct buf said;

	buf_init(&said, MAX_SAID);
	replay_say(rp, &said);
	(void)printf("  %s\n  %s\n", w->fault, buf_cstr(&said));
	buf_free(&said);
}

static void
run_scene(struct options *o, const struct scene *sc, bool control)
{
	struct replay rp = { .max = o->max, .seed = o->seed };
	struct world w;
	struct judging j = { .w = &w };
	char name[64], dir[600];
	int r;

	(void)snprintf(
	    name, sizeof name, "%s%s", sc->name, control ? "+control" : "");
	if ((o->only != NULL && strstr(name, o->only) == NULL) ||
	    (o->exact != NULL && strcmp(name, o->exact) != 0))
		return;
	world_open(&w, control, sc->quota);
	w.rec.plant = o->plant;
	sc->run(&w);
	record_end(&w.rec);
	world_stop(&w);
	(void)snprintf(dir, sizeof dir, "%s/state", w.root);
	rp.rec = &w.rec;
	rp.dir = dir;
	rp.lag = !sc->no_lag;
	rp.fn = judge;
	rp.arg = &j;
	r = replay_all(&rp);
	(void)printf("%s %s: %zu calls, %llu cuts (%llu sampled), %llu states, "
		     "%llu cut twice, %u stale locks\n",
	    r == 0 ? "good" : "BAD", name, w.rec.n - w.rec.base,
	    (unsigned long long)rp.n_cuts, (unsigned long long)rp.n_sampled,
	    (unsigned long long)rp.n_states, (unsigned long long)j.n_twice,
	    w.locks);
	if (r == -1)
		say_fault(&w, &rp);
	o->n_states += rp.n_states;
	o->n_bad += r == -1;
	xfree(rp.pick);
	world_close(&w);
}

static void
run_table(struct options *o, const struct scene *table)
{
	for (; table->name != NULL; table++) {
		run_scene(o, table, false);
		if (table->control)
			run_scene(o, table, true);
	}
}

static const char *
next_arg(char **argv, int argc, int *i)
{
	if (++*i >= argc) {
		(void)fprintf(stderr, "%s: a value is missing\n", argv[*i - 1]);
		exit(64);
	}
	return argv[*i];
}

int
main(int argc, char **argv)
{
	struct options o = { .max = 40, .seed = 1 };
	int i;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], "--expunge") == 0)
			o.expunge = (unsigned)strtoul(
			    next_arg(argv, argc, &i), NULL, 10);
		else if (strcmp(argv[i], "--max") == 0)
			o.max = (unsigned)strtoul(
			    next_arg(argv, argc, &i), NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			o.seed = strtoull(next_arg(argv, argc, &i), NULL, 10);
		else if (strcmp(argv[i], "--only") == 0)
			o.only = next_arg(argv, argc, &i);
		else if (strcmp(argv[i], "--exact") == 0)
			o.exact = next_arg(argv, argc, &i);
		else if (strcmp(argv[i], "--plant") == 0)
			o.plant = next_arg(argv, argc, &i);
	if (o.expunge > 0)
		return expunge_runs(o.expunge, o.seed) == -1;
	run_table(&o, scenes);
	run_table(&o, tree_scenes);
	run_table(&o, queue_scenes);
	(void)printf("seed %llu: %llu folders judged, %llu scenes bad\n",
	    (unsigned long long)o.seed, (unsigned long long)o.n_states,
	    (unsigned long long)o.n_bad);
	return o.n_bad > 0;
}
