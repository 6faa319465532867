/* SPDX-License-Identifier: ISC */
/*
 * The nursery forks the process of a user and makes it the user; keeps the
 * list of who is there. It learns from auth alone whom to serve, keeps no
 * secret, and never reads a client's byte.
 */
#ifndef LIBSERVER_NURSERY_H
#define LIBSERVER_NURSERY_H

#include "libserver/role.h"

extern const struct role_spec nursery_role;

#endif
