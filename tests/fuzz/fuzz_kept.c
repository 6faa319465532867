/* SPDX-License-Identifier: ISC */
/*
 * What is kept of messages. A record may hold anything: nothing outside it is
 * read. A header makes records that say what the header says.
 * plants: 53 59
 */
#include <stdlib.h>
#include <string.h>

#include "imapd/fetch_section.h"
#include "imapd/kept_fields.h"
#include "imapd/kept_keys.h"
#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libmessage/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = { "Subject", "To", "X-Long-Name", "a" };

/* Any record of these names. */
static void
read_fields(const struct kept_names *names, char *p, size_t n)
{
	const struct kept_set want = { .bits = { 5, 0, 0, UINT64_MAX } };
	struct kept_fields f;
	struct slice field;
	struct buf out;
	unsigned i = 0, name;
	size_t off = 0, sum = 0;

	if (n >= 4)
		memcpy(p, &names->hash, 4);
	if (!kept_fields_open(&f, names, slice_of(p, n)))
		return;
	buf_init(&out, MIB);
	kept_fields_put(&f, &want, &out);
	if (out.n != kept_fields_octets(&f, &want))
		abort();
	while (kept_fields_next(&f, &i, &off, &name, &field))
		sum += field.n;
	if (sum != f.bytes.n)
		abort();
	buf_free(&out);
}

/* Reads all of it. */
static size_t
hash_of(struct slice s)
{
	size_t h = 1, i;

	for (i = 0; i < s.n; i++)
		h = h * 31 + (unsigned char)s.p[i];
	return h;
}

static void
read_keys(char *p, size_t n)
{
	const uint32_t print = 77;
	struct sort_record rec = { 0 };
	struct kept_keys k;
	struct slice texts, text;
	unsigned i;
	size_t sum = 0;

	if (n >= 4)
		memcpy(p, &print, 4);
	if (!kept_keys_open(&k, print, slice_of(p, n)))
		return;
	kept_keys_sort(&k, &rec);
	for (i = 0; i < SORT_TEXTS; i++)
		sum += hash_of(rec.text[i]);
	sum += hash_of(rec.id) + hash_of(rec.references);
	for (i = 0; i < KEPT_TEXTS; i++) {
		(void)kept_keys_text(&k, i, &texts);
		while (kept_text_next(&texts, &text))
			sum += hash_of(text);
	}
	if (sum == SIZE_MAX)
		abort();
}

/* Kept and told, against told. */
static void
make_fields(const struct kept_names *names, struct slice header)
{
	struct imap_arg arg[2] = {
		{ .kind = ARG_ATOM, .text = SLICE("subject"), .next = &arg[1] },
		{ .kind = ARG_ATOM, .text = SLICE("X-LONG-NAME") },
	};
	const struct fetch_section section = { .what = SECTION_FIELDS,
		.fields = arg };
	struct kept_fields_maker m;
	struct kept_set want = { 0 };
	struct kept_fields f;
	struct header_iter it;
	struct header_field field;
	struct buf record, kept, told;

	buf_init(&record, MIB);
	buf_init(&kept, MIB);
	buf_init(&told, MIB);
	kept_fields_init(&m, names);
	kept_fields_begin(&m);
	header_begin(&it, header);
	while (header_next(&it, &field))
		if (field.name.n > 0)
			kept_fields_add(&m, field.name, field.raw);
	kept_set_add(&want, 0);
	kept_set_add(&want, 2);
	if (kept_fields_end(&m, &record)) {
		if (!kept_fields_open(&f, names, buf_slice(&record)))
			abort();
		kept_fields_put(&f, &want, &kept);
		section_put_fields(&section, header, &told);
		if (!slice_eq(buf_slice(&kept), buf_slice(&told)))
			abort();
	}
	kept_fields_free(&m);
	buf_free(&record);
	buf_free(&kept);
	buf_free(&told);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kept_names names;
	char *copy;

	if (size == 0 || size > 60000)
		return 0;
	kept_names_init(&names, words, N_ELEMENTS(words));
	copy = xmalloc(size - 1); /* exactly: what is read behind it shows */
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 3 == 0)
		read_fields(&names, copy, size - 1);
	else if (data[0] % 3 == 1)
		read_keys(copy, size - 1);
	else
		make_fields(&names, slice_of(copy, size - 1));
	xfree(copy);
	return 0;
}
