# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libmessage.a
%C%_libmessage_a_SOURCES = \
	%D%/address.c %D%/address.h \
	%D%/address_path.c \
	%D%/charset.c %D%/charset.h \
	%D%/crlf.c %D%/crlf.h \
	%D%/date.c %D%/date.h \
	%D%/decode.c %D%/decode.h \
	%D%/encword.c %D%/encword.h \
	%D%/header.c %D%/header.h \
	%D%/mime.c %D%/mime.h \
	%D%/mime_fields.c %D%/mime_fields.h \
	%D%/mime_part.c \
	%D%/msgid.c %D%/msgid.h \
	%D%/param.c %D%/param.h \
	%D%/preview.c %D%/preview.h \
	%D%/subject.c %D%/subject.h \
	%D%/summary.c %D%/summary.h \
	%D%/text.c %D%/text.h \
	%D%/text_fold.c
