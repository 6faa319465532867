/* SPDX-License-Identifier: ISC */
/* A row that nobody has heard of. */
static const struct smtp_verb verbs[] = {
	{ .name = "VRFY", .step = vrfy_step },
};
