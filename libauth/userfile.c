/* SPDX-License-Identifier: ISC */
/* The users file: parse, print, change in memory. Pure. */
#include <stdio.h>
#include <string.h>

#include "libauth/userfile.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"

#define MAX_HOME 511 /* struct user holds 512 */

void
userfile_init(struct userfile *f)
{
	memset(f, 0, sizeof(*f));
	arena_init(&f->arena, 3 * (size_t)MAX_USERS_FILE);
}

static void
userfile_clear(struct userfile *f)
{
	xfree(f->entries);
	f->entries = NULL;
	f->n = f->cap = 0;
	map_free(&f->by_name);
	memset(&f->by_name, 0, sizeof(f->by_name));
	arena_reset(&f->arena);
	f->arena.failed = false;
}

void
userfile_free(struct userfile *f)
{
	userfile_clear(f);
	arena_free(&f->arena);
}

bool
user_name_ok(struct slice name)
{
	if (name.n == 0 || name.n > MAX_USER || !slice_is_utf8(name))
		return false;
	if (strchr("-.#@", name.p[0]) != NULL)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c <= 0x20 || c == 0x7f || strchr(":/\\%*?\"", c) != NULL ||
		    ascii_lower((char)c) != (char)c)
			return false;
	}
	return true;
}

static bool
hash_ok(struct slice hash)
{
	if (hash.n >= MAX_HASH)
		return false;
	for (size_t i = 0; i < hash.n; i++) {
		unsigned char c = (unsigned char)hash.p[i];

		if (c <= 0x20 || c >= 0x7f || c == ':')
			return false;
	}
	return true;
}

/* One more entry; the index is by offset + 1, so that growth moves nothing. */
static struct userfile_entry *
userfile_new_entry(struct userfile *f)
{
	struct userfile_entry *e;

	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 32 : f->cap * 2;
		f->entries =
		    xreallocarray(f->entries, f->cap, sizeof(*f->entries));
	}
	e = &f->entries[f->n++];
	memset(e, 0, sizeof(*e));
	return e;
}

static void
userfile_index(struct userfile *f, const struct userfile_entry *e)
{
	uintptr_t at = (uintptr_t)(e - f->entries) + 1;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an offset, no address */
	(void)map_put(&f->by_name, e->name, (void *)at);
}

struct userfile_entry *
userfile_find(const struct userfile *f, struct slice name)
{
	uintptr_t at = (uintptr_t)map_get(&f->by_name, name);

	return at == 0 ? NULL : &f->entries[at - 1];
}

static int
entry_check(const struct userfile_entry *e, struct err *err)
{
	if (!user_name_ok(e->name))
		return err_set(err, ERR_INVALID,
		    "\"%.*s\" is no user name (lower case, no blanks, none of "
		    ": / \\ %% * ? \")",
		    SLICE_ARG(slice_head(e->name, 40)));
	if (!hash_ok(e->hash))
		return err_set(err, ERR_INVALID, "user %.*s: bad hash",
		    SLICE_ARG(slice_head(e->name, 40)));
	if (e->uid == (uid_t)-1 || e->gid == (gid_t)-1)
		return err_set(err, ERR_INVALID, "user %.*s: bad uid or gid",
		    SLICE_ARG(slice_head(e->name, 40)));
	if (e->home.n == 0 || e->home.n > MAX_HOME || e->home.p[0] != '/' ||
	    memchr(e->home.p, '\0', e->home.n) != NULL)
		return err_set(err, ERR_INVALID,
		    "user %.*s: home must be an absolute path",
		    SLICE_ARG(slice_head(e->name, 40)));
	return 0;
}

static int
field_home(struct userfile *f, struct slice text, struct slice *out)
{
	struct buf b;
	int r;

	buf_init(&b, MAX_HOME);
	r = attr_unescape(text, &b);
	if (r == 0)
		*out = arena_slice(&f->arena, buf_slice(&b));
	buf_free(&b);
	return r;
}

/* One line that holds a user; slices of line outlive the parse. */
static int
parse_user(
    struct userfile *f, struct slice line, unsigned number, struct err *err)
{
	struct slice rest = line, name, hash, uid, gid, home;
	struct userfile_entry e = { .line = number };
	uint32_t u, g;

	if (!slice_cut(&rest, ':', &name) || !slice_cut(&rest, ':', &hash) ||
	    !slice_cut(&rest, ':', &uid) || !slice_cut(&rest, ':', &gid))
		return err_set(err, ERR_INVALID,
		    "name:hash:uid:gid:home:attributes wanted");
	slice_cut(&rest, ':', &home); /* the last colon may be missing */
	if (slice_u32(uid, UINT32_MAX, &u) != 0 ||
	    slice_u32(gid, UINT32_MAX, &g) != 0)
		return err_set(err, ERR_INVALID, "uid and gid are numbers");
	e.name = name;
	e.hash = hash;
	e.uid = u;
	e.gid = g;
	if (field_home(f, home, &e.home) != 0)
		return err_set(err, ERR_INVALID, "bad home");
	if (entry_check(&e, err) != 0 || attrs_parse(rest, &e.attrs, err) != 0)
		return -1;
#if PLANT == 48
	if (f->n > 2 && userfile_find(f, name) != NULL)
#else
	if (userfile_find(f, name) != NULL)
#endif
		return err_set(err, ERR_INVALID, "user %.*s stands there twice",
		    SLICE_ARG(slice_head(name, 40)));
	*userfile_new_entry(f) = e;
	userfile_index(f, &f->entries[f->n - 1]);
	return 0;
}

