# SPDX-License-Identifier: ISC
# sbin_PROGRAMS += %D%/restantectl
# %C%_restantectl_SOURCES = %D%/restantectl.c
# %C%_restantectl_LDADD = $(LIBS_COMMON)
