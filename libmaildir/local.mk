# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libmaildir.a
%C%_libmaildir_a_SOURCES =
