/* SPDX-License-Identifier: ISC */
/* The file "subscriptions" of Dovecot, both versions. */
#include <string.h>

#include "libbase/mem.h"
#include "libmaildir/subs.h"

void
subs_init(struct subs *s)
{
	*s = (struct subs){ .version = 2 };
	arena_init(&s->text, 4 * SUBS_MAX_BYTES);
}

void
subs_free(struct subs *s)
{
	map_free(&s->by_name);
	arena_free(&s->text);
	xfree(s->lines);
	s->lines = NULL;
	s->n = s->cap = 0;
}

/* Add a line; a name that is there already is dropped. */
static int
add_line(struct subs *s, struct slice raw, struct slice name, struct err *err)
{
	struct subs_line line = { SLICE_NONE, SLICE_NONE };

	if (name.n > 0 && subs_has(s, name))
		return 0;
	line.raw = arena_slice(&s->text, raw);
	if (name.n > 0)
		line.name = arena_slice(&s->text, name);
	if (s->n == SUBS_MAX_LINES || s->text.failed)
		return err_set(err, ERR_LIMIT, "too many subscriptions");
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 64 : 2 * s->cap;
		s->lines = xreallocarray(s->lines, s->cap, sizeof(s->lines[0]));
	}
	s->lines[s->n++] = line;
	if (name.n > 0)
		(void)map_put(&s->by_name, line.name, (void *)(uintptr_t)s->n);
	return 1;
}

/* Dovecot's tab escaping: \001 before 0, 1, t, r, n. */
static int
tab_unescape(struct slice s, struct buf *out)
{
	static const char from[] = "01trn", to[] = "\0\1\t\r\n";

	for (size_t i = 0; i < s.n; i++) {
		const char *at;

		if (s.p[i] != '\001') {
			buf_putc(out, s.p[i]);
			continue;
		}
		if (++i == s.n || s.p[i] == '\0')
			return -1;
		at = strchr(from, s.p[i]);
		if (at == NULL)
			return -1;
		buf_putc(out, to[at - from]);
	}
	return 0;
}

static void
tab_escape(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		const char *at =
		    s.p[i] == '\0' ? NULL : strchr("\1\t\r\n", s.p[i]);

		if (at == NULL) {
			buf_putc(out, s.p[i]);
			continue;
		}
		buf_putc(out, '\001');
		switch (s.p[i]) {
		case '\001':
			buf_putc(out, '1');
			break;
		case '\t':
			buf_putc(out, 't');
			break;
		case '\r':
			buf_putc(out, 'r');
			break;
		default:
			buf_putc(out, 'n');
			break;
		}
	}
}

/* A line of either version as a name on disk, ".A.B". */
static int
line_to_disk(unsigned version, struct slice line, struct buf *disk)
{
	struct slice level;
	bool more = true;

	if (version == 1) {
		buf_putc(disk, '.');
		buf_put_slice(disk, line);
		return 0;
	}
	while (more) {
		size_t was = disk->n + 1;
		bool has_dot;

		more = slice_cut(&line, '\t', &level);
		buf_putc(disk, '.');
		if (tab_unescape(level, disk) < 0)
			return -1;
		/* a level with a dot would come back as two */
		has_dot =
		    slice_find(slice_from(buf_slice(disk), was), '.') >= 0;
#if PLANT == 37
		has_dot = false;
#endif
		if (has_dot)
			return -1;
	}
	return 0;
}

/* The client's name of a line, appended; 0 when it is no possible name. */
static int
line_name(unsigned version, const struct foldername_conf *c, struct slice line,
    struct buf *disk, struct buf *name)
{
	struct foldername back;
	struct slice d;
	struct err e;

	buf_reset(disk);
	if (slice_find(line, '/') >= 0 || slice_find(line, '\0') >= 0)
		return 0;
	if (slice_eq_str(line, "INBOX")) {
		buf_puts(name, "INBOX");
		return 1;
	}
	if (line_to_disk(version, line, disk) < 0)
		return 0;
	d = buf_slice(disk);
	if (slice_find(d, '/') >= 0 || slice_find(d, '\0') >= 0 ||
	    foldername_to_client(c, d, name) == 0)
		return 0;
	/* what the client sees must lead back here, or it can never be taken
	 * out again */
	return foldername_to_disk(
		   c, buf_slice(name), FOLDERNAME_OLD, &back, &e) == 0 &&
	    slice_eq(slice_of(back.s, back.n), d);
}

static int
parse_lines(struct subs *s, const struct foldername_conf *c, struct slice text,
    struct err *err)
{
	struct buf disk, name;
	struct slice line;
	int r = 0;

	buf_init(&disk, 8 * KIB);
	buf_init(&name, 16 * KIB);
	while (r >= 0 && text.n > 0) {
		struct slice n = SLICE_NONE;

		(void)slice_cut(&text, '\n', &line);
		if (line.n == 0)
			continue;
		buf_reset(&name);
		if (line.n <= 4 * KIB &&
		    line_name(s->version, c, line, &disk, &name) == 1)
			n = buf_slice(&name);
		r = add_line(s, line, n, err);
	}
	buf_free(&name);
	buf_free(&disk);
	return r < 0 ? -1 : 0;
}

