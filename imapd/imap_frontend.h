/* SPDX-License-Identifier: ISC */
/* imapd before login: what the frontend role calls. */
#ifndef IMAPD_IMAP_FRONTEND_H
#define IMAPD_IMAP_FRONTEND_H

#include "libserver/frontend.h"

extern const struct frontend_ops imap_frontend_ops;

#endif
