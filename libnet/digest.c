/* SPDX-License-Identifier: ISC */
/* SHA-256 of a stream of bytes. */
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "libnet/digest.h"

int
digest_begin(struct digest *d, struct err *err)
{
	gnutls_hash_hd_t h;
	int rc = gnutls_hash_init(&h, GNUTLS_DIG_SHA256);

	if (rc < 0)
		return err_set(
		    err, ERR_TEMP, "sha256: %s", gnutls_strerror(rc));
	d->handle = h;
	return 0;
}

int
digest_add(struct digest *d, struct slice bytes, struct err *err)
{
	int rc = bytes.n == 0 ? 0 : gnutls_hash(d->handle, bytes.p, bytes.n);

	if (rc < 0)
		return err_set(
		    err, ERR_TEMP, "sha256: %s", gnutls_strerror(rc));
	return 0;
}

void
digest_end(struct digest *d, uint8_t out[DIGEST_SHA256_BYTES])
{
	gnutls_hash_deinit(d->handle, out);
	d->handle = NULL;
}

void
digest_drop(struct digest *d)
{
	if (d->handle != NULL)
		gnutls_hash_deinit(d->handle, NULL);
	d->handle = NULL;
}
