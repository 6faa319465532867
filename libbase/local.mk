# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = %D%/arena.c %D%/arena.h %D%/attr.h \
	%D%/base64.c %D%/base64.h %D%/buf.c %D%/buf.h %D%/ceilings.h \
	%D%/clock.c %D%/clock.h %D%/err.c %D%/err.h %D%/hash.c %D%/hash.h \
	%D%/mem.c %D%/mem.h %D%/random.c %D%/random.h \
	%D%/seqset.c %D%/seqset.h %D%/slice.c %D%/slice.h %D%/step.h
