/* SPDX-License-Identifier: ISC */
/* PAM in a program. */
#include <security/pam_appl.h>
