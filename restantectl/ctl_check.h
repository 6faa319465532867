/* SPDX-License-Identifier: ISC */
/* check: one function an area, all run, all faults told. */
#ifndef RESTANTECTL_CTL_CHECK_H
#define RESTANTECTL_CTL_CHECK_H

#include "restantectl/ctl.h"

struct check {
	const struct conf *conf;
	const char *area;
	unsigned faults, warnings, said;
};

/* One line each: "FAULT area: text", "warn ...". An area that says nothing is
 * told as "ok". */
void check_fault(struct check *c, const char *fmt, ...) PRINTF(2, 3);
void check_warn(struct check *c, const char *fmt, ...) PRINTF(2, 3);

/* ctl_check_conf.c: what the configuration names */
void check_certificates(struct check *c);
void check_pam(struct check *c);
void check_folders(struct check *c);
void check_users(struct check *c);
void check_uids(struct check *c);
/* ctl_check_host.c: what the machine gives */
void check_names(struct check *c);
void check_ports(struct check *c);
void check_service_users(struct check *c);
void check_kernel(struct check *c);

#endif
