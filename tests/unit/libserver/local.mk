# SPDX-License-Identifier: ISC

check_PROGRAMS += %D%/test_conf
TESTS += %D%/test_conf
%C%_test_conf_SOURCES = %D%/test_conf.c
%C%_test_conf_LDADD = $(SERVER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_ipc
TESTS += %D%/test_ipc
%C%_test_ipc_SOURCES = %D%/test_ipc.c
%C%_test_ipc_LDADD = $(SERVER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_log
TESTS += %D%/test_log
%C%_test_log_SOURCES = %D%/test_log.c
%C%_test_log_LDADD = $(SERVER_LIBS) $(CMOCKA_LIBS)
