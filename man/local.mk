# SPDX-License-Identifier: ISC
# Manual pages: dist_man_MANS += %D%/x.8
dist_man_MANS += %D%/imapd.8
