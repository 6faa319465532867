# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libnet.a
%C%_libnet_a_SOURCES =
