# SPDX-License-Identifier: ISC

check_PROGRAMS += %D%/test_address
TESTS += %D%/test_address
%C%_test_address_SOURCES = %D%/test_address.c
%C%_test_address_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_charset
TESTS += %D%/test_charset
%C%_test_charset_SOURCES = %D%/test_charset.c
%C%_test_charset_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_crlf
TESTS += %D%/test_crlf
%C%_test_crlf_SOURCES = %D%/test_crlf.c
%C%_test_crlf_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_date
TESTS += %D%/test_date
%C%_test_date_SOURCES = %D%/test_date.c
%C%_test_date_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_decode
TESTS += %D%/test_decode
%C%_test_decode_SOURCES = %D%/test_decode.c
%C%_test_decode_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_encword
TESTS += %D%/test_encword
%C%_test_encword_SOURCES = %D%/test_encword.c
%C%_test_encword_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_header
TESTS += %D%/test_header
%C%_test_header_SOURCES = %D%/test_header.c
%C%_test_header_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_mime
TESTS += %D%/test_mime
%C%_test_mime_SOURCES = %D%/test_mime.c \
	%D%/message_check.c %D%/message_check.h
%C%_test_mime_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_param
TESTS += %D%/test_param
%C%_test_param_SOURCES = %D%/test_param.c
%C%_test_param_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_preview
TESTS += %D%/test_preview
%C%_test_preview_SOURCES = %D%/test_preview.c
%C%_test_preview_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_subject
TESTS += %D%/test_subject
%C%_test_subject_SOURCES = %D%/test_subject.c
%C%_test_subject_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_summary
TESTS += %D%/test_summary
%C%_test_summary_SOURCES = %D%/test_summary.c
%C%_test_summary_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_text
TESTS += %D%/test_text
%C%_test_text_SOURCES = %D%/test_text.c
%C%_test_text_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_msgid
TESTS += %D%/test_msgid
%C%_test_msgid_SOURCES = %D%/test_msgid.c
%C%_test_msgid_LDADD = $(MESSAGE_LIBS) $(CMOCKA_LIBS)
