/* SPDX-License-Identifier: ISC */
/* Folder names: each name on disk has one client name that leads back to it,
 * each new name is shown as it was made. plants: 36 */
#include <stdlib.h>
#include <string.h>

#include "libmaildir/foldername.h"
#include "libmaildir/listmatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct foldername_conf confs[] = {
	{ '/', false, 32, { "", 0 } },
	{ '/', true, 32, { "", 0 } },
	{ '.', false, 32, { "INBOX.", 6 } },
	{ '.', true, 32, { "", 0 } },
};

static void
from_disk(const struct foldername_conf *c, struct slice disk)
{
	struct foldername back;
	struct err e;
	struct buf client;

	if (disk.n > MAX_FILE_NAME || slice_find(disk, '/') >= 0 ||
	    slice_find(disk, '\0') >= 0)
		return;
	buf_init(&client, 64 * KIB);
	if (foldername_to_client(c, disk, &client) == 1) {
		if (foldername_to_disk(
			c, buf_slice(&client), FOLDERNAME_OLD, &back, &e) < 0 ||
		    !slice_eq(slice_of(back.s, back.n), disk))
			abort();
		if (!slice_is_utf8(buf_slice(&client)) ||
		    !listmatch(
			buf_slice(&client), buf_slice(&client), c->separator))
			abort();
	}
	buf_free(&client);
}

static void
from_client(const struct foldername_conf *c, struct slice client)
{
	struct foldername disk, again;
	struct err e;
	struct buf shown;

	if (foldername_to_disk(c, client, FOLDERNAME_NEW, &disk, &e) < 0)
		return;
	buf_init(&shown, 64 * KIB);
	if (disk.n > MAX_FILE_NAME || strlen(disk.s) != disk.n ||
	    strchr(disk.s, '/') != NULL ||
	    foldername_to_client(c, slice_of(disk.s, disk.n), &shown) != 1 ||
	    foldername_to_disk(
		c, buf_slice(&shown), FOLDERNAME_OLD, &again, &e) < 0 ||
	    strcmp(again.s, disk.s) != 0)
		abort();
	/* but for a separator at the end and the case of INBOX, as it was */
	if (!slice_ieq(slice_head(client, shown.n), buf_slice(&shown)) ||
	    client.n > shown.n + 1)
		abort();
	buf_free(&shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct foldername_conf *c;

	if (n == 0)
		return 0;
	c = &confs[data[0] % N_ELEMENTS(confs)];
	from_disk(c, slice_of(data + 1, n - 1));
	from_client(c, slice_of(data + 1, n - 1));
	return 0;
}
