# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libmessage.a
%C%_libmessage_a_SOURCES =
