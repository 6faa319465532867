# SPDX-License-Identifier: ISC
sbin_PROGRAMS += %D%/restantectl
%C%_restantectl_SOURCES = \
	%D%/ctl.h %D%/ctl_check.c %D%/ctl_check.h %D%/ctl_check_conf.c \
	%D%/ctl_check_host.c %D%/ctl_daemon.c \
	%D%/ctl_home.c %D%/ctl_home.h %D%/ctl_password.c %D%/ctl_password.h \
	%D%/ctl_index.c %D%/ctl_settings.c %D%/ctl_user.c %D%/restantectl.c
%C%_restantectl_LDADD = $(LIBS_COMMON)
