# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libnet.a
%C%_libnet_a_SOURCES = %D%/channel.c %D%/channel.h \
	%D%/channel_hello.c %D%/channel_private.h \
	%D%/digest.c %D%/digest.h \
	%D%/conn.c %D%/conn.h %D%/conn_end.c \
	%D%/conn_private.h %D%/flush.c %D%/flush.h %D%/loop.c %D%/loop.h \
	%D%/listen.c %D%/listen.h \
	%D%/netaddr.c %D%/netaddr.h %D%/proxyproto.c %D%/proxyproto.h \
	%D%/loop_private.h %D%/out.c %D%/out.h %D%/out_private.h %D%/tls.c \
	%D%/tls.h %D%/tls_key.c %D%/tls_key.h %D%/tls_private.h \
	%D%/transport.h %D%/transport_plain.c %D%/transport_tls.c
