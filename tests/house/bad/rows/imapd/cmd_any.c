/* SPDX-License-Identifier: ISC */
/* A row that the manual names, without a dialogue. */
const struct imap_verb imap_verbs_any[] = {
	{ .name = "NOOP", .step = noop_step },
};
