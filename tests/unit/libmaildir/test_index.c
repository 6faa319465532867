/* SPDX-License-Identifier: ISC */
/* The index: records in, records out, and what may happen to it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libbase/random.h"
#include "libmaildir/index.h"
#include "libmaildir/io.h"
#include "tests/unit/libmaildir/scratch.h"

struct place {
	struct scratch *s;
	int dir; /* of the test's own */
	unsigned n_dropped;
	char why[200];
};

static void
dropped(void *arg, const char *why)
{
	struct place *p = arg;

	p->n_dropped++;
	(void)snprintf(p->why, sizeof(p->why), "%s", why);
}

static struct index *
open_conf(struct place *p, struct index_conf conf)
{
	conf.dir = io_open_root(p->s->root);
	conf.dropped = dropped;
	conf.arg = p;
	assert_true(conf.dir != -1);
	return index_open(&conf);
}

static struct index *
open_index(struct place *p)
{
	return open_conf(p, (struct index_conf){ .min_free = 1 });
}

static void
start(struct place *p, void **state)
{
	*p = (struct place){ .s = *state };
	p->dir = io_open_root(p->s->root);
	assert_true(p->dir != -1);
}

static void
finish(struct place *p)
{
	assert_int_equal(chdir("/"), 0);
	close(p->dir);
}

/* What a read told, as text. */
struct told {
	char text[4000];
	size_t n, stop_after, n_records;
	uint64_t last;
};

static bool
tell(void *arg, uint64_t key, struct slice value)
{
	struct told *t = arg;

	assert_true(t->n_records == 0 || key > t->last);
	t->last = key;
	t->n_records++;
	if (t->n < 3000)
		t->n += (size_t)snprintf(t->text + t->n, 500, "%llu=%.*s ",
		    (unsigned long long)key, SLICE_ARG(slice_head(value, 100)));
	return t->stop_after == 0 || t->n_records < t->stop_after;
}

static const char *
read_text(struct index *ix, uint64_t box, int kind, uint64_t lo, uint64_t hi)
{
	static struct told t;

	t = (struct told){ 0 };
	if (index_read(ix, box, kind, lo, hi, 0, tell, &t) == 0)
		return "none";
	return t.text;
}

static const char *
head_text(struct index *ix, uint64_t box)
{
	static char text[INDEX_HEAD_MAX + 1];
	struct buf b;

	buf_init(&b, INDEX_HEAD_MAX);
	if (index_head(ix, box, &b) == 0)
		buf_puts(&b, "none");
	(void)snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_free(&b);
	return text;
}

static void
put_text(struct index_batch *b, int kind, uint64_t key, const char *text)
{
	assert_true(index_batch_put(b, kind, key, slice_str(text)));
}

static int
write_one(
    struct index *ix, uint64_t box, uint64_t key, const char *text, uint64_t *r)
{
	struct index_batch *b = index_batch_new(64 * KIB);
	int answer;

	put_text(b, INDEX_MESSAGE, key, text);
	answer = index_write(ix, box, b, SLICE("head"), r);
	index_batch_free(&b);
	return answer;
}

static void
test_records(void **state)
{
	struct place p;
	struct index *ix;
	struct index_batch *b = index_batch_new(MIB);
	uint64_t r = 0, r2;

	start(&p, state);
	ix = open_index(&p);
	assert_true(index_is_usable(ix));
	assert_true(index_was_lost(ix));
	assert_false(index_was_lost(ix));
	assert_int_equal(index_revision(ix, 7), 0);
	assert_string_equal(head_text(ix, 7), "none");
	put_text(b, INDEX_MESSAGE, 300, "c");
	put_text(b, INDEX_MESSAGE, 1, "a");
	put_text(b, INDEX_MESSAGE, 20, "b");
	put_text(b, INDEX_SUMMARY, 20, "s");
	put_text(b, INDEX_EXPUNGED, UINT64_MAX, "x");
	assert_int_equal(index_write(ix, 7, b, SLICE("one"), &r), 1);
	assert_int_not_equal(r, 0);
	assert_string_equal(head_text(ix, 7), "one");
	assert_string_equal(
	    read_text(ix, 7, INDEX_MESSAGE, 0, UINT64_MAX), "1=a 20=b 300=c ");
	assert_string_equal(read_text(ix, 7, INDEX_MESSAGE, 2, 299), "20=b ");
	assert_string_equal(read_text(ix, 7, INDEX_MESSAGE, 21, 299), "");
	assert_string_equal(read_text(ix, 7, INDEX_EXPUNGED, 0, UINT64_MAX),
	    "18446744073709551615=x ");
	assert_string_equal(read_text(ix, 8, INDEX_MESSAGE, 0, 9), "none");
	index_batch_reset(b);
	/* a later one undoes an earlier one */
	put_text(b, INDEX_MESSAGE, 20, "gone");
	assert_true(index_batch_del(b, INDEX_MESSAGE, 10, 400));
	put_text(b, INDEX_MESSAGE, 30, "new");
	put_text(b, INDEX_MESSAGE, 30, "newer");
	r2 = r;
	assert_int_equal(index_write(ix, 7, b, SLICE_NONE, &r2), 1);
	assert_int_not_equal(r, r2);
	assert_string_equal(head_text(ix, 7), "one");
	assert_string_equal(
	    read_text(ix, 7, INDEX_MESSAGE, 0, UINT64_MAX), "1=a 30=newer ");
	assert_int_equal(index_write(ix, 7, b, SLICE("no"), &r), 0);
	assert_int_equal(index_write(ix, 7, NULL, SLICE("two"), &r2), 1);
	assert_string_equal(head_text(ix, 7), "two");
	assert_string_equal(read_text(ix, 7, INDEX_MESSAGE, 0, 29), "1=a ");
	index_close(&ix);
	assert_int_equal(p.n_dropped, 0);
	ix = open_index(&p);
	assert_false(index_was_lost(ix));
	assert_string_equal(head_text(ix, 7), "two");
	index_drop_box(ix, 7);
	assert_string_equal(head_text(ix, 7), "none");
	assert_string_equal(read_text(ix, 7, INDEX_MESSAGE, 0, 29), "none");
	index_close(&ix);
	index_batch_free(&b);
	finish(&p);
}

static void
test_two(void **state)
{
	struct place p;
	struct index *a, *b;
	uint64_t ra = 0, rb = 0;

	start(&p, state);
	a = open_index(&p);
	b = open_index(&p);
	assert_int_equal(write_one(a, 1, 1, "a", &ra), 1);
	assert_string_equal(head_text(b, 1), "head");
	assert_int_equal(write_one(b, 1, 2, "b", &rb), 0);
	rb = index_revision(b, 1);
	assert_int_equal(rb, ra);
	assert_int_equal(write_one(b, 1, 2, "b", &rb), 1);
	assert_int_equal(write_one(a, 1, 3, "c", &ra), 0);
	assert_string_equal(read_text(a, 1, INDEX_MESSAGE, 0, 9), "1=a 2=b ");
	(void)index_was_lost(a);
	index_drop(b, "asked");
	assert_int_equal(p.n_dropped, 1);
	assert_string_equal(p.why, "asked");
	assert_string_equal(head_text(a, 1), "none");
	assert_true(index_was_lost(a));
	index_close(&a);
	index_close(&b);
	finish(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_records),
		scratch_test(test_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
