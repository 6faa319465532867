/* SPDX-License-Identifier: ISC */
/* A system call on mail that is not in io.c. */
static int
gone(const char *path)
{
	return unlink(path);
}
