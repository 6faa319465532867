/* SPDX-License-Identifier: ISC */
/*
 * THREAD: whatever messages refer to, each is told once in a response that is
 * one. A message a line: kind and dates, identifier, references with blanks
 * between.
 * plants: 57
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/imapd/thread_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add(struct thread_tree *t, uint32_t seq, struct slice line)
{
	struct sort_record rec = { .sent = seq };
	struct slice word;
	struct buf refs;

	if (line.n > 1) {
		rec.sent = line.p[0];
		rec.arrival = line.p[1];
		rec.is_reply = (line.p[0] & 1) != 0;
		rec.text[SORT_SUBJECT] = slice_of(line.p + 1, 1);
		line = slice_from(line, 2);
	}
	buf_init(&refs, 8 * KIB);
	(void)slice_cut(&line, ' ', &rec.id);
	while (slice_cut(&line, ' ', &word) || word.n > 0) {
		buf_put_slice(&refs, word);
		buf_putc(&refs, '\n');
		word = SLICE_NONE;
	}
	rec.references = buf_slice(&refs);
	thread_tree_add(t, seq, &rec);
	buf_free(&refs);
}

static void
run(struct slice in, enum thread_kind kind)
{
	struct thread_tree t;
	struct buf out;
	struct slice line;
	uint32_t n = 0;
	bool more = true;

	thread_tree_init(&t, kind, 16 * MIB);
	while (more) {
		more = slice_cut(&in, '\n', &line);
		add(&t, ++n, line);
	}
	buf_init(&out, MIB);
	if (!thread_text(&t, 1 + n % 5, &out) ||
	    !thread_text_is_sound(buf_slice(&out), n))
		abort();
	buf_free(&out);
	thread_tree_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4096 || memchr(data, '\0', size) != NULL)
		return 0;
	run(slice_of(data, size), THREAD_ORDEREDSUBJECT);
	run(slice_of(data, size), THREAD_REFERENCES);
	run(slice_of(data, size), THREAD_REFS);
	return 0;
}
