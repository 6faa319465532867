/* SPDX-License-Identifier: ISC */
/* An item that no dialogue fetches. */
static const struct fetch_item items[] = {
	{ .name = "RFC822.SIZE", .put = put_size },
};
