# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libserver.a
%C%_libserver_a_SOURCES = %D%/account.h %D%/conf.h %D%/control.h \
	%D%/family.h %D%/frontend.h %D%/ipc.h %D%/ipc_messages.h %D%/log.h \
	%D%/nursery.h %D%/role.h %D%/role_id.h %D%/sandbox.h %D%/session.h \
	%D%/settings.c %D%/settings.h