int
subs_parse(struct subs *s, const struct foldername_conf *c, struct slice text,
    struct err *err)
{
	struct slice line, version;
	uint32_t v;

	if (text.n > SUBS_MAX_BYTES)
		return err_set(
		    err, ERR_LIMIT, "subscriptions of %zu bytes", text.n);
	s->version = 1;
	if (slice_starts(text, "V\t")) {
		(void)slice_cut(&text, '\n', &line);
		line = slice_from(line, 2);
		(void)slice_cut(&line, '\t', &version);
		if (slice_u32(version, 1000, &v) < 0 || v != 2)
			return err_set(err, ERR_UNSUPPORTED,
			    "subscriptions of an unknown version");
		s->version = 2;
		/* a header may have more lines; it ends with an empty one */
		while (
		    text.n > 0 && slice_cut(&text, '\n', &line) && line.n > 0)
			;
	} else if (text.n == 0) {
		s->version = 2; /* a new file */
	}
	return parse_lines(s, c, text, err);
}

int
subs_parse_courier(struct subs *s, const struct foldername_conf *c,
    struct slice text, struct err *err)
{
	struct buf name;
	struct slice line;
	int r = 0;

	if (text.n > SUBS_MAX_BYTES)
		return err_set(err, ERR_LIMIT,
		    "courierimapsubscribed of %zu bytes", text.n);
	buf_init(&name, 16 * KIB);
	while (r >= 0 && text.n > 0) {
		struct buf disk;

		(void)slice_cut(&text, '\n', &line);
		if (!slice_eq_str(line, "INBOX") &&
		    (line.n > 4 * KIB || !slice_starts(line, "INBOX.")))
			continue;
		buf_init(&disk, 8 * KIB);
		buf_put_slice(&disk, slice_from(line, 5));
		buf_reset(&name);
		if (foldername_to_client(c, buf_slice(&disk), &name) == 1)
			r = subs_set(s, c, buf_slice(&name), true, err);
		if (r < 0 && err->code == ERR_INVALID)
			r = 0;
		buf_free(&disk);
	}
	buf_free(&name);
	return r < 0 ? -1 : 0;
}

void
subs_print(const struct subs *s, struct buf *out)
{
	size_t begin = out->n;

	if (s->version == 2)
		buf_puts(out, "V\t2\n\n");
	for (size_t i = 0; i < s->n; i++) {
		struct slice raw = s->lines[i].raw;

		if (raw.p == NULL)
			continue;
		/* no name of version 1 may be taken for a header */
		if (out->n == begin && slice_starts(raw, "V\t"))
			buf_putc(out, '\n');
		buf_put_slice(out, raw);
		buf_putc(out, '\n');
	}
}

bool
subs_has(const struct subs *s, struct slice name)
{
	return map_get(&s->by_name, name) != NULL;
}

/* The line of a name on disk. */
static void
make_line(unsigned version, struct slice disk, struct buf *out)
{
	struct slice level, rest = slice_from(disk, 1);
	bool more = true;

	if (disk.n == 0) {
		buf_puts(out, "INBOX");
		return;
	}
	if (version == 1) {
		buf_put_slice(out, rest);
		return;
	}
	while (more) {
		more = slice_cut(&rest, '.', &level);
		tab_escape(level, out);
		if (more)
			buf_putc(out, '\t');
	}
}

int
subs_set(struct subs *s, const struct foldername_conf *c, struct slice name,
    bool on, struct err *err)
{
	struct foldername disk;
	struct buf line, canonical;
	uintptr_t at;
	int r = 0;

	if (foldername_to_disk(c, name, FOLDERNAME_OLD, &disk, err) < 0)
		return -1;
	buf_init(&line, 8 * KIB);
	buf_init(&canonical, 16 * KIB);
	if (foldername_canonical(c, name, &canonical, err) < 0) {
		r = -1;
		goto out;
	}
	name = buf_slice(&canonical);
	if (on && !subs_has(s, name)) {
		make_line(s->version, slice_of(disk.s, disk.n), &line);
		r = slice_find(buf_slice(&line), '\n') < 0 ?
		    add_line(s, buf_slice(&line), name, err) :
		    err_set(err, ERR_INVALID, "a newline in a name");
	} else if (!on && subs_has(s, name)) {
		at = (uintptr_t)map_del(&s->by_name, name);
		s->lines[at - 1] = (struct subs_line){ SLICE_NONE, SLICE_NONE };
		r = 1;
	}
out:
	buf_free(&canonical);
	buf_free(&line);
	return r;
}

bool
subs_next(const struct subs *s, size_t *pos, struct slice *name)
{
	while (*pos < s->n) {
		*name = s->lines[(*pos)++].name;
		if (name->p != NULL)
			return true;
	}
	return false;
}
