/* SPDX-License-Identifier: ISC */
/* Names of mailboxes: what the client says and what stands on disk. */
#include <string.h>

#include "libmaildir/foldername.h"
#include "libmaildir/mutf7.h"

/* Room to turn one name around; a level is at most three times as long
 * escaped, and base64 makes up to four bytes of one. */
#define WORK_MAX (8 * KIB)

#define RAW_MARK "\\="

static const struct slice inbox = { "INBOX", 5 };

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_control((unsigned char)s.p[i]))
			return true;
	return false;
}

/* U+0080 to U+009F: controls that Net-Unicode (RFC 5198) does not want. */
static bool
has_c1(struct slice s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] == 0xc2 &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			return true;
	return false;
}

static void
put_hex(struct buf *b, char c)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char u = (unsigned char)c;

	buf_putc(b, '\\');
	buf_putc(b, digits[u >> 4]);
	buf_putc(b, digits[u & 15]);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* \xx back to bytes; a backslash before anything else is an error. */
static int
unescape(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] != '\\') {
			buf_putc(out, s.p[i]);
			continue;
		}
		if (i + 2 >= s.n)
			return -1;
		hi = hex_value(s.p[i + 1]);
		lo = hex_value(s.p[i + 2]);
		if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
			return -1;
		buf_putc(out, (char)(hi << 4 | lo));
		i += 2;
	}
	return 0;
}

/* A level as it is written on disk. 0, or -1 when it is not UTF-8. */
static int
level_write(
    const struct foldername_conf *c, struct slice level, struct buf *out)
{
	struct buf esc;
	int r = 0;

	if (!slice_is_utf8(level))
		return -1;
	buf_init(&esc, WORK_MAX);
	for (size_t i = 0; i < level.n; i++) {
		char ch = level.p[i];

		if (ch == '.' || ch == '/' || ch == '\\' ||
		    (ch == '~' && i == 0))
			put_hex(&esc, ch);
		else
			buf_putc(&esc, ch);
	}
	if (!buf_ok(&esc))
		r = -1;
	else if (c->utf8)
		buf_put_slice(out, buf_slice(&esc));
	else
		r = mutf7_encode(buf_slice(&esc), out);
	buf_free(&esc);
	return r;
}

/* Can this be a level of a client's name that is written plainly? */
static bool
level_is_plain(const struct foldername_conf *c, struct slice u)
{
	return u.n > 0 && !has_control(u) && slice_find(u, c->separator) < 0 &&
	    !slice_starts(u, RAW_MARK) && !slice_eq_str(u, ".") &&
	    !slice_eq_str(u, "..");
}

/* The plain reading of a level on disk, appended; -1 (out as it was) when it
 * does not come back to the same bytes. */
static int
level_read(const struct foldername_conf *c, struct slice disk, struct buf *out)
{
	struct buf text, back;
	size_t was = out->n;
	int r = -1;

	buf_init(&text, WORK_MAX);
	buf_init(&back, WORK_MAX);
	if (c->utf8)
		buf_put_slice(&text, disk);
	else if (mutf7_decode(disk, &text) < 0)
		goto out;
	if (unescape(buf_slice(&text), out) == 0) {
		struct slice u = slice_from(buf_slice(out), was);

#if PLANT == 36
		if (u.n > 0)
			r = 0;
#endif
		if (level_is_plain(c, u) && level_write(c, u, &back) == 0 &&
		    slice_eq(buf_slice(&back), disk))
			r = 0;
	}
	if (r < 0)
		buf_truncate(out, was);
out:
	buf_free(&back);
	buf_free(&text);
	return r;
}

/* A level on disk that has no plain reading, for the client's eyes. */
static void
raw_show(const struct foldername_conf *c, struct slice disk, struct buf *out)
{
	buf_puts(out, RAW_MARK);
	for (size_t i = 0; i < disk.n; i++) {
		char ch = disk.p[i];

		if (is_control((unsigned char)ch) || (ch & 0x80) != 0 ||
		    ch == '\\' || ch == '&' || ch == '%' || ch == '*' ||
		    ch == c->separator)
			put_hex(out, ch);
		else
			buf_putc(out, ch);
	}
}