static int
parse_line(
    struct userfile *f, struct slice line, unsigned number, struct err *err)
{
	if (line.n > MAX_USERS_LINE)
		return err_set(err, ERR_LIMIT, "line too long");
	if (line.n > 0 && memchr(line.p, '\0', line.n) != NULL)
		return err_set(err, ERR_INVALID, "NUL in a line");
	if (line.n == 0 || line.p[0] == '#') {
		struct userfile_entry *e = userfile_new_entry(f);

		e->comment = line;
		e->line = number;
		return 0;
	}
	return parse_user(f, line, number, err);
}

int
userfile_parse(struct userfile *f, struct slice text, struct err *err)
{
	struct slice rest, line;
	unsigned number = 0;

	userfile_clear(f);
	if (text.n > MAX_USERS_FILE)
		return err_set(err, ERR_LIMIT, "users file over %u MiB",
		    MAX_USERS_FILE / MIB);
	rest = arena_slice(&f->arena, text);
	while (rest.n > 0) {
		number++;
		slice_cut(&rest, '\n', &line);
		if (parse_line(f, line, number, err) != 0) {
			userfile_clear(f);
			return err_context(err, "line %u", number);
		}
	}
	return 0;
}

void
userfile_print(const struct userfile *f, struct buf *out)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct userfile_entry *e = &f->entries[i];

		if (e->name.n == 0) {
			buf_put_slice(out, e->comment);
			buf_putc(out, '\n');
			continue;
		}
		buf_put_slice(out, e->name);
		buf_putc(out, ':');
		buf_put_slice(out, e->hash);
		buf_printf(out, ":%u:%u:", e->uid, e->gid);
		attr_escape(e->home, out);
		buf_putc(out, ':');
		attrs_print(&e->attrs, out);
		buf_putc(out, '\n');
	}
}

int
userfile_put(
    struct userfile *f, const struct userfile_entry *from, struct err *err)
{
	struct userfile_entry *e, copy = *from;

	if (entry_check(from, err) != 0)
		return -1;
	copy.name = arena_slice(&f->arena, from->name);
	copy.hash = arena_slice(&f->arena, from->hash);
	copy.home = arena_slice(&f->arena, from->home);
	copy.comment = SLICE_NONE;
	if (f->arena.failed)
		return err_set(err, ERR_LIMIT, "users file too large");
	e = userfile_find(f, from->name);
	if (e == NULL) {
		e = userfile_new_entry(f);
		*e = copy;
		userfile_index(f, e);
	} else {
		*e = copy;
	}
	return 0;
}

/* "# was NAME uid N home HOME": in the place of a user that has been deleted,
 * so that nobody gets the uid that owns the mail. */
static const char was[] = "# was ";

int
userfile_del(struct userfile *f, struct slice name)
{
	struct userfile_entry *e = userfile_find(f, name);
	struct buf b;

	if (e == NULL)
		return 0;
	(void)map_del(&f->by_name, name);
	buf_init(&b, MAX_USERS_LINE);
	buf_printf(&b, "%s%.*s uid %u home ", was, SLICE_ARG(e->name), e->uid);
	attr_escape(e->home, &b);
	e->name = SLICE_NONE;
	e->comment = arena_slice(&f->arena, buf_slice(&b));
	buf_free(&b);
	return 1;
}

/* The uid such a line keeps; false for other comments. */
static bool
kept_uid(const struct userfile_entry *e, uid_t *out)
{
	struct slice rest = e->comment, word;
	uint32_t uid;

	if (!slice_starts(rest, was))
		return false;
	rest = slice_from(rest, sizeof(was) - 1);
	slice_cut(&rest, ' ', &word); /* the name */
	slice_cut(&rest, ' ', &word); /* "uid" */
	slice_cut(&rest, ' ', &word);
	if (slice_u32(word, UINT32_MAX, &uid) != 0)
		return false;
	*out = uid;
	return true;
}

int
userfile_free_uid(
    const struct userfile *f, uid_t lo, uid_t hi, uid_t *out, struct err *err)
{
	struct idmap taken = { 0 };
	uid_t uid;

	for (size_t i = 0; i < f->n; i++) {
		const struct userfile_entry *e = &f->entries[i];

		if (e->name.n > 0)
			(void)idmap_put(&taken, e->uid, f->entries);
		else if (kept_uid(e, &uid))
			(void)idmap_put(&taken, uid, f->entries);
	}
	for (uid = lo; uid < hi && idmap_get(&taken, uid) != NULL;)
		uid++;
	if (uid > hi || idmap_get(&taken, uid) != NULL) {
		idmap_free(&taken);
		return err_set(err, ERR_LIMIT,
		    "no uid is left of virtual_uids %u-%u", lo, hi);
	}
	idmap_free(&taken);
	*out = uid;
	return 0;
}
