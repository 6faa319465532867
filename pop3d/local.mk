# SPDX-License-Identifier: ISC
# sbin_PROGRAMS += %D%/pop3d
# %C%_pop3d_SOURCES = %D%/pop3d.c
# %C%_pop3d_LDADD = $(LIBS_COMMON)
