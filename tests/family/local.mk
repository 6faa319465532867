# SPDX-License-Identifier: ISC
check_PROGRAMS += %D%/echod
%C%_echod_SOURCES = %D%/echod.c
%C%_echod_LDADD = $(SERVER_LIBS)
