/* SPDX-License-Identifier: ISC */
/* Exported, but nobody else wants it. */
int
alone(void)
{
	return 0;
}

static int
user(void)
{
	return alone();
}
