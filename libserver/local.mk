# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libserver.a
%C%_libserver_a_SOURCES = %D%/account.c %D%/account.h %D%/conf.c \
	%D%/conf.h %D%/conf_read.c %D%/conf_store.h %D%/conf_value.c \
	%D%/conf_value.h %D%/control.h %D%/family.h %D%/frontend.h \
	%D%/ipc.h %D%/ipc_decode.c %D%/ipc_messages.c %D%/ipc_messages.h \
	%D%/log.c %D%/log.h %D%/nursery.h %D%/role.h %D%/role_id.h \
	%D%/sandbox.h %D%/session.h %D%/settings.c %D%/settings.h
