# SPDX-License-Identifier: ISC
sbin_PROGRAMS += %D%/pop3d
%C%_pop3d_SOURCES = \
	%D%/pop3d.c \
	%D%/pop3_commands.c \
	%D%/pop3_login.c \
	%D%/pop3_session.c %D%/pop3_session.h
%C%_pop3d_LDADD = $(LIBS_COMMON)
