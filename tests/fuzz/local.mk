# SPDX-License-Identifier: ISC
# A target is fuzz_PARSER.c, its seeds lie in corpus/PARSER/. The file has the
# words "plants: N N" that name the faults (-DPLANT=N) it must find; each
# stands in the parser as "#if PLANT == N".
EXTRA_LIBRARIES += %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay_main.c

EXTRA_PROGRAMS += %D%/fuzz_base64
%C%_fuzz_base64_SOURCES = %D%/fuzz_base64.c
%C%_fuzz_base64_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_seqset
%C%_fuzz_seqset_SOURCES = %D%/fuzz_seqset.c
%C%_fuzz_seqset_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_userfile
%C%_fuzz_userfile_SOURCES = %D%/fuzz_userfile.c
%C%_fuzz_userfile_LDADD = $(FUZZ_LIBS) $(AUTH_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_sasl
%C%_fuzz_sasl_SOURCES = %D%/fuzz_sasl.c
%C%_fuzz_sasl_LDADD = $(FUZZ_LIBS) $(AUTH_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_mutf7
%C%_fuzz_mutf7_SOURCES = %D%/fuzz_mutf7.c
%C%_fuzz_mutf7_LDADD = $(FUZZ_LIBS) $(MAILDIR_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_foldername
%C%_fuzz_foldername_SOURCES = %D%/fuzz_foldername.c
%C%_fuzz_foldername_LDADD = $(FUZZ_LIBS) $(MAILDIR_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_subs
%C%_fuzz_subs_SOURCES = %D%/fuzz_subs.c
%C%_fuzz_subs_LDADD = $(FUZZ_LIBS) $(MAILDIR_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_imap
%C%_fuzz_imap_SOURCES = %D%/fuzz_imap.c
%C%_fuzz_imap_LDADD = $(FUZZ_LIBS) $(IMAPD_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_address
%C%_fuzz_address_SOURCES = %D%/fuzz_address.c
%C%_fuzz_address_LDADD = $(FUZZ_LIBS) $(MESSAGE_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_date
%C%_fuzz_date_SOURCES = %D%/fuzz_date.c
%C%_fuzz_date_LDADD = $(FUZZ_LIBS) $(MESSAGE_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_encword
%C%_fuzz_encword_SOURCES = %D%/fuzz_encword.c
%C%_fuzz_encword_LDADD = $(FUZZ_LIBS) $(MESSAGE_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_message
%C%_fuzz_message_SOURCES = %D%/fuzz_message.c \
	tests/unit/libmessage/message_check.c \
	tests/unit/libmessage/message_check.h
%C%_fuzz_message_LDADD = $(FUZZ_LIBS) $(MESSAGE_LIBS)
EXTRA_PROGRAMS += %D%/fuzz_smtp
%C%_fuzz_smtp_SOURCES = %D%/fuzz_smtp.c
%C%_fuzz_smtp_LDADD = $(FUZZ_LIBS) submitd/libsubmit.a $(LIBS_COMMON)

EXTRA_PROGRAMS += %D%/fuzz_envelope
%C%_fuzz_envelope_SOURCES = %D%/fuzz_envelope.c
%C%_fuzz_envelope_LDADD = $(FUZZ_LIBS) submitd/libsubmit.a $(LIBS_COMMON)

EXTRA_PROGRAMS += %D%/fuzz_aliases
%C%_fuzz_aliases_SOURCES = %D%/fuzz_aliases.c
%C%_fuzz_aliases_LDADD = $(FUZZ_LIBS) submitd/libsubmit.a $(LIBS_COMMON)
EXTRA_PROGRAMS += %D%/fuzz_import
%C%_fuzz_import_SOURCES = %D%/fuzz_import.c
%C%_fuzz_import_LDADD = $(FUZZ_LIBS) $(MAILDIR_LIBS)
EXTRA_PROGRAMS += %D%/fuzz_pack
%C%_fuzz_pack_SOURCES = %D%/fuzz_pack.c
%C%_fuzz_pack_LDADD = $(FUZZ_LIBS) $(IMAPD_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_proxyproto
%C%_fuzz_proxyproto_SOURCES = %D%/fuzz_proxyproto.c
%C%_fuzz_proxyproto_LDADD = $(FUZZ_LIBS) $(NET_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_channel_hello
%C%_fuzz_channel_hello_SOURCES = %D%/fuzz_channel_hello.c
%C%_fuzz_channel_hello_LDADD = $(FUZZ_LIBS) $(NET_LIBS)
EXTRA_PROGRAMS += %D%/fuzz_name
%C%_fuzz_name_SOURCES = %D%/fuzz_name.c
%C%_fuzz_name_LDADD = $(FUZZ_LIBS) $(MAILDIR_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_uidlist
%C%_fuzz_uidlist_SOURCES = %D%/fuzz_uidlist.c
%C%_fuzz_uidlist_LDADD = $(FUZZ_LIBS) $(MAILDIR_LIBS)
EXTRA_PROGRAMS += %D%/fuzz_conf
%C%_fuzz_conf_SOURCES = %D%/fuzz_conf.c
%C%_fuzz_conf_LDADD = $(FUZZ_LIBS) $(SERVER_LIBS)
EXTRA_PROGRAMS += %D%/fuzz_ipc
%C%_fuzz_ipc_SOURCES = %D%/fuzz_ipc.c
%C%_fuzz_ipc_LDADD = $(FUZZ_LIBS) $(SERVER_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_search
%C%_fuzz_search_SOURCES = %D%/fuzz_search.c tests/unit/imapd/imap_line.h
%C%_fuzz_search_LDADD = $(FUZZ_LIBS) $(IMAPD_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_fetch
%C%_fuzz_fetch_SOURCES = %D%/fuzz_fetch.c tests/unit/imapd/imap_line.h
%C%_fuzz_fetch_LDADD = $(FUZZ_LIBS) $(IMAPD_LIBS)
EXTRA_PROGRAMS += %D%/fuzz_pop3
%C%_fuzz_pop3_SOURCES = %D%/fuzz_pop3.c
%C%_fuzz_pop3_LDADD = $(FUZZ_LIBS) pop3d/libpop3.a $(LIBS_COMMON)

EXTRA_PROGRAMS += %D%/fuzz_uidl
%C%_fuzz_uidl_SOURCES = %D%/fuzz_uidl.c
%C%_fuzz_uidl_LDADD = $(FUZZ_LIBS) pop3d/libpop3.a $(LIBS_COMMON)

EXTRA_PROGRAMS += %D%/fuzz_surrogate
%C%_fuzz_surrogate_SOURCES = %D%/fuzz_surrogate.c
%C%_fuzz_surrogate_LDADD = $(FUZZ_LIBS) pop3d/libpop3.a $(LIBS_COMMON)

EXTRA_PROGRAMS += %D%/fuzz_msgid
%C%_fuzz_msgid_SOURCES = %D%/fuzz_msgid.c
%C%_fuzz_msgid_LDADD = $(FUZZ_LIBS) $(MESSAGE_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_thread
%C%_fuzz_thread_SOURCES = %D%/fuzz_thread.c tests/unit/imapd/thread_text.h
%C%_fuzz_thread_LDADD = $(FUZZ_LIBS) $(IMAPD_LIBS)

EXTRA_PROGRAMS += %D%/fuzz_kept
%C%_fuzz_kept_SOURCES = %D%/fuzz_kept.c
%C%_fuzz_kept_LDADD = $(FUZZ_LIBS) $(IMAPD_LIBS)
