/* SPDX-License-Identifier: ISC */
/* Records of folders that are there no more go out of the index. */
#include <stdlib.h>

#include "libbase/mem.h"
#include "libmaildir/index.h"
#include "libmaildir/io.h"
#include "libmaildir/remember.h"
#include "libmaildir/store.h"

struct sweep {
	uint64_t *known, *stale;
	size_t n_known, n_stale;
};

static void
push(uint64_t **v, size_t *n, uint64_t inode)
{
	if ((*n & (*n - 1)) == 0)
		*v = xreallocarray(*v, 2 * *n + 1, sizeof **v);
	(*v)[(*n)++] = inode;
}

static int
by_inode(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
on_folder(void *arg, const char *name, unsigned char d_type, uint64_t inode)
{
	struct sweep *s = arg;

	(void)d_type;
	if (name[0] == '.')
		push(&s->known, &s->n_known, inode);
	return 0;
}

static bool
on_head(void *arg, uint64_t box, struct slice head)
{
	struct sweep *s = arg;

	(void)head;
	if (box != INDEX_USER &&
	    bsearch(&box, s->known, s->n_known, sizeof box, by_inode) == NULL)
		push(&s->stale, &s->n_stale, box);
	return true;
}

/* What was deleted, by whomever, leaves its records behind. */
void
remember_sweep(struct mailboxes *ms)
{
	struct sweep s = { 0 };
	struct stat root;
	size_t i;
	int fd;

	if (ms->store == NULL)
		return;
	fd = store_mail_fd(ms->store);
	if (io_fstat(fd, &root) == 0 && io_list_ino(fd, on_folder, &s) == 0) {
		push(&s.known, &s.n_known, root.st_ino);
		qsort(s.known, s.n_known, sizeof *s.known, by_inode);
		(void)index_heads(ms->index, on_head, &s);
	}
	for (i = 0; i < s.n_stale; i++)
		index_drop_box(ms->index, s.stale[i]);
	xfree(s.known);
	xfree(s.stale);
}
