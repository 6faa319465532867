# SPDX-License-Identifier: ISC
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = %D%/arena.c %D%/arena.h %D%/attr.h \
	%D%/buf.c %D%/buf.h %D%/ceilings.h %D%/err.c %D%/err.h \
	%D%/mem.c %D%/mem.h %D%/slice.c %D%/slice.h %D%/step.h
