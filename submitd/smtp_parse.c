/* SPDX-License-Identifier: ISC */
/* One SMTP command line cut into its parts. */
#include "submitd/smtp_parse.h"

bool
smtp_parse_line(struct slice line, struct smtp_line *out)
{
	size_t i;
	ptrdiff_t blank;

	for (i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
#if PLANT == 72
	while (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t')
		line.n--;
#else
	while (line.n > 0 &&
	    (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
		line.n--;
#endif
	blank = slice_find(line, ' ');
	out->verb = blank == -1 ? line : slice_head(line, (size_t)blank);
	out->args =
	    blank == -1 ? SLICE_NONE : slice_from(line, (size_t)blank + 1);
	return out->verb.n > 0;
}

/* RFC 5321 4.1.2: esmtp-keyword is ALPHA or DIGIT, then those and "-". */
static bool
is_keyword(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    (i == 0 || s.p[i] != '-'))
			return false;
	return s.n > 0;
}

static int
parse_params(struct slice rest, struct smtp_path_args *out, struct err *err)
{
	while (rest.n > 0) {
		struct smtp_param *p;
		struct slice word;
		ptrdiff_t eq;

		slice_cut(&rest, ' ', &word);
		if (word.n == 0)
			continue;
		if (out->n_params == SMTP_MAX_PARAMS)
			return err_set(err, ERR_LIMIT, "too many parameters");
		p = &out->params[out->n_params++];
		eq = slice_find(word, '=');
		p->has_value = eq != -1;
		p->key = eq == -1 ? word : slice_head(word, (size_t)eq);
		p->value =
		    eq == -1 ? SLICE_NONE : slice_from(word, (size_t)eq + 1);
		if (!is_keyword(p->key) || (p->has_value && p->value.n == 0))
			return err_set(err, ERR_INVALID, "bad parameter");
	}
	return 0;
}

int
smtp_parse_path_args(struct slice args, const char *keyword,
    unsigned address_flags, struct smtp_path_args *out, struct err *err)
{
	struct slice rest = args;

	out->n_params = 0;
	if (!slice_istarts(rest, keyword))
		return err_set(err, ERR_INVALID, "no %s", keyword);
	rest = slice_from(rest, slice_str(keyword).n);
	/* RFC 5321 allows no blank here; clients send one */
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = slice_from(rest, 1);
	if (address_parse_path(rest, address_flags, &out->path, err) == -1)
		return -1;
	rest = slice_from(rest, out->path.used);
	if (rest.n > 0 && rest.p[0] != ' ')
		return err_set(err, ERR_INVALID, "text behind the path");
	return parse_params(rest, out, err);
}

bool
smtp_is_helo(struct slice name)
{
	size_t i;

	if (name.n == 0 || name.n > 255)
		return false;
	for (i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '.' &&
		    c != '-' && c != '_' && c != ':' && c != '[' && c != ']')
			return false;
	}
	return true;
}
