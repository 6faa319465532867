/* SPDX-License-Identifier: ISC */
/* Flags as a client writes them, for STORE and APPEND. */
#include "imapd/cmd_flags.h"
#include "imapd/update.h"

const char *
flag_words_read(
    struct flag_words *w, const struct imap_arg *a, struct arena *arena)
{
	uint8_t flag;

	w->flags = 0;
	w->n = 0;
	w->keywords =
	    arena_array(arena, imap_arg_count(a), sizeof(*w->keywords));
	if (w->keywords == NULL)
		return "Too many flags";
	for (; a != NULL; a = a->next) {
		if (!slice_starts(a->text, "\\")) {
			if (a->text.n > MAX_KEYWORD)
				return "Keyword too long";
			w->keywords[w->n++] = a->text;
			continue;
		}
		flag = update_system_flag(a->text);
		if (flag == 0)
			return "This flag cannot be set";
		w->flags |= flag;
	}
	return NULL;
}
