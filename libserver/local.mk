# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libserver.a
%C%_libserver_a_SOURCES =
