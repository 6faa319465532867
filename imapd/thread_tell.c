/* SPDX-License-Identifier: ISC */
/* A tree of threads as text, step by step along its links. */
#include "imapd/thread_tree.h"

enum {
	TELL_OPEN, /* a thread begins */
	TELL_NODE, /* a message, then what is below it */
	TELL_NEXT  /* all below it was told */
};

void
thread_tell_begin(struct thread_teller *tt, const struct thread_tree *t)
{
	*tt = (struct thread_teller){ .tree = t, .thread = t->first };
}

/* thread-list = "(" (thread-members / thread-nested) ")" */
static void
open_thread(struct thread_teller *tt, struct buf *out)
{
	const struct thread_node *top = &tt->tree->node[tt->thread];

	/* below a dummy there are always several */
	buf_puts(out, top->seq == 0 ? "((" : "(");
	tt->at = top->seq == 0 ? top->first : tt->thread;
	tt->phase = TELL_NODE;
}

static void
put_node(struct thread_teller *tt, struct buf *out, uint32_t number)
{
	const struct thread_node *node = tt->tree->node;
	uint32_t first = node[tt->at].first;

	buf_put_u64(out, number);
	if (first == THREAD_NONE) {
		tt->phase = TELL_NEXT;
		return;
	}
	buf_puts(out, node[first].next == THREAD_NONE ? " " : " (");
	tt->at = first;
}

/* A sibling, or one step back up. */
static void
go_on(struct thread_teller *tt, struct buf *out)
{
	const struct thread_node *node = tt->tree->node;
	const struct thread_node *n = &node[tt->at];

	if (tt->at == tt->thread) {
		buf_putc(out, ')');
		tt->thread = n->next;
		tt->phase = TELL_OPEN;
	} else if (n->next != THREAD_NONE) {
		buf_puts(out, ")(");
		tt->at = n->next;
		tt->phase = TELL_NODE;
	} else {
#if PLANT == 57
		buf_putc(out, ')');
#else
		if (node[n->parent].first != tt->at)
			buf_putc(out, ')');
#endif
		tt->at = n->parent;
	}
}

bool
thread_tell(struct thread_teller *tt, size_t max, struct buf *out,
    uint32_t (*number)(const void *arg, uint32_t seq), const void *arg)
{
	size_t end = out->n + max;

	while (tt->thread != THREAD_NONE && out->n < end) {
		switch (tt->phase) {
		case TELL_OPEN:
			open_thread(tt, out);
			break;
		case TELL_NODE:
			put_node(
			    tt, out, number(arg, tt->tree->node[tt->at].seq));
			break;
		default:
			go_on(tt, out);
			break;
		}
	}
	return tt->thread == THREAD_NONE;
}
