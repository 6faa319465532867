# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libauth.a
%C%_libauth_a_SOURCES =
