# SPDX-License-Identifier: ISC
check_PROGRAMS += %D%/test_submit_pure
TESTS += %D%/test_submit_pure
%C%_test_submit_pure_SOURCES = %D%/test_submit_pure.c
%C%_test_submit_pure_LDADD = submitd/libsubmit.a $(LIBS_COMMON) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_spool
TESTS += %D%/test_spool
%C%_test_spool_SOURCES = %D%/test_spool.c
%C%_test_spool_LDADD = submitd/libsubmit.a $(LIBS_COMMON) $(CMOCKA_LIBS)
