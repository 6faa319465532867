# SPDX-License-Identifier: ISC
check_PROGRAMS += %D%/test_pop3_parse
TESTS += %D%/test_pop3_parse
%C%_test_pop3_parse_SOURCES = %D%/test_pop3_parse.c
%C%_test_pop3_parse_LDADD = pop3d/libpop3.a $(LIBS_COMMON) $(CMOCKA_LIBS)
