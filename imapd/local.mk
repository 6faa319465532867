# SPDX-License-Identifier: ISC
# All but main, for the daemon and for unit tests.
noinst_LIBRARIES += %D%/libimapd.a
%C%_libimapd_a_SOURCES = \
	%D%/cmd_any.c \
	%D%/cmd_append.c \
	%D%/cmd_copy.c \
	%D%/cmd_fetch.c \
	%D%/fetch_body.c %D%/fetch_body.h \
	%D%/fetch_items.c %D%/fetch_items.h \
	%D%/fetch_section.c %D%/fetch_section.h \
	%D%/fetch_source.c %D%/fetch_source.h \
	%D%/cmd_flags.c %D%/cmd_flags.h \
	%D%/cmd_idle.c \
	%D%/cmd_list.c \
	%D%/cmd_login.c %D%/cmd_login.h \
	%D%/cmd_mailbox.c \
	%D%/cmd_quota.c \
	%D%/cmd_search.c \
	%D%/cmd_select.c \
	%D%/cmd_sort.c \
	%D%/cmd_store.c \
	%D%/cmd_thread.c \
	%D%/command.c %D%/command.h \
	%D%/condstore.c %D%/condstore.h \
	%D%/imap_args.c %D%/imap_args.h \
	%D%/imap_frontend.c %D%/imap_frontend.h \
	%D%/imap_input.c %D%/imap_input.h \
	%D%/imap_reply.c %D%/imap_reply.h \
	%D%/imap_session.c %D%/imap_session.h \
	%D%/imap_user.c %D%/imap_user.h \
	%D%/kept.c %D%/kept.h \
	%D%/kept_fields.c %D%/kept_fields.h \
	%D%/kept_keys.c %D%/kept_keys.h \
	%D%/pack.c %D%/pack.h \
	%D%/search_body.c %D%/search_body.h \
	%D%/search_find.c %D%/search_find.h \
	%D%/search_keys.c %D%/search_keys.h \
	%D%/search_return.c %D%/search_return.h \
	%D%/search_run.c %D%/search_run.h \
	%D%/sort_find.c %D%/sort_find.h \
	%D%/sort_keys.c %D%/sort_keys.h \
	%D%/sort_run.c %D%/sort_run.h \
	%D%/thread_tell.c \
	%D%/thread_tree.c %D%/thread_tree.h \
	%D%/park.c \
	%D%/status.c %D%/status.h \
	%D%/update.c %D%/update.h
IMAPD_LIBS = imapd/libimapd.a $(LIBS_COMMON)

sbin_PROGRAMS += %D%/imapd
%C%_imapd_SOURCES = %D%/imapd.c
%C%_imapd_LDADD = $(IMAPD_LIBS)
