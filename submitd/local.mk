# SPDX-License-Identifier: ISC
# sbin_PROGRAMS += %D%/submitd
# %C%_submitd_SOURCES = %D%/submitd.c
# %C%_submitd_LDADD = $(LIBS_COMMON)
