/* SPDX-License-Identifier: ISC */
/*
 * The client of the benchmarks: costs little beside what it measures. It does
 * not parse answers, it only finds their end, and prints nanoseconds and bytes.
 *
 *   mailload talk PORT CA|-      commands on standard input, see talk()
 *   mailload logins PORT CA|- CLIENTS MS USERS PASSWORD
 *   mailload appends PORT CA|- CLIENTS MS SIZE USER PASSWORD MAILBOX
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#define BLOCK   (256 * 1024)
#define KEEP    512 /* of what came before: the last line may begin there */
#define LATENCY 100000

static gnutls_certificate_credentials_t trust; /* NULL: plain */
static uint16_t port;

struct client {
	int fd;
	gnutls_session_t tls;
	uint64_t bytes;
	size_t n; /* in buf */
	char buf[KEEP + BLOCK];
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
client_open(struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, r;

	c->n = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 || connect(c->fd, (void *)&a, sizeof(a)) == -1)
		err(1, "connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->tls = NULL;
	if (trust == NULL)
		return;
	if (gnutls_init(&c->tls, GNUTLS_CLIENT) < 0 ||
	    gnutls_set_default_priority(c->tls) < 0 ||
	    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, trust) < 0 ||
	    gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, "localhost", 9) < 0)
		errx(1, "TLS");
	gnutls_session_set_verify_cert(c->tls, "localhost", 0);
	gnutls_transport_set_int(c->tls, c->fd);
	do
		r = gnutls_handshake(c->tls);
	while (r < 0 && gnutls_error_is_fatal(r) == 0);
	if (r < 0)
		errx(1, "TLS: %s", gnutls_strerror(r));
}

static void
client_close(struct client *c)
{
	if (c->tls != NULL)
		gnutls_deinit(c->tls);
	(void)close(c->fd);
}

static void
client_send(struct client *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = c->tls != NULL ? gnutls_record_send(c->tls, p, n) :
					     send(c->fd, p, n, MSG_NOSIGNAL);

		if (k == GNUTLS_E_AGAIN || k == GNUTLS_E_INTERRUPTED)
			continue;
		if (k <= 0)
			errx(1, "closed while sending");
		p += k;
		n -= (size_t)k;
	}
}

/* The next bytes, behind the last few of before. */
static size_t
client_fill(struct client *c)
{
	ssize_t k;

	if (c->n > KEEP) {
		memmove(c->buf, c->buf + c->n - KEEP, KEEP);
		c->n = KEEP;
	}
	do
		k = c->tls != NULL ?
		    gnutls_record_recv(c->tls, c->buf + c->n, BLOCK) :
		    recv(c->fd, c->buf + c->n, BLOCK, 0);
	while (k == GNUTLS_E_AGAIN || k == GNUTLS_E_INTERRUPTED);
	if (k <= 0)
		errx(1, "closed: %.*s", (int)c->n, c->buf);
	c->n += (size_t)k;
	c->bytes += (uint64_t)k;
	return (size_t)k;
}

/* The last line, if it is whole and its beginning is there. */
static const char *
last_line(const struct client *c)
{
	const char *lf;

	if (c->n == 0 || c->buf[c->n - 1] != '\n')
		return NULL;
	lf = memrchr(c->buf, '\n', c->n - 1);
	if (lf != NULL)
		return lf + 1;
	return c->n <= KEEP ? c->buf : NULL;
}

/* Read until the last line begins with word; nothing comes after it. */
static const char *
await_line(struct client *c, const char *word)
{
	size_t n = strlen(word);

	c->n = 0;
	for (;;) {
		const char *p;

		(void)client_fill(c);
		p = last_line(c);
		if (p != NULL && (size_t)(c->buf + c->n - p) > n &&
		    memcmp(p, word, n) == 0)
			return p;
	}
}

static void
await_ok(struct client *c, const char *word)
{
	const char *p = await_line(c, word);
	size_t n = strlen(word);

	if (strncmp(p + n, "OK", 2) != 0)
		errx(2, "%.*s", (int)(c->buf + c->n - p - 1), p);
}

/* Read until n answers of many lines have ended (RFC 1939, section 3). */
static void
await_dots(struct client *c, unsigned n)
{
	size_t seen = 0; /* searched */

	c->n = 0;
	while (n > 0) {
		size_t had = c->n > KEEP ? c->n - KEEP : 0;
		const char *p;

		(void)client_fill(c);
		seen = seen > had ? seen - had : 0;
		while (n > 0 &&
		    (p = memmem(c->buf + seen, c->n - seen, "\r\n.\r\n", 5)) !=
			NULL) {
			n--;
			seen = (size_t)(p - c->buf) + 3;
		}
		if (n > 0 && c->n > 4 && seen < c->n - 4)
			seen = c->n - 4;
	}
}

