# SPDX-License-Identifier: ISC
# A target is fuzz_PARSER.c, its seeds lie in corpus/PARSER/. The file has a
# line "plants: N N" that names the faults (-DPLANT=N) it must find.
EXTRA_LIBRARIES += %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay_main.c

# EXTRA_PROGRAMS += %D%/fuzz_x
# %C%_fuzz_x_SOURCES = %D%/fuzz_x.c
# %C%_fuzz_x_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)
