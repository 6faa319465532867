/* SPDX-License-Identifier: ISC */
/* Exported, but nobody else wants it. */
int alone(void);
