/* SPDX-License-Identifier: ISC */
/*
 * dovecot-keywords. A line "<number> <name>" a keyword; number 0 is letter a of
 * the file names, 25 is z.
 *
 * K1. A letter never changes its meaning while a file has it: names are added,
 *     and replaced only when no file in cur or new has the letter, also after a
 *     power cut: what took the letter from its last file is flushed first.
 * K2. The file is replaced whole by rename, flushed, under the uidlist's lock,
 *     and its mtime grows by whole seconds each time: Dovecot compares nothing
 *     else, and would write "unknown-3" where it has not seen a name.
 * K3. A letter that is given anew may be on its way into a file name at that
 *     moment: who renames does it without the lock. So whoever gives it looks
 *     at the folder before and after the file is written, and takes it back;
 *     whoever has put a letter into a name looks at the file after it, and
 *     takes that back. One of them sees the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmaildir/io.h"
#include "libmaildir/keywords.h"

#define FILE_NAME "dovecot-keywords"
#define TEMP      "dovecot-keywords.tmp"

static void
forget_names(struct keywords *k)
{
	size_t i;

	for (i = 0; i < N_KEYWORDS; i++) {
		xfree(k->names[i]);
		k->names[i] = NULL;
	}
}

void
keywords_free(struct keywords *k)
{
	forget_names(k);
	*k = (struct keywords){ .changes = k->changes + 1 };
}

/* May a client have such a keyword? An atom, at most MAX_KEYWORD. */
static bool
keywords_is_valid(struct slice name)
{
	size_t i;

	if (name.n == 0 || name.n > MAX_KEYWORD)
		return false;
	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f)
			return false;
	return true;
}

static void
keywords_parse(struct keywords *k, struct slice text)
{
	struct slice line, number;
	uint32_t i;

	forget_names(k);
	while (text.n > 0) {
		(void)slice_cut(&text, '\n', &line);
		/* Numbers from 26 on are Dovecot's, kept in its index only. */
		if (!slice_cut(&line, ' ', &number) || number.n == 0 ||
		    slice_u32(number, N_KEYWORDS - 1, &i) == -1 ||
		    !keywords_is_valid(line))
			continue;
		xfree(k->names[i]);
		k->names[i] = xstrndup(line.p, line.n);
	}
	k->changes++;
}

static void
keywords_print(const struct keywords *k, struct buf *out)
{
	unsigned i;

	for (i = 0; i < N_KEYWORDS; i++)
		if (k->names[i] != NULL)
			buf_printf(out, "%u %s\n", i, k->names[i]);
}

static uint64_t
ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

static int
read_file(struct keywords *k, const struct folder *f)
{
	struct stat st;
	struct buf b;
	int fd, r;

	if ((fd = io_open(f->control, FILE_NAME, O_RDONLY, 0)) == -1)
		return -1;
	buf_init(&b, 128 * KIB);
	if ((r = io_fstat(fd, &st)) == 0 && (r = io_read_all(fd, &b)) == 0) {
		keywords_parse(k, buf_slice(&b));
		k->ino = st.st_ino;
		k->size = (uint64_t)st.st_size;
		k->mtime_ns = ns_of(&st.st_mtim);
	}
	buf_free(&b);
	io_close(&fd);
	return r;
}

int
keywords_read(struct keywords *k, const struct folder *f, struct err *err)
{
	struct stat st;
	bool had = k->ino != 0;

	if (io_stat(f->control, FILE_NAME, &st) == 0) {
		if (k->was_read && st.st_ino == k->ino &&
		    (uint64_t)st.st_size == k->size &&
		    ns_of(&st.st_mtim) == k->mtime_ns)
			return 0;
		if (read_file(k, f) == 0) {
			k->was_read = true;
			return 1;
		}
	}
	if (errno != ENOENT)
		return err_sys(err, "read " FILE_NAME);
	if (had)
		keywords_free(k);
	k->was_read = true;
	return had;
}

int
keywords_are_same(struct keywords *k, const struct folder *f, uint32_t letters,
    struct err *err)
{
	char *was[N_KEYWORDS] = { NULL };
	int r, i;

	for (i = 0; i < N_KEYWORDS; i++)
		if ((letters >> i & 1) != 0 && k->names[i] != NULL)
			was[i] = xstrdup(k->names[i]);
	r = keywords_read(k, f, err);
	if (r == 0)
		r = 1;
	for (i = 0; i < N_KEYWORDS; i++) {
		if (r == 1 && was[i] != NULL &&
		    (k->names[i] == NULL || strcmp(k->names[i], was[i]) != 0))
			r = 0;
		xfree(was[i]);
	}
	return r;
}

int
keywords_find(const struct keywords *k, struct slice name)
{
	int i;

	for (i = 0; i < N_KEYWORDS; i++)
		if (k->names[i] != NULL &&
		    slice_ieq(slice_str(k->names[i]), name))
			return i;
	return -1;
}

static int
note_letters(void *arg, const char *name, unsigned char d_type)
{
	uint32_t *mask = arg;
	struct name n;

	(void)d_type;
	if (name_is_message(slice_str(name))) {
		name_split(slice_str(name), &n);
		*mask |= n.keywords;
	}
	return 0;
}