/* Only the first level can be INBOX, and only without a prefix is it our own
 * INBOX that stands above the others. */
static bool
owns_inbox(const struct foldername_conf *c, bool first)
{
	return first && c->prefix.n == 0;
}

/* The client's form of one level on disk. */
static void
level_show(const struct foldername_conf *c, struct slice disk, bool first,
    struct buf *out)
{
	size_t was = out->n;

	if (level_read(c, disk, out) == 0) {
		struct slice u = slice_from(buf_slice(out), was);

		if (!owns_inbox(c, first) || !slice_ieq(u, inbox) ||
		    slice_eq(u, inbox))
			return;
		buf_truncate(out, was); /* "Inbox": the client cannot name it */
	}
	raw_show(c, disk, out);
}

/* One level of a client's name, appended in the form on disk. */
static int
level_to_disk(const struct foldername_conf *c, struct slice level, bool first,
    struct buf *out)
{
	struct buf back;
	size_t was = out->n;
	int r;

	if (!slice_starts(level, RAW_MARK)) {
		if (owns_inbox(c, first) && slice_ieq(level, inbox))
			level = inbox;
		return level_is_plain(c, level) ? level_write(c, level, out) :
						  -1;
	}
	if (unescape(slice_from(level, sizeof(RAW_MARK) - 1), out) < 0)
		return -1;
	/* exactly as the list shows it, or it names nothing */
	buf_init(&back, WORK_MAX);
	level_show(c, slice_from(buf_slice(out), was), first, &back);
	r = slice_eq(buf_slice(&back), level) ? 0 : -1;
	if (slice_find(slice_from(buf_slice(out), was), '.') >= 0 ||
	    slice_find(slice_from(buf_slice(out), was), '/') >= 0)
		r = -1;
	buf_free(&back);
	return r;
}

/* Take the prefix off; false when the name is outside it. */
static bool
cut_prefix(const struct foldername_conf *c, struct slice *client)
{
	if (c->prefix.n == 0)
		return true;
	if (!slice_ieq(slice_head(*client, c->prefix.n), c->prefix))
		return false;
	*client = slice_from(*client, c->prefix.n);
	return true;
}

static int
check_new(const struct foldername_conf *c, struct slice rest, struct err *err)
{
	struct slice level;
	unsigned depth = 0;
	bool more = true;

	while (more) {
		more = slice_cut(&rest, c->separator, &level);
		if (slice_starts(level, RAW_MARK))
			return err_set(
			    err, ERR_INVALID, "a mailbox name begins with \\=");
		if (slice_find(level, '%') >= 0 || slice_find(level, '*') >= 0)
			return err_set(
			    err, ERR_INVALID, "a mailbox name has a wildcard");
		if (has_c1(level))
			return err_set(err, ERR_INVALID,
			    "a mailbox name has a control character");
		depth++;
	}
	if (depth > c->max_depth)
		return err_set(
		    err, ERR_LIMIT, "a mailbox name of %u levels", depth);
	return 0;
}

static int
levels_to_disk(const struct foldername_conf *c, struct slice rest,
    struct buf *out, struct err *err)
{
	struct slice level;
	bool more = true, first = true;

	while (more) {
		more = slice_cut(&rest, c->separator, &level);
		buf_putc(out, '.');
		if (level_to_disk(c, level, first, out) < 0)
			return err_set(
			    err, ERR_INVALID, "not a possible mailbox name");
		first = false;
	}
	if (!buf_ok(out) || out->n > MAX_FILE_NAME)
		return err_set(
		    err, ERR_LIMIT, "a mailbox name too long for the disk");
	return 0;
}

int
foldername_to_disk(const struct foldername_conf *c, struct slice client,
    enum foldername_use use, struct foldername *out, struct err *err)
{
	struct buf disk;
	int r;

