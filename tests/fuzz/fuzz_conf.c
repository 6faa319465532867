/* SPDX-License-Identifier: ISC */
/* Configurations: what is read goes through a message and is the same on the
 * other side. plants: 45 */
#include <stdlib.h>
#include <string.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libserver/ipc_messages.h"
#include "libserver/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the text of a string that a syntax error cuts off. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static void
on_fault(void *arg, const char *file, unsigned line, const char *text)
{
	unsigned *count = arg;

	if (file[0] == '\0' || text[0] == '\0' || line > 100000)
		abort();
	(*count)++;
}

/* The same names, the same values. */
static void
check_travel(const struct conf *c)
{
	struct ipc_config head = { .generation = 1 };
	struct ipc_msg m;
	struct ipc_out o;
	struct conf *d;
	struct err err;
	size_t n_c, n_d;

	ipc_begin(&o, IPC_CONFIG, &head, sizeof(head));
	conf_put(&o, c, R_QUEUE);
	if (ipc_seal(&o) == -1 ||
	    ipc_decode(NULL, R_PARENT, R_QUEUE, buf_slice(&o.b), 0, &m, &err) ==
		-1)
		abort();
	d = conf_get(&m, NULL);
	if (d == NULL ||
	    strcmp(conf_str(c, "hostname"), conf_str(d, "hostname")) != 0 ||
	    conf_u64(c, "message_size") != conf_u64(d, "message_size") ||
	    conf_ms(c, "drain_time") != conf_ms(d, "drain_time") ||
	    conf_bool(c, "imap") != conf_bool(d, "imap"))
		abort();
	(void)conf_list(c, "domains", &n_c);
	(void)conf_list(d, "domains", &n_d);
	if (n_c != n_d)
		abort();
	conf_free(d);
	ipc_out_drop(&o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned faults = 0;
	struct conf *c;
	char *text;

	if (n > 64 * KIB || memchr(data, '@', n) != NULL)
		return 0; /* no @include of the machine's files */
	text = xstrndup((const char *)data, n);
	c = conf_read_text(text, NULL, on_fault, &faults);
	if ((c == NULL) != (faults > 0))
		abort();
	if (c != NULL)
		check_travel(c);
	conf_free(c);
	xfree(text);
	return 0;
}
