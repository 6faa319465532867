# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libauth.a
%C%_libauth_a_SOURCES = \
	%D%/attrs.c %D%/attrs.h \
	%D%/auth.c %D%/auth.h %D%/auth_helper.c %D%/auth_keys.c \
	%D%/auth_login.c %D%/auth_lookup.c %D%/auth_state.h \
	%D%/auth_words.c %D%/auth_worker.c \
	%D%/auth_pam.c %D%/auth_pam.h \
	%D%/sasl.c %D%/sasl.h %D%/sasl_login.c %D%/sasl_plain.c \
	%D%/throttle.c %D%/throttle.h \
	%D%/uids.c %D%/uids.h \
	%D%/userdb.c %D%/userdb.h %D%/userdb_conf.c \
	%D%/userfile.c %D%/userfile.h %D%/userfile_io.c
