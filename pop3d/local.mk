# SPDX-License-Identifier: ISC
# all but main: the unit tests and fuzz targets link it
noinst_LIBRARIES += %D%/libpop3.a
%C%_libpop3_a_SOURCES = \
	%D%/pop3_capa.c \
	%D%/pop3_commands.c \
	%D%/pop3_login.c \
	%D%/pop3_parse.c %D%/pop3_parse.h \
	%D%/pop3_session.c %D%/pop3_session.h \
	%D%/pop3_snapshot.c \
	%D%/pop3_surrogate.c %D%/pop3_surrogate.h \
	%D%/pop3_uidl.c %D%/pop3_uidl.h \
	%D%/pop3_uidls.c \
	%D%/pop3_update.c
sbin_PROGRAMS += %D%/pop3d
%C%_pop3d_SOURCES = %D%/pop3d.c
%C%_pop3d_LDADD = %D%/libpop3.a $(LIBS_COMMON)
