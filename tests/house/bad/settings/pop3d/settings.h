/* SPDX-License-Identifier: ISC */
/* A setting without a line in the manual. */
#define SETTINGS_POP3(X) \
X(pop3_colour, SET_STRING, "", 0, 9, S_FE, "Nobody knows.")
