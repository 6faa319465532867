/* SPDX-License-Identifier: ISC */
/* The configuration file: libconfig's tree against the rows, all faults told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libconfig.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libnet/netaddr.h"
#include "libserver/conf_store.h"
#include "libserver/conf_value.h"
#include "libserver/uidl_format.h"

#define FILE_MAX  (1024 * KIB) /* nobody writes more by hand */
#define VALUE_MAX 4096u        /* bytes of one string */
#define TOTAL_MAX (96 * KIB)   /* all strings: they travel in one datagram */

struct reader {
	struct conf *conf;
	const char *file;
	conf_fault_fn *fault;
	void *arg;
	unsigned n_faults;
};

static void
fault_at(struct reader *r, unsigned line, const char *fmt, ...) PRINTF(3, 4);

static void
fault_at(struct reader *r, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->n_faults++;
	if (r->fault != NULL)
		r->fault(r->arg, r->file, line, text);
}

/* What the admin should write, by type: for "X must be ...". */
static const char *const wanted[] = {
	[SET_BOOL] = "true or false",
	[SET_NUMBER] = "a number, like 10",
	[SET_SIZE] = "a size, like \"64M\"",
	[SET_DURATION] = "a duration, like \"5 min\"",
	[SET_STRING] = "a text in quotes",
	[SET_PATH] = "an absolute path in quotes, like \"/var/mail\"",
	[SET_STRINGS] = "a list of texts, like [ \"a\", \"b\" ]",
	[SET_LISTEN] = "a list of addresses with ports, like [ \"*:143\" ]",
	[SET_NETWORKS] = "a list of networks, like [ \"10.0.0.0/8\" ]",
	[SET_ENUM] = "one of a few words",
	[SET_UID] = "a number or a user name in quotes",
	[SET_UIDS] = "a range of uids, like \"70000-79999\"",
	[SET_UIDL] = "a text in quotes, like \"%08Xu%08Xv\"",
	[SET_CERTS] = ("a list of groups, like ( { certificate = \"/path\"; "
		       "key = \"/path\"; } )"),
};

static void
fault_range(struct reader *r, const struct conf_value *v, uint64_t n)
{
	struct buf b;

	buf_init(&b, 256);
	conf_print_value(&b, v->row->type, v->row->min);
	buf_puts(&b, " to ");
	conf_print_value(&b, v->row->type, v->row->max);
	buf_puts(&b, ", not ");
	conf_print_value(&b, v->row->type, n);
	fault_at(r, v->line, "%s must be in the range from %s", v->row->name,
	    buf_cstr(&b));
	buf_free(&b);
}

