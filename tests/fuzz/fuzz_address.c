/* SPDX-License-Identifier: ISC */
/* Addresses: a list of any bytes is printed in a form that reads the same
 * again; so is an SMTP path. plants: 20 */
#include <stdlib.h>
#include <string.h>

#include "libmessage/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
is_nil(struct slice s)
{
	return s.p == NULL;
}

/* Groups are closed, structures are as address.h says. */
static void
check_list(const struct address_list *list)
{
	unsigned n = 0;
	bool in_group = false;

	for (const struct address *a = list->first; a != NULL; a = a->next) {
		if (a->kind == ADDRESS_MAILBOX) {
			if (is_nil(a->mailbox) || is_nil(a->host))
				abort();
		} else {
			if (in_group != (a->kind == ADDRESS_GROUP_END) ||
			    !is_nil(a->host))
				abort();
			in_group = !in_group;
		}
		if (a->next == NULL && a != list->last)
			abort();
		n++;
	}
	if (in_group || n != list->n || n > MAX_ADDRESSES + 1)
		abort();
}

static bool
is_simple(struct slice s, const char *more)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    (s.p[i] == '\0' || strchr(more, s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

/* A mailbox of printable characters has the same parts when it is read from
 * what was printed. */
static void
check_print(struct arena *arena, const struct address *a)
{
	struct address_list again = { 0 };
	struct buf text;

	if (!is_simple(a->mailbox, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") ||
	    !is_simple(a->host, "-.") ||
	    (a->name.p != NULL && !slice_is_ascii(a->name)))
		return;
	buf_init(&text, 1 * MIB);
	address_put(&text, a->name, a->mailbox, a->host);
	address_parse(arena, buf_slice(&text), &again);
	if (!arena->failed &&
	    (again.n != 1 || !slice_eq(again.first->mailbox, a->mailbox) ||
		!slice_eq(again.first->host, a->host)))
		abort();
	buf_free(&text);
}

static void
check_path(struct slice in)
{
	struct address_path path, again;
	struct err err;
	struct buf text;
	unsigned flags = ADDRESS_UTF8 | ADDRESS_NULL | ADDRESS_POSTMASTER;

	if (address_parse_path(in, flags, &path, &err) < 0)
		return;
	if (path.used > in.n || path.is_null != (path.used == 2))
		abort();
	buf_init(&text, KIB);
	buf_putc(&text, '<');
	address_put_path(&text, &path);
	buf_putc(&text, '>');
	if (address_parse_path(buf_slice(&text), flags, &again, &err) < 0 ||
	    strcmp(path.local, again.local) != 0 ||
	    strcmp(path.domain, again.domain) != 0)
		abort();
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct address_list list = { 0 };
	struct arena arena;

	arena_init(&arena, MAX_MESSAGE_ARENA);
	address_parse(&arena, slice_of(data, n), &list);
	check_list(&list);
	for (const struct address *a = list.first; a != NULL; a = a->next)
		if (a->kind == ADDRESS_MAILBOX)
			check_print(&arena, a);
	check_path(slice_of(data, n));
	arena_free(&arena);
	return 0;
}
