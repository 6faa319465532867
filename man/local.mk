# SPDX-License-Identifier: ISC
# Manual pages: dist_man_MANS += %D%/x.8
dist_man_MANS += %D%/imapd.8 %D%/pop3d.8 %D%/submitd.8 %D%/restantectl.8 \
	%D%/restante-maildir.5 %D%/restante.conf.5