static void
fault_type(struct reader *r, const struct conf_value *v)
{
	if (v->row->type == SET_ENUM)
		fault_at(r, v->line, "%s must be one of \"%s\" (| means or)",
		    v->row->name, v->row->def);
	else
		fault_at(r, v->line, "%s must be %s", v->row->name,
		    wanted[v->row->type]);
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool
is_good_path(struct slice s)
{
	return s.n > 0 && s.p[0] == '/';
}

static bool
is_good_member(enum setting_type type, const char *text)
{
	struct netaddr addr;
	struct netblock net;
	struct err err;

	if (type == SET_LISTEN)
		return netaddr_parse_listen(slice_str(text), &addr, &err) == 0;
	if (type == SET_NETWORKS)
		return netblock_parse(slice_str(text), &net, &err) == 0;
	return text[0] != '\0';
}

/* One text of a value, from the file or a default. */
static void
take_text(struct reader *r, struct conf_value *v, struct slice text)
{
	const struct setting *row = v->row;
	int bad = 0;

	if (text.n > VALUE_MAX || has_control(text)) {
		fault_at(r, v->line,
		    "%s holds a control character or is too long", row->name);
		return;
	}
	switch (row->type) {
	case SET_BOOL:
		v->num = slice_eq_str(text, "true");
		bad = v->num == 0 && !slice_eq_str(text, "false") ? -1 : 0;
		break;
	case SET_NUMBER:
		bad = slice_u64(text, UINT64_MAX, &v->num);
		break;
	case SET_SIZE:
		bad = conf_parse_size(text, &v->num);
		break;
	case SET_DURATION:
		bad = conf_parse_duration(text, &v->num);
		break;
	case SET_UIDS:
		if (text.n > 0)
			bad = conf_parse_range(text, &v->num, &v->num_hi);
		break;
	case SET_ENUM:
		bad = conf_is_word(row->def, text) ? 0 : -1;
		break;
	case SET_PATH:
		bad = text.n > 0 && !is_good_path(text) ? -1 : 0;
		break;
	case SET_STRING:
	case SET_STRINGS:
	case SET_LISTEN:
	case SET_NETWORKS:
	case SET_UID:
	case SET_UIDL:
	case SET_CERTS:
		break;
	}
	if (bad == -1) {
		fault_type(r, v);
		return;
	}
	if (row->type == SET_NUMBER || row->type == SET_SIZE ||
	    row->type == SET_DURATION) {
		if (v->num < row->min || v->num > row->max)
			fault_range(r, v, v->num);
		return;
	}
	conf_value_add(v, text);
}

static void
check_uidl(struct reader *r, const struct conf_value *v)
{
	const char *why = uidl_format_fault(slice_str(v->strs[0]));

	if (why != NULL)
		fault_at(r, v->line, "%s: %s", v->row->name, why);
}

/* Lengths, counts and members, once all texts are there. */
static void
check_value(struct reader *r, const struct conf_value *v)
{
	const struct setting *row = v->row;
	size_t n = v->n_strs;

	switch (row->type) {
	case SET_STRING:
	case SET_PATH:
	case SET_UID:
		if (v->n_strs != 1)
			return; /* told already */
		n = slice_str(v->strs[0]).n;
		if (n == 0 && row->min > 0)
			fault_at(r, v->line, "%s must not be empty", row->name);
		else if (n < row->min || n > row->max)
			fault_at(r, v->line,
			    "%s must be %ju to %ju characters long", row->name,
			    (uintmax_t)row->min, (uintmax_t)row->max);
		return;
	case SET_STRINGS:
	case SET_LISTEN:
	case SET_NETWORKS:
		for (size_t i = 0; i < n; i++)
			if (!is_good_member(row->type, v->strs[i]))
				fault_at(r, v->line,
				    "\"%.100s\" in %s is not right: it must be "
				    "%s",
				    v->strs[i], row->name, wanted[row->type]);
		break;
	case SET_CERTS:
		n = n / 2;
		break;
	case SET_UIDL:
		if (v->n_strs == 1)
			check_uidl(r, v);
		return;
	case SET_BOOL:
	case SET_NUMBER:
	case SET_SIZE:
	case SET_DURATION:
	case SET_ENUM:
	case SET_UIDS:
		return;
	}
	if (n < row->min || n > row->max)
		fault_at(r, v->line, "%s must have at most %ju members",
		    row->name, (uintmax_t)row->max);
}

static void
take_default(struct reader *r, struct conf_value *v)
{
	struct slice rest = slice_str(v->row->def), head;
	bool more = rest.n > 0;

	switch (v->row->type) {
	case SET_STRINGS:
	case SET_LISTEN:
	case SET_NETWORKS:
	case SET_CERTS:
		while (more) {
			more = slice_cut(&rest, ' ', &head);
			take_text(r, v, head);
		}
		break;
	case SET_ENUM:
		(void)slice_cut(&rest, '|', &head);
		take_text(r, v, head);
		break;
	case SET_BOOL:
	case SET_NUMBER:
	case SET_SIZE:
	case SET_DURATION:
	case SET_STRING:
	case SET_PATH:
	case SET_UID:
	case SET_UIDS:
	case SET_UIDL:
		take_text(r, v, rest);
		break;
	}
	check_value(r, v);
}

/* A number or text of libconfig's, as text. false: another type. */
static bool
scalar_text(config_setting_t *s, enum setting_type type, char num[32],
    struct slice *out)
{
	bool as_number = type == SET_NUMBER || type == SET_SIZE ||
	    type == SET_DURATION || type == SET_UID;
	int t = config_setting_type(s);

	if (t == CONFIG_TYPE_STRING && type != SET_BOOL && type != SET_NUMBER) {
		*out = slice_str(config_setting_get_string(s));
		return true;
	}
	if (t == CONFIG_TYPE_BOOL && type == SET_BOOL) {
		*out = slice_str(config_setting_get_bool(s) ? "true" : "false");
		return true;
	}
	if ((t == CONFIG_TYPE_INT || t == CONFIG_TYPE_INT64) && as_number) {
		snprintf(num, 32, "%lld", config_setting_get_int64(s));
		*out = slice_str(num);
		return true;
	}
	return false;
}

static bool
is_list_type(enum setting_type type)
{
	return type == SET_STRINGS || type == SET_LISTEN ||
	    type == SET_NETWORKS;
}

static void
take_cert(struct reader *r, struct conf_value *v, config_setting_t *group)
{
	static const char *const members[] = { "certificate", "key" };
	unsigned line = config_setting_source_line(group);
	int n = config_setting_length(group);

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		fault_type(r, v);
		return;
	}
	for (int i = 0; i < n; i++) {
		config_setting_t *m =
		    config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(m);

		if (!slice_eq_str(slice_str(name), "certificate") &&
		    !slice_eq_str(slice_str(name), "key"))
			fault_at(r, config_setting_source_line(m),
			    "\"%.60s\" is no member of certificates: write "
			    "certificate and key",
			    name);
	}
	for (size_t i = 0; i < N_ELEMENTS(members); i++) {
		const char *path = NULL;

		(void)config_setting_lookup_string(group, members[i], &path);
		if (path == NULL || path[0] != '/') {
			fault_at(r, line,
			    "%s is missing in this group of certificates: "
			    "write %s = \"/path\";",
			    members[i], members[i]);
			path = "";
		}
		conf_value_add(v, slice_str(path));
	}
}

