/* SPDX-License-Identifier: ISC */
/* The index: records in, records out, and what may happen to it. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* ---- any byte may be another ---- */

#define N_NOISE 400

/* As many as asked for: tests/index. */
static unsigned
n_cases(unsigned otherwise)
{
	const char *s = getenv("INDEX_CASES");

	return s == NULL ? otherwise : (unsigned)strtoul(s, NULL, 10);
}

struct file {
	char name[64];
	char *p;
	size_t n;
};

struct copy {
	struct file files[8];
	size_t n;
};

static int
take_file(void *arg, const char *name, unsigned char type)
{
	struct copy *c = arg;
	struct file *f = &c->files[c->n++];
	struct stat st;
	int fd;

	(void)type;
	assert_true(c->n <= N_ELEMENTS(c->files));
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd != -1 && fstat(fd, &st) == 0);
	f->n = (size_t)st.st_size;
	f->p = xmalloc(f->n + 1);
	assert_int_equal(read(fd, f->p, f->n), f->n);
	close(fd);
	return 0;
}

static void
put_file(const struct file *f, size_t n)
{
	int fd = open(f->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, f->p, n), n);
	close(fd);
}

static int
unlink_one(void *arg, const char *name, unsigned char type)
{
	(void)type;
	return unlinkat(*(int *)arg, name, 0);
}

/* Some way to be damaged; how much of the file is left. */
static size_t
damage(struct file *f)
{
	size_t page = strcmp(f->name, "mailboxes.db") == 0 ? 4 * KIB : 16 * KIB;
	size_t at = random_below((uint32_t)f->n), to;

	switch (random_below(7)) {
	case 0:
		return at;
	case 1:
		return at / page * page;
	case 2: /* a page, or its head, of noise */
		to = at / page * page;
		at = random_below(2) == 0 ? page : 64;
		random_bytes(f->p + to, f->n - to < at ? f->n - to : at);
		break;
	case 3: /* one page in another's place */
		to = random_below((uint32_t)f->n) / page * page;
		at = at / page * page;
		if (f->n >= 2 * page)
			memcpy(f->p + to, f->p + at, page);
		break;
	case 4:
		to = at / page * page;
		memset(f->p + to, 0, f->n - to < page ? f->n - to : page);
		break;
	case 5: /* somewhere in the first page */
		at = random_below(f->n < 512 ? (uint32_t)f->n : 512);
		f->p[at] = (char)random_below(256);
		break;
	default:
		f->p[at] = (char)(f->p[at] ^ (1 << random_below(8)));
		break;
	}
	return f->n;
}

#define N_RECORDS 3000

static size_t
value_of(uint64_t key, char *out)
{
	size_t n = key % 500 == 0 ? 20000 : 20 + key % 200;

	memset(out, 'a' + (int)(key % 26), n);
	return n;
}

static bool
check_one(void *arg, uint64_t key, struct slice value)
{
	uint64_t *next = arg;
	static char want[20000];

	assert_int_equal(key, *next);
	assert_true(slice_eq(value, slice_of(want, value_of(key, want))));
	++*next;
	return true;
}

/* Reads all: what is told is right. 1, 0 it was not told. */
static int
check_all(struct index *ix, int *n_heads)
{
	uint64_t next = 1;
	const char *h = head_text(ix, 5);
	int r;

	if (strcmp(h, "none") != 0)
		assert_string_equal(h, "the head of five");
	*n_heads += strcmp(h, "none") != 0;
	h = head_text(ix, 6);
	if (strcmp(h, "none") != 0)
		assert_string_equal(h, "head");
	assert_true(
	    strcmp(read_text(ix, 6, INDEX_MESSAGE, 0, 9), "none") == 0 ||
	    strcmp(read_text(ix, 6, INDEX_MESSAGE, 0, 9), "1=six ") == 0);
	r = index_read(
	    ix, 5, INDEX_MESSAGE, 0, UINT64_MAX, 0, check_one, &next);
	if (r == 1)
		assert_int_equal(next, N_RECORDS + 1);
	return r;
}

static void
make_big(struct index *ix, uint64_t box)
{
	struct index_batch *b = index_batch_new(8 * MIB);
	static char value[20000];
	uint64_t r = index_revision(ix, box);

	for (uint64_t i = 1; i <= N_RECORDS; i++)
		assert_true(index_batch_put(
		    b, INDEX_MESSAGE, i, slice_of(value, value_of(i, value))));
	assert_int_equal(
	    index_write(ix, box, b, SLICE("the head of five"), &r), 1);
	index_batch_free(&b);
}

