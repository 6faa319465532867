# SPDX-License-Identifier: ISC
libauth_tests = %D%/test_sasl %D%/test_userfile %D%/test_userdb \
	%D%/test_throttle
check_PROGRAMS += $(libauth_tests)
TESTS += $(libauth_tests)
%C%_test_sasl_SOURCES = %D%/test_sasl.c
%C%_test_sasl_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)
%C%_test_userfile_SOURCES = %D%/test_userfile.c
%C%_test_userfile_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)
%C%_test_userdb_SOURCES = %D%/test_userdb.c
%C%_test_userdb_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)
%C%_test_throttle_SOURCES = %D%/test_throttle.c
%C%_test_throttle_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_auth_pam
TESTS += %D%/test_auth_pam
%C%_test_auth_pam_SOURCES = %D%/test_auth_pam.c
%C%_test_auth_pam_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)
EXTRA_%C%_test_auth_pam_DEPENDENCIES = tests/lib/pam_test.so
