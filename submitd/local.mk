# SPDX-License-Identifier: ISC
sbin_PROGRAMS += %D%/submitd
# all but main: the unit tests and fuzz targets link it
noinst_LIBRARIES += %D%/libsubmit.a
%C%_libsubmit_a_SOURCES = \
	%D%/aliases.c %D%/aliases.h \
	%D%/deliver.c %D%/deliver.h \
	%D%/fixup.c %D%/fixup.h \
	%D%/ipc_queue.c %D%/ipc_queue.h \
	%D%/queue.c %D%/queue.h \
	%D%/rate.c %D%/rate.h \
	%D%/resolve.c %D%/resolve.h \
	%D%/schedule.c %D%/schedule.h \
	%D%/smtp_commands.c \
	%D%/smtp_data.c %D%/smtp_data.h \
	%D%/smtp_parse.c %D%/smtp_parse.h \
	%D%/smtp_reply.c %D%/smtp_reply.h \
	%D%/smtp_session.c %D%/smtp_session.h \
	%D%/smtp_text.c \
	%D%/spool.c %D%/spool.h \
	%D%/spool_envelope.c %D%/spool_envelope.h
%C%_submitd_SOURCES = %D%/submitd.c
%C%_submitd_LDADD = %D%/libsubmit.a $(LIBS_COMMON)
