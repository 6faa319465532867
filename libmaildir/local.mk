# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libmaildir.a
%C%_libmaildir_a_SOURCES =
# the store half
%C%_libmaildir_a_SOURCES += \
  %D%/foldername.c %D%/foldername.h \
  %D%/listmatch.c %D%/listmatch.h \
  %D%/mutf7.c %D%/mutf7.h \
  %D%/quota.c %D%/quota.h \
  %D%/store.c %D%/store.h %D%/store_private.h \
  %D%/store_gone.c %D%/store_list.c \
  %D%/store_op.c %D%/store_op.h %D%/store_rename.c \
  %D%/subs.c %D%/subs.h
# the mailbox half
%C%_libmaildir_a_SOURCES += \
  %D%/io_kernel.c %D%/io_table.c \
  %D%/basetable.c %D%/basetable.h \
  %D%/dotlock.c %D%/dotlock.h \
  %D%/folder.c %D%/folder.h \
  %D%/io.c %D%/io.h \
  %D%/keywords.c %D%/keywords.h \
  %D%/name.c %D%/name.h \
  %D%/uidlist.c %D%/uidlist.h \
  %D%/uidlist_text.c %D%/uidlist_text.h \
  %D%/uidvalidity.c %D%/uidvalidity.h
