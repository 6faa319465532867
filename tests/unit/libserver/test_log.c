/* SPDX-License-Identifier: ISC */
/* Log lines: one line whatever comes, quoting, losses counted. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libserver/log.h"

static void
check_pair(struct slice value, const char *expect)
{
	struct buf b;

	buf_init(&b, 4096);
	log_put_pair(&b, "k", value);
	assert_string_equal(buf_cstr(&b), expect);
	buf_free(&b);
}

static void
test_quoting(void **state)
{
	(void)state;
	check_pair(SLICE("plain"), " k=plain");
	check_pair(SLICE(""), " k=\"\"");
	check_pair(SLICE("a b"), " k=\"a b\"");
	check_pair(SLICE("a\"b\\"), " k=\"a\\\"b\\\\\"");
	check_pair(SLICE("x=y"), " k=\"x=y\"");
	check_pair(SLICE("a\r\nb\t\x7f"), " k=\"a\\x0d\\x0ab\\x09\\x7f\"");
	check_pair(SLICE("caf\xc3\xa9"), " k=\"caf\xc3\xa9\"");
	check_pair(SLICE("\xc2\x9b[1m"), " k=\"\\xc2\\x9b[1m\"");
	check_pair(SLICE("\xff\xfe"), " k=\"\\xff\\xfe\"");
	check_pair(SLICE("nul\0!"), " k=\"nul\\x00!\"");
}

static ssize_t
read_line(int fd, char *line, size_t size)
{
	ssize_t n = read(fd, line, size - 1);

	line[n < 0 ? 0 : n] = '\0';
	return n;
}

static void
test_line(void **state)
{
	char line[5000], big[4000];
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	log_init("imapd", "frontend");
	log_to_fd(fds[1]);
	log_info(0x1234, "closed", "reason", "a b", "none", NULL, "in",
	    LOG_U64(7), NULL);
	assert_true(read_line(fds[0], line, sizeof(line)) > 0);
	assert_non_null(strstr(line,
	    "role=frontend level=info event=closed id=0000000000001234 "
	    "reason=\"a b\" in=7\n"));
	assert_null(strstr(line, "none"));
	log_debug(0, "hidden", NULL);
	assert_int_equal(read_line(fds[0], line, sizeof(line)), -1);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_warn(0, "big", "a", big, "b", big, "c", big, "d", big, NULL);
	assert_true(read_line(fds[0], line, sizeof(line)) <= 2000);
	assert_int_equal(line[strlen(line) - 1], '\n');
	log_to_fd(STDERR_FILENO);
	close(fds[0]);
	close(fds[1]);
}

static void
test_lost_lines(void **state)
{
	static char all[1 << 20];
	int fds[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	log_to_fd(fds[1]);
	for (int i = 0; i < 10000; i++)
		log_info(0, "flood", "number", LOG_U64(i), NULL);
	do
		n = read(fds[0], all, sizeof(all));
	while (n > 0);
	log_info(0, "after", NULL);
	n = read_line(fds[0], all, sizeof(all));
	assert_true(n > 0);
	assert_non_null(strstr(all, "event=after lost_lines="));
	log_info(0, "calm", NULL);
	(void)read_line(fds[0], all, sizeof(all));
	assert_null(strstr(all, "lost_lines"));
	log_to_fd(STDERR_FILENO);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_lost_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
