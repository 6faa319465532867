/* SPDX-License-Identifier: ISC */
/* The database, seen by the right room but not its index. */
#include <db.h>
