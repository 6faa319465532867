/* SPDX-License-Identifier: ISC */
/* What is inside a struct conf: for the conf files alone. */
#ifndef LIBSERVER_CONF_STORE_H
#define LIBSERVER_CONF_STORE_H

#include "libserver/conf.h"

struct conf_value {
	const struct setting *row;
	bool is_told; /* to this role; else it may not be asked for */
	bool is_set;  /* written in the file */
	unsigned line;
	uint64_t num, num_hi; /* BOOL NUMBER SIZE DURATION; UIDS low, high */
	char **strs;          /* NULL-terminated, owned */
	size_t n_strs;
};

struct conf {
	const struct setting *more;
	struct conf_value *values; /* one a row: common, then more */
	size_t n_values;
	struct conf_cert *certs; /* pointing into strs of certificates */
	size_t n_certs;
};

/* Put one word in place of a value: what the command line says. */
void conf_set_word(struct conf *c, const char *name, const char *word);
/* All rows there, none told, empty. */
struct conf *conf_new(const struct setting *more);
struct conf_value *conf_value_of(const struct conf *c, struct slice name);
void conf_value_add(struct conf_value *v, struct slice text);
/* Members of SET_CERTS come in pairs; make conf_certs of them. */
void conf_make_certs(struct conf *c);

#endif
