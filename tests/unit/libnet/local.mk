# SPDX-License-Identifier: ISC
net_fixture = %D%/net_fixture.c %D%/net_fixture.h
check_PROGRAMS += %D%/test_conn
TESTS += %D%/test_conn
%C%_test_conn_SOURCES = %D%/test_conn.c $(net_fixture)
%C%_test_conn_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
