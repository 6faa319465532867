/* SPDX-License-Identifier: ISC */
/* A program that looks into another one. */
#include "pop3d/pop3_session.h"
