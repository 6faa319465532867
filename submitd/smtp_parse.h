/* SPDX-License-Identifier: ISC */
/* One SMTP command line: verb, path, parameters (RFC 5321 4.1.1, 4.1.2). Pure.
 */
#ifndef SUBMITD_SMTP_PARSE_H
#define SUBMITD_SMTP_PARSE_H

#include "libbase/slice.h"
#include "libmessage/address.h"

#define SMTP_MAX_PARAMS 16

struct smtp_param {
	struct slice key, value;
	bool has_value;
};

struct smtp_line {
	struct slice verb; /* as written */
	struct slice args; /* without the blank before and blanks at the end */
};

/* Cut a line (without CRLF) into verb and arguments. False when it holds
 * control bytes or no verb. */
bool smtp_parse_line(struct slice line, struct smtp_line *out);

struct smtp_path_args {
	struct address_path path;
	struct smtp_param params[SMTP_MAX_PARAMS];
	unsigned n_params;
};

/* The arguments of MAIL ("FROM:") and RCPT ("TO:"): keyword, path, parameters
 * esmtp-keyword["=" esmtp-value]. 0, or -1 with ERR_INVALID, ERR_LIMIT (path or
 * parameters too long) or ERR_UNSUPPORTED (needs SMTPUTF8). */
int smtp_parse_path_args(struct slice args, const char *keyword,
    unsigned address_flags, struct smtp_path_args *out,
    struct err *err) MUST_CHECK;

/* A name for EHLO: a domain or an address literal; kindly also underscores. */
bool smtp_is_helo(struct slice name);

#endif
