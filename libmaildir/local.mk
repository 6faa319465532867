# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libmaildir.a
%C%_libmaildir_a_SOURCES =
# the store half
%C%_libmaildir_a_SOURCES += \
  %D%/foldername.c %D%/foldername.h \
  %D%/import.c %D%/import.h %D%/import_courier.c \
  %D%/listmatch.c %D%/listmatch.h \
  %D%/mutf7.c %D%/mutf7.h \
  %D%/quota.c %D%/quota.h \
  %D%/roles.c %D%/roles.h \
  %D%/store.c %D%/store.h %D%/store_private.h \
  %D%/store_gone.c %D%/store_list.c \
  %D%/store_op.c %D%/store_op.h %D%/store_rename.c \
  %D%/subs.c %D%/subs.h
# the mailbox half
%C%_libmaildir_a_SOURCES += \
  %D%/basetable.c %D%/basetable.h \
  %D%/change.c \
  %D%/changes.c \
  %D%/commit.c \
  %D%/copy.c %D%/copy.h \
  %D%/dotlock.c %D%/dotlock.h \
  %D%/fetch.c %D%/fetch.h \
  %D%/folder.c %D%/folder.h \
  %D%/index.c %D%/index.h \
  %D%/index_batch.c \
  %D%/index_db.c \
  %D%/index_heads.c \
  %D%/index_impl.h \
  %D%/index_lease.c \
  %D%/index_state.c \
  %D%/io.c %D%/io.h \
  %D%/io_kernel.c \
  %D%/io_table.c \
  %D%/keywords.c %D%/keywords.h \
  %D%/list.c \
  %D%/mailbox.c %D%/mailbox.h \
  %D%/mailbox_impl.h \
  %D%/modseq.c %D%/modseq.h \
  %D%/name.c %D%/name.h \
  %D%/records.c \
  %D%/remember.c %D%/remember.h \
  %D%/remember_sweep.c \
  %D%/remember_record.c %D%/remember_record.h \
  %D%/restored.c \
  %D%/save.c %D%/save.h \
  %D%/save_impl.h \
  %D%/stage.c \
  %D%/summaries.c %D%/summaries.h \
  %D%/sync.c \
  %D%/uidlist.c %D%/uidlist.h \
  %D%/uidlist_text.c %D%/uidlist_text.h \
  %D%/uidvalidity.c %D%/uidvalidity.h \
  %D%/verify.c %D%/verify.h \
  %D%/view.c %D%/view.h \
  %D%/watch.c %D%/watch.h
