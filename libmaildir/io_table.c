/* SPDX-License-Identifier: ISC */
/* Which system calls are used: alone in its file, so that a test program can
 * have a table of its own. */
#include "libmaildir/io.h"

const struct io_ops *const io_table = &io_kernel;
