# SPDX-License-Identifier: ISC
# The recorder takes the place of libmaildir's table of calls; of the spool's
# calls by the linker.
check_PROGRAMS += %D%/powercut
%C%_powercut_SOURCES = %D%/powercut.c \
  %D%/again.c %D%/again.h \
  %D%/expunge.c %D%/expunge.h \
  %D%/judge.c \
  %D%/record.c %D%/record.h \
  %D%/replay.c %D%/replay.h \
  %D%/scenes.c %D%/scenes.h \
  %D%/scenes_queue.c \
  %D%/scenes_tree.c \
  %D%/sweep.c %D%/sweep.h \
  %D%/world.c %D%/world.h
%C%_powercut_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat,--wrap=mkdirat \
  -Wl,--wrap=write,--wrap=ftruncate,--wrap=renameat,--wrap=unlinkat
%C%_powercut_LDADD = submitd/libsubmit.a $(LIBS_COMMON)

check_PROGRAMS += %D%/stepkill
%C%_stepkill_SOURCES = %D%/stepkill.c
