# SPDX-License-Identifier: ISC
# sbin_PROGRAMS += %D%/imapd
# %C%_imapd_SOURCES = %D%/imapd.c
# %C%_imapd_LDADD = $(LIBS_COMMON)
