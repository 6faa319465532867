# SPDX-License-Identifier: ISC
net_fixture = %D%/net_fixture.c %D%/net_fixture.h
check_PROGRAMS += %D%/test_conn
TESTS += %D%/test_conn
%C%_test_conn_SOURCES = %D%/test_conn.c $(net_fixture)
%C%_test_conn_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)

tls_fixture = $(net_fixture) %D%/tls_fixture.c %D%/tls_fixture.h
check_PROGRAMS += %D%/test_tls
TESTS += %D%/test_tls
%C%_test_tls_SOURCES = %D%/test_tls.c $(tls_fixture)
%C%_test_tls_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