static void
take_list(struct reader *r, struct conf_value *v, config_setting_t *s)
{
	int n = config_setting_length(s), t = config_setting_type(s);
	struct slice text;
	char num[32];

	if (v->row->type == SET_CERTS && t == CONFIG_TYPE_GROUP) {
		take_cert(r, v, s);
		return;
	}
	if (t != CONFIG_TYPE_ARRAY && t != CONFIG_TYPE_LIST) {
		fault_type(r, v);
		return;
	}
	for (int i = 0; i < n; i++) {
		config_setting_t *m = config_setting_get_elem(s, (unsigned)i);

		if (v->row->type == SET_CERTS)
			take_cert(r, v, m);
		else if (scalar_text(m, v->row->type, num, &text))
			take_text(r, v, text);
		else
			fault_type(r, v);
	}
}

static void
take_setting(struct reader *r, config_setting_t *s)
{
	const char *name = config_setting_name(s);
	struct conf_value *v = conf_value_of(r->conf, slice_str(name));
	unsigned line = config_setting_source_line(s);
	const char *file = config_setting_source_file(s);
	struct slice text;
	char num[32];

	if (file != NULL)
		r->file = file;
	if (v == NULL) {
		const char *near = conf_nearest(r->conf->more, slice_str(name));

		if (near != NULL)
			fault_at(r, line,
			    "there is no setting \"%.60s\": did you mean "
			    "\"%s\"?",
			    name, near);
		else
			fault_at(r, line,
			    "there is no setting \"%.60s\": "
			    "restante.conf(5) has all",
			    name);
		return;
	}
	v->is_set = true;
	v->line = line;
	if (v->row->type == SET_CERTS ||
	    (is_list_type(v->row->type) && config_setting_is_aggregate(s)))
		take_list(r, v, s);
	else if (scalar_text(s, v->row->type, num, &text))
		take_text(r, v, text);
	else
		fault_type(r, v);
	check_value(r, v);
}