static void __attribute__((format(printf, 2, 3)))
client_print(struct client *c, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		errx(1, "line too long");
	client_send(c, line, (size_t)n);
}

static void
login(struct client *c, const char *user, const char *password)
{
	client_open(c);
	(void)await_line(c, "* OK");
	client_print(c, "t LOGIN %s %s\r\n", user, password);
	await_ok(c, "t ");
}

/* --- one connection, told what to do ---------------------------------------
 */
struct batch { /* commands that leave together */
	char text[64 * 1024];
	size_t n;
};

/* Add a command: %d is its number, %s a sign that alternates. */
static void
batch_add(struct batch *b, const char *tag, const char *text, unsigned number)
{
	size_t most = sizeof(b->text);

	b->n += (size_t)snprintf(b->text + b->n, most - b->n, "%s", tag);
	for (; *text != '\0' && b->n + 16 < most; text++) {
		if (text[0] == '%' && text[1] == 'd')
			b->n += (size_t)snprintf(
			    b->text + b->n, most - b->n, "%u", number);
		else if (text[0] == '%' && text[1] == 's')
			b->text[b->n++] = "-+"[number % 2];
		else
			b->text[b->n++] = *text;
		if (text[0] == '%' && (text[1] == 'd' || text[1] == 's'))
			text++;
	}
	b->text[b->n++] = '\r';
	b->text[b->n++] = '\n';
}

/* N commands of IMAP, so many at a time. */
static void
do_imap(struct client *c, unsigned n, unsigned depth, const char *text)
{
	static struct batch b;

	for (unsigned i = 1; i <= n; i += depth) {
		unsigned last = i + depth - 1 < n ? i + depth - 1 : n;

		b.n = 0;
		for (unsigned k = i; k <= last; k++)
			batch_add(&b, k == last ? "t " : "p ", text, k);
		client_send(c, b.text, b.n);
		await_ok(c, "t ");
	}
}

static void
do_pop(struct client *c, unsigned n, unsigned depth, bool is_multi,
    const char *text)
{
	static struct batch b;

	for (unsigned i = 1; i <= n; i += depth) {
		unsigned last = i + depth - 1 < n ? i + depth - 1 : n;

		b.n = 0;
		for (unsigned k = i; k <= last; k++)
			batch_add(&b, "", text, k);
		client_send(c, b.text, b.n);
		if (is_multi)
			await_dots(c, last - i + 1);
		else
			(void)await_line(c, "+OK");
	}
}

/* A message of about so many bytes, in lines. */
static char *
make_message(size_t size)
{
	static const char head[] =
	    "From: bench@example.test\r\nSubject: a\r\n\r\n";
	char *p = malloc(size + sizeof(head) + 1);
	size_t n = sizeof(head) - 1;

	if (p == NULL)
		err(1, NULL);
	memcpy(p, head, n);
	for (; n < size; n++)
		p[n] = n % 78 == 76 ? '\r' : n % 78 == 77 ? '\n' : 'y';
	p[n - 2] = '\r';
	p[n - 1] = '\n';
	p[n] = '\0';
	return p;
}

/* One APPEND of several messages; sync: each waits for its go-ahead. */
static void
append(struct client *c, const char *mailbox, const char *text, bool sync,
    unsigned multi)
{
	size_t size = strlen(text);

	client_print(c, "t APPEND %s", mailbox);
	for (unsigned i = 0; i < multi; i++) {
		client_print(c, " {%zu%s}\r\n", size, sync ? "" : "+");
		if (sync)
			(void)await_line(c, "+");
		client_send(c, text, size);
	}
	client_send(c, "\r\n", 2);
	await_ok(c, "t ");
}

static void
do_append(struct client *c, unsigned n, size_t size, bool sync, unsigned multi,
    const char *mailbox)
{
	char *text = make_message(size);

	for (unsigned i = 0; i < n; i++)
		append(c, mailbox, text, sync, multi);
	free(text);
}

static void
talk_line(struct client *c, char *line)
{
	unsigned n, depth, flag, multi;
	size_t size;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "open ", 5) == 0) {
		client_open(c);
		(void)await_line(c, line + 5);
	} else if (sscanf(line, "imap %u %u %n", &n, &depth, &at) == 2) {
		do_imap(c, n, depth, line + at);
	} else if (sscanf(line, "pop %u %u %u %n", &n, &depth, &flag, &at) ==
	    3) {
		do_pop(c, n, depth, flag != 0, line + at);
	} else if (sscanf(line, "append %u %zu %u %u %n", &n, &size, &flag,
		       &multi, &at) == 4) {
		do_append(c, n, size, flag != 0, multi, line + at);
	} else {
		errx(1, "unknown: %s", line);
	}
}

