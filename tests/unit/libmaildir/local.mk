# SPDX-License-Identifier: ISC
# One test: check_PROGRAMS += %D%/test_x
#           TESTS += %D%/test_x
#           %C%_test_x_SOURCES = %D%/test_x.c
#           %C%_test_x_LDADD = $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_foldername
TESTS += %D%/test_foldername
%C%_test_foldername_SOURCES = %D%/test_foldername.c
%C%_test_foldername_LDADD = $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_listmatch
TESTS += %D%/test_listmatch
%C%_test_listmatch_SOURCES = %D%/test_listmatch.c
%C%_test_listmatch_LDADD = $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_mutf7
TESTS += %D%/test_mutf7
%C%_test_mutf7_SOURCES = %D%/test_mutf7.c
%C%_test_mutf7_LDADD = $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_subs
TESTS += %D%/test_subs
%C%_test_subs_SOURCES = %D%/test_subs.c
%C%_test_subs_LDADD = $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_LIBRARIES += %D%/libscratch.a
%C%_libscratch_a_SOURCES = %D%/scratch.c %D%/scratch.h

check_PROGRAMS += %D%/test_store
TESTS += %D%/test_store
%C%_test_store_SOURCES = %D%/test_store.c
%C%_test_store_LDADD = %D%/libscratch.a $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_roles
TESTS += %D%/test_roles
%C%_test_roles_SOURCES = %D%/test_roles.c
%C%_test_roles_LDADD = %D%/libscratch.a $(MAILDIR_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/test_quota
TESTS += %D%/test_quota
%C%_test_quota_SOURCES = %D%/test_quota.c
%C%_test_quota_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_LIBRARIES += %D%/libbox.a
%C%_libbox_a_SOURCES = %D%/box.c %D%/box.h

check_PROGRAMS += %D%/test_mailbox
TESTS += %D%/test_mailbox
%C%_test_mailbox_SOURCES = %D%/test_mailbox.c
%C%_test_mailbox_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_import
TESTS += %D%/test_import
%C%_test_import_SOURCES = %D%/test_import.c
%C%_test_import_LDADD = %D%/libscratch.a $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_store_fail
TESTS += %D%/test_store_fail
%C%_test_store_fail_SOURCES = %D%/test_store_fail.c
%C%_test_store_fail_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_uidlist
TESTS += %D%/test_uidlist
%C%_test_uidlist_SOURCES = %D%/test_uidlist.c
%C%_test_uidlist_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_save
TESTS += %D%/test_save
%C%_test_save_SOURCES = %D%/test_save.c
%C%_test_save_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_failing
TESTS += %D%/test_failing
%C%_test_failing_SOURCES = %D%/test_failing.c
%C%_test_failing_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_strangers
TESTS += %D%/test_strangers
%C%_test_strangers_SOURCES = %D%/test_strangers.c
%C%_test_strangers_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_between
TESTS += %D%/test_between
%C%_test_between_SOURCES = %D%/test_between.c
%C%_test_between_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_uidl
TESTS += %D%/test_uidl
%C%_test_uidl_SOURCES = %D%/test_uidl.c
%C%_test_uidl_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_modseq
TESTS += %D%/test_modseq
%C%_test_modseq_SOURCES = %D%/test_modseq.c
%C%_test_modseq_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)
check_PROGRAMS += %D%/test_summaries
TESTS += %D%/test_summaries
%C%_test_summaries_SOURCES = %D%/test_summaries.c %D%/memory_index.c \
  %D%/memory_index.h
%C%_test_summaries_LDADD = $(MAILDIR_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_index
TESTS += %D%/test_index
%C%_test_index_SOURCES = %D%/test_index.c
%C%_test_index_LDADD = %D%/libscratch.a $(MAILDIR_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += %D%/test_remember
TESTS += %D%/test_remember
%C%_test_remember_SOURCES = %D%/test_remember.c
%C%_test_remember_LDADD = %D%/libbox.a %D%/libscratch.a $(MAILDIR_LIBS) \
  $(CMOCKA_LIBS)
