/* SPDX-License-Identifier: ISC */
/* A row that a dialogue uses, without a line in the manual. */
static const struct pop3_verb verbs[] = {
	{ .name = "UIDL", .step = uidl_step },
};
