# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libserver.a
%C%_libserver_a_SOURCES = \
	%D%/account.c %D%/account.h %D%/become.c %D%/become.h \
	%D%/conf.c %D%/conf.h %D%/conf_read.c \
	%D%/conf_store.h %D%/conf_value.c %D%/conf_value.h %D%/control.c \
	%D%/control.h %D%/family.c %D%/family.h %D%/family_certs.c \
	%D%/family_check.c %D%/family_children.c %D%/family_control.c \
	%D%/family_log.c %D%/family_notify.c %D%/family_parent.h \
	%D%/family_ports.c %D%/frontend.c %D%/frontend.h \
	%D%/frontend_role.c %D%/frontend_state.h %D%/frontend_tls.c \
	%D%/frontend_tls.h %D%/ipc.c %D%/ipc.h %D%/ipc_decode.c \
	%D%/ipc_messages.c %D%/ipc_messages.h %D%/landlock.c %D%/log.c \
	%D%/log.h %D%/log_role.c %D%/nursery.c %D%/nursery.h %D%/role.c \
	%D%/role.h %D%/role_id.h %D%/sandbox.c %D%/sandbox.h \
	%D%/session.c %D%/session.h %D%/settings.c %D%/settings.h \
	%D%/spawn.c %D%/uidl_format.c %D%/uidl_format.h
