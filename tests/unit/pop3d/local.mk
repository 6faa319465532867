# SPDX-License-Identifier: ISC
pop3d_tests = %D%/test_pop3_parse %D%/test_pop3_surrogate %D%/test_pop3_uidl
check_PROGRAMS += $(pop3d_tests)
TESTS += $(pop3d_tests)
%C%_test_pop3_parse_SOURCES = %D%/test_pop3_parse.c
%C%_test_pop3_parse_LDADD = pop3d/libpop3.a $(LIBS_COMMON) $(CMOCKA_LIBS)
%C%_test_pop3_surrogate_SOURCES = %D%/test_pop3_surrogate.c
%C%_test_pop3_surrogate_LDADD = pop3d/libpop3.a $(LIBS_COMMON) $(CMOCKA_LIBS)
%C%_test_pop3_uidl_SOURCES = %D%/test_pop3_uidl.c
%C%_test_pop3_uidl_LDADD = pop3d/libpop3.a $(LIBS_COMMON) $(CMOCKA_LIBS)
