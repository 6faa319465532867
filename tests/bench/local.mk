# SPDX-License-Identifier: ISC
# Built by tests/bench/run when it is wanted.
EXTRA_PROGRAMS += %D%/mailload
%C%_mailload_SOURCES = %D%/mailload.c
%C%_mailload_LDADD = $(GNUTLS_LIBS)
