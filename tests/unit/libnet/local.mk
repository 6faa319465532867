# SPDX-License-Identifier: ISC
net_tests = %D%/test_channel %D%/test_conn %D%/test_flush %D%/test_loop \
	%D%/test_netaddr %D%/test_out %D%/test_proxyproto %D%/test_tls
check_PROGRAMS += $(net_tests)
TESTS += $(net_tests)

net_fixture = %D%/net_fixture.c %D%/net_fixture.h
tls_fixture = $(net_fixture) %D%/tls_fixture.c %D%/tls_fixture.h
net_ldadd = $(NET_LIBS) $(CMOCKA_LIBS)

%C%_test_channel_SOURCES = %D%/test_channel.c $(tls_fixture)
%C%_test_channel_LDADD = $(net_ldadd)
%C%_test_conn_SOURCES = %D%/test_conn.c $(net_fixture)
%C%_test_conn_LDADD = $(net_ldadd)
%C%_test_flush_SOURCES = %D%/test_flush.c $(net_fixture)
%C%_test_flush_LDADD = $(net_ldadd)
%C%_test_loop_SOURCES = %D%/test_loop.c $(net_fixture)
%C%_test_loop_LDADD = $(net_ldadd)
%C%_test_netaddr_SOURCES = %D%/test_netaddr.c $(net_fixture)
%C%_test_netaddr_LDADD = $(net_ldadd)
%C%_test_out_SOURCES = %D%/test_out.c $(net_fixture)
%C%_test_out_LDADD = $(net_ldadd)
%C%_test_proxyproto_SOURCES = %D%/test_proxyproto.c $(net_fixture)
%C%_test_proxyproto_LDADD = $(net_ldadd)
%C%_test_tls_SOURCES = %D%/test_tls.c $(tls_fixture)
%C%_test_tls_LDADD = $(net_ldadd)
