/* SPDX-License-Identifier: ISC */
/* Decoding: of any bytes it gives valid UTF-8, of what we encoded the text;
 * base subjects and parameters too. plants: 21 */
#include <stdlib.h>

#include "libbase/ceilings.h"
#include "libmessage/encword.h"
#include "libmessage/param.h"
#include "libmessage/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_params(struct slice in)
{
	struct param_list list;
	struct arena arena;
	struct buf out;

	arena_init(&arena, 1 * MIB);
	buf_init(&out, 1 * MIB);
	param_parse(&arena, in, &list);
	if (list.n > MAX_PARAMS)
		abort();
	for (unsigned i = 0; i < list.n; i++) {
		struct slice name = list.v[i].name;
		char *base = arena_dup(&arena, name.p, name.n);

		if (base == NULL)
			break;
		for (size_t k = 0; k < name.n; k++)
			if (base[k] == '*')
				base[k] = '\0';
		(void)param_get(&list, base, &out);
	}
	if (!slice_is_utf8(buf_slice(&out)))
		abort();
	buf_free(&out);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);
	struct buf out, back;

	buf_init(&out, 1 * MIB);
	buf_init(&back, 1 * MIB);
	encword_decode(in, &out);
	if (buf_ok(&out) && !slice_is_utf8(buf_slice(&out)))
		abort();
	if (slice_is_utf8(in)) {
		buf_reset(&out);
		encword_encode(in, &out);
		encword_decode(buf_slice(&out), &back);
		if (buf_ok(&out) && !slice_eq(buf_slice(&back), in))
			abort();
	}
	buf_reset(&out);
	subject_base(in, &out, NULL);
	if (buf_ok(&out) && !slice_is_utf8(buf_slice(&out)))
		abort();
	check_params(in);
	buf_free(&out);
	buf_free(&back);
	return 0;
}
