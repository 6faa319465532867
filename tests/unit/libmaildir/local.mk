# SPDX-License-Identifier: ISC
# One test: check_PROGRAMS += %D%/test_x
#           TESTS += %D%/test_x
#           %C%_test_x_SOURCES = %D%/test_x.c
#           %C%_test_x_LDADD = $(MAILDIR_LIBS) $(CMOCKA_LIBS)