	/* what the list shows may be longer than what may be made */
	if (client.n >
	    (use == FOLDERNAME_NEW ? MAX_MAILBOX_NAME : 2 * MAX_MAILBOX_NAME))
		return err_set(
		    err, ERR_LIMIT, "a mailbox name of %zu bytes", client.n);
	if (use == FOLDERNAME_NEW && client.n > 1 &&
	    client.p[client.n - 1] == c->separator)
		client.n--;
	if (slice_ieq(client, inbox)) {
		*out = (struct foldername){ 0 };
		return 0;
	}
	if (!cut_prefix(c, &client))
		return err_set(
		    err, ERR_INVALID, "a mailbox name outside the namespace");
	if (use == FOLDERNAME_NEW && check_new(c, client, err) < 0)
		return -1;
	buf_init(&disk, WORK_MAX);
	r = levels_to_disk(c, client, &disk, err);
	if (r == 0 && slice_eq_str(buf_slice(&disk), ".INBOX") &&
	    c->prefix.n > 0) {
		/* INBOX.INBOX: as Dovecot writes it */
		buf_reset(&disk);
		buf_puts(&disk, ".\\49NBOX");
	}
	if (r == 0) {
		memcpy(out->s, disk.p, disk.n);
		out->s[disk.n] = '\0';
		out->n = disk.n;
	}
	buf_free(&disk);
	return r;
}

static bool
is_folder(struct slice disk)
{
	return disk.n > 1 && disk.p[0] == '.' && !slice_eq_str(disk, "..") &&
	    !slice_eq_str(disk, "..DOVECOT-TRASHED") &&
	    !slice_eq_str(disk, ".INBOX") && disk.n <= MAX_FILE_NAME;
}

int
foldername_to_client(
    const struct foldername_conf *c, struct slice disk, struct buf *out)
{
	struct slice rest, level;
	bool more = true, first = true;

	if (disk.n == 0) {
		buf_put_slice(out, inbox);
		return 1;
	}
	if (!is_folder(disk))
		return 0;
	buf_put_slice(out, c->prefix);
	if (c->prefix.n > 0 && slice_eq_str(disk, ".\\49NBOX")) {
		buf_put_slice(out, inbox);
		return 1;
	}
	rest = slice_from(disk, 1);
	while (more) {
		more = slice_cut(&rest, '.', &level);
		if (!first)
			buf_putc(out, c->separator);
		level_show(c, level, first, out);
		first = false;
	}
	return 1;
}

int
foldername_canonical(const struct foldername_conf *c, struct slice client,
    struct buf *out, struct err *err)
{
	struct foldername disk;

	if (foldername_to_disk(c, client, FOLDERNAME_OLD, &disk, err) < 0)
		return -1;
	if (foldername_to_client(c, slice_of(disk.s, disk.n), out) == 0)
		return err_set(err, ERR_INVALID, "not a possible mailbox name");
	return 0;
}

int
foldername_cmp(char separator, struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	bool ia = slice_eq(slice_head(a, inbox.n), inbox) &&
	    (a.n == inbox.n || a.p[inbox.n] == separator);
	bool ib = slice_eq(slice_head(b, inbox.n), inbox) &&
	    (b.n == inbox.n || b.p[inbox.n] == separator);

	if (ia != ib)
		return ia ? -1 : 1;
	for (size_t i = 0; i < n; i++) {
		unsigned char ca = (unsigned char)a.p[i];
		unsigned char cb = (unsigned char)b.p[i];

		if (ca == cb)
			continue;
		/* the end of a level sorts before any byte of one */
		if (a.p[i] == separator)
			return -1;
		if (b.p[i] == separator)
			return 1;
		return ca < cb ? -1 : 1;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

bool
foldername_is_below(char separator, struct slice parent, struct slice child)
{
	return child.n > parent.n + 1 && child.p[parent.n] == separator &&
	    slice_eq(slice_head(child, parent.n), parent);
}