static int
keywords_used(const struct folder *f, uint32_t *mask_out, struct err *err)
{
	uint32_t mask = 0;

	/* new before cur: what moves meanwhile moves that way. */
	if (io_list(f->new, note_letters, &mask) == -1 ||
	    io_list(f->cur, note_letters, &mask) == -1)
		return err_sys(err, "read the folder for keywords");
	*mask_out = mask;
	return 0;
}

/* Dovecot takes a file of the same second for the one that it has read. */
static int
make_later(const struct folder *f, int fd)
{
	struct stat was, now;

	if (io_stat(f->control, FILE_NAME, &was) == -1)
		return errno == ENOENT ? 0 : -1;
	if (io_fstat(fd, &now) == -1)
		return -1;
	return now.st_mtime > was.st_mtime ?
	    0 :
	    io_set_mtime(fd, (int64_t)was.st_mtime + 1);
}

static int
write_file(struct keywords *k, struct folder *f, struct err *err)
{
	struct stat st;
	struct buf b;
	int fd, r = -1;

	buf_init(&b, 128 * KIB);
	keywords_print(k, &b);
	fd = io_open(f->control, TEMP, O_WRONLY | O_CREAT | O_TRUNC, f->mode);
	if (fd == -1 || io_write(fd, buf_slice(&b)) == -1 ||
	    make_later(f, fd) == -1 || io_fsync(fd) == -1 ||
	    io_fstat(fd, &st) == -1 ||
	    io_rename(f->control, TEMP, f->control, FILE_NAME) == -1) {
		(void)err_sys(err, "write " TEMP);
		io_discard(f->control, TEMP);
		goto out;
	}
	k->ino = st.st_ino;
	k->size = (uint64_t)st.st_size;
	k->mtime_ns = ns_of(&st.st_mtim);
	k->was_read = true;
	r = io_fsync(f->control);
	if (r == -1)
		(void)err_sys(err, "flush the folder of " FILE_NAME);
out:
	buf_free(&b);
	io_close(&fd);
	return r;
}

/* A letter for the name: one without a name first, then one that no file has
 * (K1). A letter that files have and the list does not name belongs to
 * somebody's keyword: not ours to give. */
static int
give_one(struct keywords *k, struct slice name, uint32_t *used, uint32_t *again,
    struct err *err)
{
	uint32_t taken = *used;
	int i;

	if (!keywords_is_valid(name))
		return err_set(err, ERR_INVALID, "keyword is not an atom");
	for (i = 0; i < N_KEYWORDS; i++)
		if (k->names[i] != NULL)
			taken |= 1u << i;
	if (taken == (1u << N_KEYWORDS) - 1)
		taken = *used;
	for (i = 0; i < N_KEYWORDS && (taken >> i & 1) != 0; i++)
		;
	if (i == N_KEYWORDS)
		return err_set(err, ERR_LIMIT, "26 keywords are in use");
	if (k->names[i] != NULL)
		*again |= 1u << i;
	xfree(k->names[i]);
	k->names[i] = xstrndup(name.p, name.n);
	*used |= 1u << i; /* not for the next name of this call */
	k->changes++;
	return i;
}

/* Letters for those that have none. 1 some were given, 0 none was needed. */
static int
give_all(struct keywords *k, const struct folder *f, const struct slice *names,
    size_t n, uint32_t *mask, uint32_t *again, struct err *err)
{
	uint32_t used = 0;
	bool gave = false;
	int letter;
	size_t i;

	/* Those that have a letter first, so that it is not given away. */
	for (i = 0; i < n; i++)
		if ((letter = keywords_find(k, names[i])) != -1)
			*mask |= 1u << letter;
	for (i = 0; i < n; i++) {
		if (keywords_find(k, names[i]) != -1)
			continue;
		if (!gave && keywords_used(f, &used, err) == -1)
			return -1;
		used |= *mask;
		if ((letter = give_one(k, names[i], &used, again, err)) == -1)
			return -1;
		gave = true;
		*mask |= 1u << letter;
	}
	return gave;
}

/* K3: nobody may have used these letters meanwhile. old is the file as it was,
 * and is written again. */
static int
check_unused(
    struct keywords *old, struct folder *f, uint32_t letters, struct err *err)
{
	uint32_t used;

	if (keywords_used(f, &used, err) == -1) {
		struct err other;

		(void)!write_file(old, f, &other);
		return -1;
	}
	if ((used & letters) == 0)
		return 0;
	if (write_file(old, f, err) == -1)
		return -1;
	return err_set(err, ERR_BUSY, "a keyword came into use");
}

int
keywords_give(struct keywords *k, struct folder *f, const struct slice *names,
    size_t n, uint32_t *mask_out, struct err *err)
{
	uint32_t mask = 0, again = 0;
	struct keywords old = { 0 };
	int r, i;

	for (i = 0; i < N_KEYWORDS; i++)
		if (k->names[i] != NULL)
			old.names[i] = xstrdup(k->names[i]);
	r = give_all(k, f, names, n, &mask, &again, err);
	if (r == 1 && again != 0 &&
	    (io_fsync(f->cur) == -1 || io_fsync(f->new) == -1))
		r = err_sys(err, "flush what had the letter");
	if (r == 1 && write_file(k, f, err) == -1)
		r = -1;
	if (r == 1 && again != 0)
		r = check_unused(&old, f, again, err);
	keywords_free(&old);
	if (r == -1) {
		/* Memory is ahead of the file: read it again. */
		k->was_read = false;
		return -1;
	}
	*mask_out = mask;
	return 0;
}
