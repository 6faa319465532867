/* SPDX-License-Identifier: ISC */
/* An argument tree as one line of text, for tests and fuzzing. */
#ifndef TESTS_IMAP_TREE_H
#define TESTS_IMAP_TREE_H

#include "imapd/imap_input.h"

/* atom, "quoted", {literal}, (list), atom[section]<suffix>. No recursion: the
 * way back lies in a stack of MAX_NESTING. */
static inline void
tree_text(const struct imap_arg *a, struct buf *b)
{
	const struct imap_arg *up[MAX_NESTING + 1];
	unsigned depth = 0;

	for (;;) {
		while (a == NULL && depth > 0) {
			a = up[--depth];
			buf_putc(b, a->kind == ARG_LIST ? ')' : ']');
			buf_put_slice(b, a->suffix);
			a = a->next;
			if (a != NULL)
				buf_putc(b, ' ');
		}
		if (a == NULL)
			return;
		if (a->kind == ARG_QUOTED)
			buf_putc(b, '"');
		else if (a->kind == ARG_LITERAL)
			buf_putc(b, '{');
		buf_put_slice(b, a->text);
		if (a->kind == ARG_QUOTED)
			buf_putc(b, '"');
		else if (a->kind == ARG_LITERAL)
			buf_putc(b, '}');
		if (a->kind == ARG_LIST || a->has_section) {
			buf_putc(b, a->kind == ARG_LIST ? '(' : '[');
			up[depth++] = a;
			a = a->child;
			continue;
		}
		a = a->next;
		if (a != NULL)
			buf_putc(b, ' ');
	}
}

#endif
