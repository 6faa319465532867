/* SPDX-License-Identifier: ISC */
/*
 * The text of pop3_uidl_format, taken apart: what the configuration is checked
 * with, and what pop3d makes UIDLs of. Letters and modifiers are Dovecot's:
 *	%u UID, %v UIDVALIDITY, %f file name, %g GUID, %% a percent sign
 *	between: 0 and a width (zeros in front), X hexadecimal, L or U case
 *	%{uid | hex(8)}, %{uidvalidity}, %{filename}, %{guid}: the same, longer
 */
#ifndef LIBSERVER_UIDL_FORMAT_H
#define LIBSERVER_UIDL_FORMAT_H

#include "libbase/slice.h"

#define MAX_UIDL_WIDTH 64

struct uidl_item {
	char what;         /* u, v, f, g; 0: text as it stands */
	struct slice text; /* of 0 */
	unsigned width;    /* zeros in front up to here */
	bool hex;          /* lower case letters, as Dovecot writes them */
	bool upper, lower;
};

/* The next item of *rest. 1, 0 at the end, or -1: *why_out says what is wrong
 * with what *rest begins with. */
int uidl_format_next(
    struct slice *rest, struct uidl_item *out, const char **why_out) MUST_CHECK;
/* NULL, or what is wrong with it. Right: every item is, and one of u, f, g is
 * there, without which all messages would have one UIDL. */
const char *uidl_format_fault(struct slice format);

#endif
