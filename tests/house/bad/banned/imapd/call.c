/* SPDX-License-Identifier: ISC */
/* A call that is not made. */
static void
copy(char *to, const char *from)
{
	strcpy(to, from);
}
