# SPDX-License-Identifier: ISC
# What a distribution would install. Samples go beside the documents and are
# never read by a daemon; units and folders go where systemd looks.
examplesdir = $(docdir)/examples
dist_examples_DATA = %D%/restante.conf %D%/aliases.sample

examplespamdir = $(docdir)/examples/pam
dist_examplespam_DATA = %D%/pam/restante %D%/pam/restante-imap \
	%D%/pam/restante-pop3 %D%/pam/restante-submission \
	%D%/pam/restante-virtual

sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = %D%/sysusers.d/restante-users.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
dist_tmpfiles_DATA = %D%/tmpfiles.d/restante-folders.conf
sysctldir = $(prefix)/lib/sysctl.d
dist_sysctl_DATA = %D%/sysctl.d/60-restante-inotify.conf

unitdir = $(prefix)/lib/systemd/system
units = %D%/systemd/restante-imapd.service \
	%D%/systemd/restante-pop3d.service \
	%D%/systemd/restante-submitd.service
nodist_unit_DATA = $(units)
CLEANFILES += $(units)
EXTRA_DIST += %D%/systemd/restante-imapd.service.in \
	%D%/systemd/restante-pop3d.service.in \
	%D%/systemd/restante-submitd.service.in
$(units): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SED) -e 's|[@]sbindir[@]|$(sbindir)|g' $< >$@.new && mv $@.new $@
