/* SPDX-License-Identifier: ISC */
/* Walking and asking the tree of parts. */
#include "libmessage/mime.h"

const struct mime_part *
mime_part_next(const struct mime_part *part)
{
	if (part->first != NULL)
		return part->first;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part == NULL ? NULL : part->next;
}

/* Part n of what has parts: a multipart, or a message that is not (then n is 1
 * and it is the message itself). */
static const struct mime_part *
numbered(const struct mime_part *in, uint32_t n)
{
	const struct mime_part *p = in->first;

	if (!in->is_multipart)
		return n == 1 ? in : NULL;
	while (p != NULL && p->number != n)
		p = p->next;
	return p;
}

const struct mime_part *
mime_part_find(const struct mime_part *root, struct slice section)
{
	const struct mime_part *part = root, *in = root;
	struct slice number;
	uint32_t n;
	bool more = section.n > 0;

	while (more) {
		if (in == NULL)
			return NULL;
		more = slice_cut(&section, '.', &number);
		if (slice_u32(number, MAX_MIME_PARTS, &n) < 0)
			return NULL;
		part = numbered(in, n);
		if (part == NULL)
			return NULL;
		/* Numbers below it: those of the message within, or of its
		 * own parts. */
		in = part->is_message  ? part->first :
		    part->is_multipart ? part :
					 NULL;
	}
	return part;
}

const struct mime_part *
mime_part_message(const struct mime_part *part)
{
	return part->is_message ? part->first : NULL;
}

bool
mime_part_is(
    const struct mime_part *part, const char *type, const char *subtype)
{
	return slice_ieq_str(part->type, type) &&
	    (subtype == NULL || slice_ieq_str(part->subtype, subtype));
}

bool
mime_part_filename(const struct mime_part *part, struct buf *out)
{
	return param_get(&part->disposition_params, "filename", out) ||
	    param_get(&part->params, "name", out);
}
