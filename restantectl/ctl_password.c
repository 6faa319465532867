/* SPDX-License-Identifier: ISC */
/* A password from the person, hashed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "libbase/mem.h"
#include "restantectl/ctl_password.h"

/* One line, byte by byte, so that nothing of it lies in a stdio buffer. */
static int
read_line(struct secret *s, struct err *err)
{
	s->n = 0;
	for (;;) {
		char c;
		ssize_t n = read(STDIN_FILENO, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "stdin");
		if (n == 0 || c == '\n')
			break;
		if (c == '\0' || s->n == SECRET_MAX)
			return err_set(err, ERR_INVALID, "not a password");
		s->bytes[s->n++] = c;
	}
	if (s->n > 0 && s->bytes[s->n - 1] == '\r')
		s->n--;
	s->bytes[s->n] = '\0';
	if (s->n == 0)
		return err_set(
		    err, ERR_INVALID, "empty passwords are refused at login");
	return 0;
}

static int
prompt(const char *text, struct secret *s, struct err *err)
{
	struct termios old, quiet;
	int r;

	if (tcgetattr(STDIN_FILENO, &old) != 0)
		return err_sys(err, "terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	quiet.c_lflag |= (tcflag_t)ECHONL;
	(void)fputs(text, stderr);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0)
		return err_sys(err, "terminal");
	r = read_line(s, err);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &old) != 0 && r == 0)
		r = err_sys(err, "terminal");
	return r;
}

static int
ask(const char *user, struct secret *one, struct err *err)
{
	struct secret two;
	char text[64];
	int r;

	if (isatty(STDIN_FILENO) == 0)
		return read_line(one, err);
	(void)snprintf(text, sizeof(text), "Password of %.30s: ", user);
	if (prompt(text, one, err) != 0 || prompt("Again: ", &two, err) != 0)
		return -1;
	r = strcmp(one->bytes, two.bytes) == 0 ?
	    0 :
	    err_set(err, ERR_INVALID, "the two are not the same");
	secret_wipe(&two);
	return r;
}

int
ctl_password_hash(
    const char *user, bool yescrypt, char out[MAX_HASH], struct err *err)
{
	struct secret s;
	int r;

	r = ask(user, &s, err);
	if (r == 0)
		r = userfile_hash(
		    yescrypt ? HASH_YESCRYPT : HASH_SHA512, s.bytes, out, err);
	secret_wipe(&s);
	return r;
}
