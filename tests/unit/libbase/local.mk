# SPDX-License-Identifier: ISC

check_PROGRAMS += %D%/test_arena
TESTS += %D%/test_arena
%C%_test_arena_SOURCES = %D%/test_arena.c
%C%_test_arena_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_base64
TESTS += %D%/test_base64
%C%_test_base64_SOURCES = %D%/test_base64.c
%C%_test_base64_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_buf
TESTS += %D%/test_buf
%C%_test_buf_SOURCES = %D%/test_buf.c
%C%_test_buf_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_err
TESTS += %D%/test_err
%C%_test_err_SOURCES = %D%/test_err.c
%C%_test_err_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_hash
TESTS += %D%/test_hash
%C%_test_hash_SOURCES = %D%/test_hash.c
%C%_test_hash_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_mem
TESTS += %D%/test_mem
%C%_test_mem_SOURCES = %D%/test_mem.c
%C%_test_mem_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_seqset
TESTS += %D%/test_seqset
%C%_test_seqset_SOURCES = %D%/test_seqset.c
%C%_test_seqset_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += %D%/test_slice
TESTS += %D%/test_slice
%C%_test_slice_SOURCES = %D%/test_slice.c
%C%_test_slice_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