static unsigned
open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
test_noise(void **state)
{
	struct place p;
	struct index *ix;
	struct copy c = { 0 };
	uint64_t r = 0;
	unsigned n_open, count = n_cases(N_NOISE);
	int n_good = 0, n_heads = 0;

	start(&p, state);
	ix = open_index(&p);
	make_big(ix, 5);
	assert_int_equal(write_one(ix, 6, 1, "six", &r), 1);
	index_close(&ix);
	assert_int_equal(io_list(p.dir, take_file, &c), 0);
	assert_int_equal(c.n, 4);
	n_open = open_files();
	(void)alarm(300 + count);
	for (unsigned i = 0; i < count; i++) {
		struct file *f = &c.files[i % c.n], whole = *f;
		size_t left;

		f->p = xmalloc(f->n + 1);
		memcpy(f->p, whole.p, f->n);
		left = damage(f);
		for (size_t j = 0; j < c.n; j++)
			put_file(&c.files[j],
			    &c.files[j] == f ? left : c.files[j].n);
		xfree(f->p);
		*f = whole;
		p.n_dropped = 0;
		ix = open_index(&p);
		n_good += check_all(ix, &n_heads);
		assert_true(p.n_dropped <= 1);
		r = index_revision(ix, 6);
		assert_int_equal(write_one(ix, 6, 1, "six", &r), 1);
		(void)check_all(ix, &n_heads);
		assert_true(p.n_dropped <= 2);
		index_close(&ix);
		assert_int_equal(open_files(), n_open);
		assert_int_equal(io_list(p.dir, unlink_one, &p.dir), 0);
	}
	(void)alarm(0);
	/* what was not hit is read */
	assert_true(count < 100 || n_good > (int)count / 50);
	for (size_t i = 0; i < c.n; i++)
		xfree(c.files[i].p);
	finish(&p);
}

/* ---- writers that are killed ---- */

#define N_KILLS 200
#define N_EACH  60

static void
write_for_ever(struct place *p, uint64_t version, int started)
{
	struct index *ix = open_index(p);
	struct index_batch *b = index_batch_new(MIB);
	char text[300];

	for (;; version++) {
		uint64_t box = 1 + version % 2, r = index_revision(ix, box);

		(void)snprintf(text, sizeof(text), "%0*llu",
		    10 + (int)(version % 80), (unsigned long long)version);
		index_batch_reset(b);
		for (uint64_t i = 1; i <= N_EACH; i++)
			(void)index_batch_put(
			    b, INDEX_MESSAGE, i * 7919, slice_str(text));
		(void)index_write(ix, box, b, slice_str(text), &r);
		if (started != -1) {
			(void)!write(started, "", 1);
			started = -1;
		}
		if (version % 50 == 0)
			index_drop_box(ix, box);
		if (version % 70 == 0)
			index_flush(ix);
		if (version % 999 == 0)
			index_drop(ix, "now and then");
	}
}

struct expected {
	const char *head;
	unsigned n;
};

static bool
as_head(void *arg, uint64_t key, struct slice value)
{
	struct expected *e = arg;

	(void)key;
	assert_true(slice_eq_str(value, e->head));
	e->n++;
	return true;
}

