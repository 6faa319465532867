/* SPDX-License-Identifier: ISC */
/* Certificates and keys: read by the parent, checked, handed on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libbase/clock.h"
#include "libbase/mem.h"
#include "libnet/tls_key.h"
#include "libserver/family_parent.h"

/* What KEY and CERT carry at most. */
#define CHAIN_MAX 122000u
#define KEY_MAX   65000u

static int
slurp(const char *path, struct buf *b, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;
	char *p;

	if (fd == -1)
		return err_sys(err, "%s cannot be opened", path);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_INVALID, "%s is not a file", path);
	}
	do {
		p = buf_reserve(b, 4096);
		if (p == NULL)
			break;
		n = read(fd, p, 4096);
		if (n > 0)
			buf_commit(b, (size_t)n);
	} while (n > 0);
	close(fd);
	if (n == -1 && buf_ok(b))
		return err_sys(err, "%s cannot be read", path);
	if (!buf_ok(b))
		return err_set(err, ERR_LIMIT, "%s is too long", path);
	return 0;
}

static int
check_pair(
    const struct cert *cert, const struct conf_cert *paths, struct err *err)
{
	struct tls_cert_info info;
	struct tls_key *key;
	int r;

	if (tls_cert_read(buf_slice(&cert->chain), &info, err) == -1)
		return err_context(err, "%s", paths->certificate);
	if (info.not_after < (int64_t)clock_now())
		log_warn(0, "certificate has expired", "file",
		    paths->certificate, NULL);
	tls_cert_info_free(&info);
	key = tls_key_load(buf_slice(&cert->key), err);
	if (key == NULL)
		return err_context(err, "%s", paths->key);
	r = tls_cert_check_key(buf_slice(&cert->chain), key, err);
	tls_key_free(&key);
	if (r == -1)
		return err_context(
		    err, "%s and %s", paths->certificate, paths->key);
	return 0;
}

static int
read_one(struct cert *cert, const struct conf_cert *paths, struct err *err)
{
	if (slurp(paths->certificate, &cert->chain, err) == -1 ||
	    slurp(paths->key, &cert->key, err) == -1)
		return -1;
	return check_pair(cert, paths, err);
}

int
certs_read(const char *file, const struct conf *c, uint64_t last_id,
    struct certs *out, conf_fault_fn *fault, void *arg)
{
	const struct conf_cert *paths;
	size_t n = conf_certs(c, &paths);
	struct certs certs = { xcalloc(n + 1, sizeof(struct cert)), n };
	struct err err;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		certs.v[i].id = last_id + 1 + i;
		buf_init(&certs.v[i].chain, CHAIN_MAX);
		buf_init(&certs.v[i].key, KEY_MAX);
		if (read_one(&certs.v[i], &paths[i], &err) == -1) {
			fault(
			    arg, file, conf_line(c, "certificates"), err.text);
			r = -1;
		}
	}
	if (r == -1)
		certs_free(&certs);
	*out = certs;
	return r;
}

void
certs_free(struct certs *certs)
{
	for (size_t i = 0; i < certs->n; i++) {
		buf_free(&certs->v[i].chain);
		buf_wipe(&certs->v[i].key);
	}
	xfree(certs->v);
	*certs = (struct certs){ 0 };
}
