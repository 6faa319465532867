# SPDX-License-Identifier: ISC
# A PAM module for tests: a shared object, so it has a rule of its own.
check_DATA = %D%/pam_test.so
CLEANFILES += %D%/pam_test.so
%D%/pam_test.so: %D%/pam_test.c
	$(AM_V_CCLD)$(MKDIR_P) %D% && $(CC) -std=gnu17 -D_GNU_SOURCE \
	  $(WARN_CFLAGS) $(CFLAGS) -fPIC -shared \
	  -o $@ $(srcdir)/%D%/pam_test.c $(PAM_LIBS)
# Preloaded into programs under test; made by who needs it.
CLEANFILES += %D%/coarse.so
%D%/coarse.so: %D%/coarse.c
	$(AM_V_CCLD)$(MKDIR_P) %D% && $(CC) -std=gnu17 -D_GNU_SOURCE \
	  $(WARN_CFLAGS) $(CFLAGS) -fPIC -shared -o $@ $(srcdir)/%D%/coarse.c
