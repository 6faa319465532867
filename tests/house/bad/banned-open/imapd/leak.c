/* SPDX-License-Identifier: ISC */
/* A descriptor that a child would inherit. */
static int
look(const char *path)
{
	return open(path, O_RDONLY /* no O_CLOEXEC */);
}