static void
check_together(struct reader *r)
{
	const struct conf *c = r->conf;
	const char *prefix = conf_str(c, "namespace_prefix");
	char good[8];
	size_t total = 0;

	snprintf(good, sizeof(good), "INBOX%.1s", conf_str(c, "separator"));
	if (prefix[0] != '\0' && strcmp(prefix, good) != 0)
		fault_at(r, conf_line(c, "namespace_prefix"),
		    "namespace_prefix must be empty or \"%s\": INBOX and the "
		    "separator",
		    good);
	for (size_t i = 0; i < c->n_values; i++)
		for (size_t k = 0; k < c->values[i].n_strs; k++)
			total += 8 + slice_str(c->values[i].strs[k]).n;
	if (total > TOTAL_MAX)
		fault_at(r, 0, "the settings are longer than %u bytes in all",
		    TOTAL_MAX);
}

static struct conf *
read_tree(struct reader *r, config_t *tree)
{
	config_setting_t *root = config_root_setting(tree);
	struct conf *c = r->conf;
	const char *file = r->file;
	int n = config_setting_length(root);

	for (int i = 0; i < n; i++) {
		r->file = file;
		take_setting(r, config_setting_get_elem(root, (unsigned)i));
	}
	r->file = file;
	for (size_t i = 0; i < c->n_values; i++) {
		c->values[i].is_told = true;
		if (!c->values[i].is_set)
			take_default(r, &c->values[i]);
	}
	conf_make_certs(c);
	if (r->n_faults == 0)
		check_together(r);
	return c;
}

static struct conf *
read_string(struct reader *r, const char *text, const struct setting *more)
{
	config_t tree;

	r->conf = conf_new(more);
	config_init(&tree);
	if (config_read_string(&tree, text) != CONFIG_TRUE) {
		const char *where = config_error_file(&tree);
		int line = config_error_line(&tree);

		if (where != NULL)
			r->file = where;
		fault_at(r, line > 0 ? (unsigned)line : 0,
		    "%s: a setting is written name = value;",
		    config_error_text(&tree) == NULL ?
			"syntax error" :
			config_error_text(&tree));
	} else {
		(void)read_tree(r, &tree);
	}
	config_destroy(&tree);
	if (r->n_faults > 0) {
		conf_free(r->conf);
		r->conf = NULL;
	}
	return r->conf;
}

struct conf *
conf_read_text(const char *text, const struct setting *more,
    conf_fault_fn *fault, void *arg)
{
	struct reader r = { .file = "-", .fault = fault, .arg = arg };

	return read_string(&r, text, more);
}

/* All of the file in b; -1 and a fault told. */
static int
slurp(struct reader *r, bool must_exist, struct buf *b)
{
	struct stat st;
	ssize_t n;
	char *p;
	int fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1 && errno == ENOENT && !must_exist)
		return 0;
	if (fd == -1) {
		fault_at(r, 0, "cannot be opened: %s", strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		fault_at(r, 0, "is not a file");
		close(fd);
		return -1;
	}
	do {
		p = buf_reserve(b, IO_BLOCK);
		n = p == NULL ? 0 : read(fd, p, IO_BLOCK);
		if (n > 0)
			buf_commit(b, (size_t)n);
	} while (n > 0);
	close(fd);
	if (n == -1 || !buf_ok(b)) {
		fault_at(r, 0, "cannot be read, or is too long");
		return -1;
	}
	if (b->n > 0 && memchr(b->p, '\0', b->n) != NULL) {
		fault_at(r, 0, "holds a zero byte");
		return -1;
	}
	return 0;
}

struct conf *
conf_read(const char *file, bool must_exist, const struct setting *more,
    conf_fault_fn *fault, void *arg)
{
	struct reader r = { .file = file, .fault = fault, .arg = arg };
	struct conf *c = NULL;
	struct buf b;

	buf_init(&b, FILE_MAX);
	if (slurp(&r, must_exist, &b) == 0)
		c = read_string(&r, buf_cstr(&b), more);
	buf_free(&b);
	return c;
}
