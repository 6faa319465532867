# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	%D%/test_imap_input \
	%D%/test_imap_args \
	%D%/test_imap_reply \
	%D%/test_imap_session \
	%D%/test_fetch \
	%D%/test_search \
	%D%/test_sort \
	%D%/test_thread \
	%D%/test_kept \
	%D%/test_pack
TESTS += \
	%D%/test_imap_input \
	%D%/test_imap_args \
	%D%/test_imap_reply \
	%D%/test_imap_session \
	%D%/test_fetch \
	%D%/test_search \
	%D%/test_sort \
	%D%/test_thread \
	%D%/test_kept \
	%D%/test_pack
%C%_test_imap_input_SOURCES = %D%/test_imap_input.c %D%/imap_tree.h
%C%_test_imap_input_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_imap_args_SOURCES = %D%/test_imap_args.c
%C%_test_imap_args_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_imap_reply_SOURCES = %D%/test_imap_reply.c
%C%_test_imap_reply_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_pack_SOURCES = %D%/test_pack.c
%C%_test_pack_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_imap_session_SOURCES = %D%/test_imap_session.c
%C%_test_imap_session_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_fetch_SOURCES = %D%/test_fetch.c %D%/imap_line.h
%C%_test_fetch_LDADD = tests/unit/libmaildir/libbox.a \
	tests/unit/libmaildir/libscratch.a $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_search_SOURCES = %D%/test_search.c %D%/imap_line.h
%C%_test_search_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_sort_SOURCES = %D%/test_sort.c
%C%_test_sort_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_thread_SOURCES = %D%/test_thread.c %D%/thread_text.h
%C%_test_thread_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
%C%_test_kept_SOURCES = %D%/test_kept.c
%C%_test_kept_LDADD = $(IMAPD_LIBS) $(CMOCKA_LIBS)
