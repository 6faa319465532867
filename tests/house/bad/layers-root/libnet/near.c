/* SPDX-License-Identifier: ISC */
/* An include that is not written from the root. */
#include "conn.h"