static void
test_kill(void **state)
{
	struct place p;
	struct index *ix;
	unsigned n_read = 0, count = n_cases(N_KILLS);

	start(&p, state);
	ix = open_index(&p);
	for (uint64_t i = 0; i < count; i++) {
		struct timespec t = { .tv_nsec = random_below(4000000) };
		int started[2];
		char c;
		uint64_t since;
		int status;
		pid_t pid;

		assert_int_equal(pipe(started), 0);
		if ((pid = fork()) == 0)
			write_for_ever(&p, i * 1000, started[1]);
		assert_true(pid > 0);
		assert_int_equal(read(started[0], &c, 1), 1);
		close(started[0]);
		close(started[1]);
		(void)nanosleep(&t, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		since = clock_mono_us();
		for (uint64_t box = 1; box <= 2; box++) {
			const char *h = head_text(ix, box);
			struct expected e = { .head = h };

			if (index_read(ix, box, INDEX_MESSAGE, 0, UINT64_MAX, 0,
				as_head, &e) == 1) {
				assert_int_equal(e.n, N_EACH);
				n_read++;
			}
		}
		if (clock_mono_us() - since > 100000)
			print_message("took %llu us\n",
			    (unsigned long long)(clock_mono_us() - since));
		assert_true(index_is_usable(ix));
	}
	assert_true(n_read > 0);
	index_close(&ix);
	finish(&p);
}

/* ---- what it costs, and what it may not do ---- */

static void
test_flat(void **state)
{
	struct place p;
	struct index *ix;
	struct index_batch *b = index_batch_new(MIB);
	struct index_stats s0, s1;
	char text[100];
	uint64_t r = 0;
	unsigned n = n_cases(500);

	n = n < 50 ? 50 : n > 500 ? 500 : n;
	start(&p, state);
	ix = open_index(&p);
	for (uint64_t box = 1; box <= 8; box++, r = 0)
		assert_int_equal(index_write(ix, box, NULL,
				     SLICE("a head of an empty one"), &r),
		    1);
	assert_int_equal(index_stats(ix, &s0), 1);
	assert_int_equal(s0.boxes, 8);
	assert_in_range(s0.bytes, 1, 64 * KIB);
	r = index_revision(ix, 1);
	for (unsigned i = 0; i < n; i++) {
		index_batch_reset(b);
		for (uint64_t k = 0; k < 2000; k++) {
			(void)snprintf(text, sizeof(text), "%s:2,%.*s",
			    "1700000000.M123456P1234.example.org,S=1234",
			    (int)random_below(7), "DFRSTab");
			put_text(b, INDEX_MESSAGE, k, text);
		}
		assert_int_equal(index_write(ix, 1, b, SLICE("h"), &r), 1);
		if (i == 20)
			assert_int_equal(index_stats(ix, &s0), 1);
	}
	assert_int_equal(index_stats(ix, &s1), 1);
	assert_in_range(s1.bytes, 1, s0.bytes + 64 * KIB);
	index_close(&ix);
	index_batch_free(&b);
	finish(&p);
}

static void
test_full(void **state)
{
	struct place p;
	struct index *ix;
	struct rlimit was, small;
	struct index_batch *b = index_batch_new(8 * MIB);
	static char value[1000];
	uint64_t r = 0, r6 = 0, since;

	start(&p, state);
	ix = open_conf(&p, (struct index_conf){ .min_free = UINT64_MAX });
	assert_int_equal(write_one(ix, 6, 1, "six", &r6), 0);
	assert_true(index_is_usable(ix));
	index_close(&ix);
	ix = open_index(&p);
	assert_int_equal(write_one(ix, 6, 1, "six", &r6), 1);
	for (uint64_t k = 0; k < 5000; k++)
		assert_true(index_batch_put(
		    b, INDEX_MESSAGE, k, slice_of(value, sizeof(value))));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 300 * KIB;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	(void)sigaction(
	    SIGXFSZ, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	since = clock_mono_us();
	assert_int_equal(index_write(ix, 5, b, SLICE("five"), &r), 0);
	assert_true(clock_mono_us() - since < 20000000);
	assert_int_equal(p.n_dropped, 0);
	assert_string_equal(head_text(ix, 5), "none");
	assert_string_equal(read_text(ix, 6, INDEX_MESSAGE, 0, 9), "1=six ");
	r6 = index_revision(ix, 6);
	assert_int_equal(write_one(ix, 6, 2, "more", &r6), 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(index_write(ix, 5, b, SLICE("five"), &r), 1);
	index_close(&ix);
	index_batch_free(&b);
	finish(&p);
}

static void
test_stopped(void **state)
{
	struct place p;
	struct index *ix;
	uint64_t r = 0, since;
	int fd;

	start(&p, state);
	ix = open_index(&p);
	assert_int_equal(write_one(ix, 6, 1, "six", &r), 1);
	fd = openat(p.dir, "index.state", O_RDWR | O_CLOEXEC);
	assert_true(fd != -1);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	/* known, and read without the lock */
	assert_string_equal(head_text(ix, 6), "head");
	since = clock_mono_us();
	assert_int_equal(write_one(ix, 6, 2, "more", &r), 0);
	assert_in_range(clock_mono_us() - since, 40000, 5000000);
	since = clock_mono_us();
	for (int i = 0; i < 20; i++)
		assert_int_equal(write_one(ix, 6, 2, "more", &r), 0);
	/* each would wait for 50 ms */
	assert_true(clock_mono_us() - since < 900000);
	close(fd);
	/* it is not tried again for a second */
	(void)nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	assert_int_equal(write_one(ix, 6, 2, "more", &r), 1);
	assert_int_equal(p.n_dropped, 0);
	index_close(&ix);
	finish(&p);
}

static void
test_whose(void **state)
{
	struct place p;
	struct index_conf conf = {
		.min_free = 1, .owner = "a", .boot_id = "a"
	};
	struct index *ix;
	uint64_t r = 0;

	start(&p, state);
	ix = open_conf(&p, conf);
	assert_int_equal(write_one(ix, 6, 1, "six", &r), 1);
	assert_false(index_is_flushed(ix));
	index_flush(ix);
	assert_true(index_is_flushed(ix));
	/* another run of the machine: what was flushed is there */
	conf.boot_id[0] = 'b';
	index_close(&ix);
	ix = open_conf(&p, conf);
	assert_string_equal(head_text(ix, 6), "head");
	assert_false(index_was_lost(ix));
	assert_int_equal(write_one(ix, 6, 2, "more", &r), 1);
	/* not flushed, and the machine goes down */
	conf.boot_id[0] = 'c';
	{
		struct index *later = open_conf(&p, conf);

		assert_int_equal(p.n_dropped, 1);
		assert_true(index_was_lost(later));
		assert_string_equal(head_text(later, 6), "none");
		index_close(&later);
	}
	index_close(&ix);
	/* another user's */
	ix = open_conf(&p, conf);
	r = 0;
	assert_int_equal(write_one(ix, 6, 2, "more", &r), 1);
	index_close(&ix);
	conf.owner = "b";
	ix = open_conf(&p, conf);
	assert_int_equal(p.n_dropped, 2);
	r = 0;
	assert_int_equal(write_one(ix, 6, 2, "more", &r), 1);
	index_close(&ix);
	/* the one before died */
	conf.drop_first = true;
	ix = open_conf(&p, conf);
	assert_int_equal(p.n_dropped, 3);
	assert_string_equal(head_text(ix, 6), "none");
	index_close(&ix);
	finish(&p);
}

static int
again(void *arg)
{
	const struct place *p = arg;

	(void)mkdir(p->s->root, 0700);
	return io_open_root(p->s->root);
}

/* Removed, in part or whole, while it is open. */
static void
test_vanish(void **state)
{
	static const char *const names[] = { "index.state", "mailboxes.db",
		"0000000000000006.db" };
	struct place p;
	struct index *ix;
	uint64_t r;

	start(&p, state);
	ix = open_index(&p);
	for (size_t i = 0; i < 2 * N_ELEMENTS(names); i++) {
		p.n_dropped = 0;
		r = index_revision(ix, 6);
		assert_int_equal(write_one(ix, 6, 1, "six", &r), 1);
		(void)index_was_lost(ix);
		if (i % 2 == 0)
			assert_int_equal(unlinkat(p.dir, names[i / 2], 0), 0);
		else
			close(openat(p.dir, names[i / 2],
			    O_WRONLY | O_TRUNC | O_CLOEXEC));
		if (i / 2 == 1) { /* what is held in memory is right */
			assert_string_equal(head_text(ix, 6), "head");
			index_close(&ix);
			ix = open_index(&p);
		}
		assert_string_equal(
		    read_text(ix, 6, INDEX_MESSAGE, 0, 9), "none");
		assert_string_equal(head_text(ix, 6), "none");
		assert_true(index_was_lost(ix));
		assert_int_equal(p.n_dropped, 1);
	}
	r = 0;
	assert_int_equal(write_one(ix, 6, 1, "six", &r), 1);
	assert_int_equal(io_list(p.dir, unlink_one, &p.dir), 0);
	assert_int_equal(unlinkat(AT_FDCWD, p.s->root, AT_REMOVEDIR), 0);
	assert_string_equal(read_text(ix, 6, INDEX_MESSAGE, 0, 9), "none");
	assert_int_equal(write_one(ix, 6, 1, "six", &r), 0);
	assert_false(index_is_usable(ix));
	index_close(&ix);
	assert_int_equal(mkdir(p.s->root, 0700), 0);
	ix =
	    open_conf(&p, (struct index_conf){ .min_free = 1, .again = again });
	assert_int_equal(unlink("index.state"), 0);
	assert_int_equal(unlinkat(AT_FDCWD, p.s->root, AT_REMOVEDIR), 0);
	r = 0;
	assert_int_equal(write_one(ix, 6, 1, "six", &r), 1);
	index_close(&ix);
	finish(&p);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_records),
		scratch_test(test_two),
		scratch_test(test_noise),
		scratch_test(test_kill),
		scratch_test(test_flat),
		scratch_test(test_full),
		scratch_test(test_stopped),
		scratch_test(test_whose),
		scratch_test(test_vanish),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