static int
talk(void)
{
	struct client *c = calloc(1, sizeof(*c));
	char *line = NULL;
	size_t cap = 0;

	if (c == NULL)
		err(1, NULL);
	while (getline(&line, &cap, stdin) > 0) {
		uint64_t from = now_ns(), bytes = c->bytes;

		talk_line(c, line);
		printf("%" PRIu64 " %" PRIu64 "\n", now_ns() - from,
		    c->bytes - bytes);
		(void)fflush(stdout);
	}
	client_close(c);
	free(line);
	free(c);
	return 0;
}

/* --- many connections ------------------------------------------------------
 */
struct worker {
	pthread_t thread;
	unsigned first, step;
	uint64_t end;
	const char *user, *password, *mailbox, *text;
	unsigned n_users;
	unsigned done;
	uint64_t *took; /* the first LATENCY of them */
};

static void
note(struct worker *w, uint64_t from)
{
	if (w->done < LATENCY)
		w->took[w->done] = now_ns() - from;
	w->done++;
}

static void *
login_worker(void *arg)
{
	struct worker *w = arg;
	struct client *c = calloc(1, sizeof(*c));
	char user[32];

	for (unsigned i = w->first; c != NULL && now_ns() < w->end;
	     i += w->step) {
		uint64_t from = now_ns();

		(void)snprintf(user, sizeof(user), "u%u", i % w->n_users);
		login(c, user, w->password);
		client_send(c, "t LOGOUT\r\n", 10);
		await_ok(c, "t ");
		client_close(c);
		note(w, from);
	}
	free(c);
	return NULL;
}

static void *
append_worker(void *arg)
{
	struct worker *w = arg;
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	login(c, w->user, w->password);
	while (now_ns() < w->end) {
		uint64_t from = now_ns();

		append(c, w->mailbox, w->text, true, 1);
		note(w, from);
	}
	client_close(c);
	free(c);
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Count, nanoseconds, the 99th percentile of one. */
static int
work(struct worker *like, unsigned n, unsigned ms, void *(*fn)(void *))
{
	struct worker *w = calloc(n, sizeof(*w));
	uint64_t from = now_ns(), *all = calloc(n * (size_t)LATENCY, 8);
	size_t had = 0;
	unsigned done = 0;

	if (w == NULL || all == NULL)
		err(1, NULL);
	for (unsigned i = 0; i < n; i++) {
		w[i] = *like;
		w[i].first = i;
		w[i].step = n;
		w[i].end = from + ms * UINT64_C(1000000);
		w[i].took = calloc(LATENCY, 8);
		if (w[i].took == NULL ||
		    pthread_create(&w[i].thread, NULL, fn, &w[i]) != 0)
			errx(1, "thread");
	}
	for (unsigned i = 0; i < n; i++) {
		size_t k;

		(void)pthread_join(w[i].thread, NULL);
		k = w[i].done < LATENCY ? w[i].done : LATENCY;
		memcpy(all + had, w[i].took, k * 8);
		had += k;
		done += w[i].done;
		free(w[i].took);
	}
	qsort(all, had, 8, by_size);
	printf("%u %" PRIu64 " %" PRIu64 "\n", done, now_ns() - from,
	    had == 0 ? 0 : all[had * 99 / 100]);
	free(all);
	free(w);
	return 0;
}

static unsigned
number(const char *s)
{
	return (unsigned)strtoul(s, NULL, 10);
}

int
main(int argc, char **argv)
{
	struct worker like = { .n_users = 1 };

	if (argc < 4)
		errx(64, "usage: see the source");
	port = (uint16_t)number(argv[2]);
	if (strcmp(argv[3], "-") != 0 &&
	    (gnutls_certificate_allocate_credentials(&trust) < 0 ||
		gnutls_certificate_set_x509_trust_file(
		    trust, argv[3], GNUTLS_X509_FMT_PEM) < 1))
		errx(1, "no CA in %s", argv[3]);
	if (argc == 4 && strcmp(argv[1], "talk") == 0)
		return talk();
	if (argc == 8 && strcmp(argv[1], "logins") == 0) {
		like.n_users = number(argv[6]);
		like.password = argv[7];
		return work(
		    &like, number(argv[4]), number(argv[5]), login_worker);
	}
	if (argc == 10 && strcmp(argv[1], "appends") == 0) {
		like.text = make_message(number(argv[6]));
		like.user = argv[7];
		like.password = argv[8];
		like.mailbox = argv[9];
		return work(
		    &like, number(argv[4]), number(argv[5]), append_worker);
	}
	errx(64, "usage: see the source");
}
