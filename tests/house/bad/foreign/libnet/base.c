/* SPDX-License-Identifier: ISC */
/* The database, seen by the wrong room. */
#include <db.h>
