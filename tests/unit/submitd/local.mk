# SPDX-License-Identifier: ISC
check_PROGRAMS += %D%/test_submit_pure
TESTS += %D%/test_submit_pure
%C%_test_submit_pure_SOURCES = %D%/test_submit_pure.c
%C%_test_submit_pure_LDADD = submitd/libsubmit.a $(LIBS_COMMON) $(CMOCKA_LIBS)
