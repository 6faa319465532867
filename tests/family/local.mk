# SPDX-License-Identifier: ISC
check_PROGRAMS += %D%/echod %D%/evild
%C%_echod_SOURCES = %D%/echod.c
%C%_echod_LDADD = $(SERVER_LIBS)
%C%_evild_SOURCES = %D%/echod.c
%C%_evild_CPPFLAGS = $(AM_CPPFLAGS) -DEVIL
%C%_evild_LDADD = $(AUTH_LIBS)
