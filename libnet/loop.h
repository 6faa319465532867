/* SPDX-License-Identifier: ISC */
/*
 * The event loop (libev behind it), timers, watched descriptors, time slices
 * and the end of a round.
 *
 * A round: wait for events; run the callbacks of what happened; run whoever
 * asked to be run soon; send what connections have queued; run what was
 * deferred; check that nothing sleeps for ever. One loop a process, one
 * thread. Nothing here is thread-safe.
 */
#ifndef LIBNET_LOOP_H
#define LIBNET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "libbase/attr.h"
#include "libbase/err.h"

struct loop;

/* NULL and err when the kernel gives no descriptor. */
struct loop *loop_new(struct err *err) MUST_CHECK;
/* Run rounds until loop_stop(), or until nothing is left that could ever
 * happen. */
void loop_run(struct loop *loop);
/* One round. wait: block until something happens; else only look. False when
 * nothing is left that could ever happen. For tests and for draining. */
bool loop_round(struct loop *loop, bool wait);
void loop_stop(struct loop *loop); /* loop_run returns after this round */
/* Takes the address, accepts NULL, leaves NULL. Watchers and timers of it must
 * be stopped or never touched again; connections and listeners closed. In a
 * forked child this frees the parent's loop without disturbing the parent; a
 * child makes a loop of its own. */
void loop_free(struct loop **loop);

/* --- timers: embedded, owned by whoever embeds ------------------------- */
struct timer {
	struct loop *loop;
	void (*cb)(void *arg);
	void *arg;
	void *ev; /* of loop.c */
};
/* Nothing is allocated before timer_start_ms. */
void timer_init(
    struct timer *t, struct loop *loop, void (*cb)(void *arg), void *arg);
/* Once, ms from now (0: next round). An active timer starts anew. */
void timer_start_ms(struct timer *t, uint64_t ms);
void timer_stop(struct timer *t); /* no-op when not active or zeroed */
bool timer_is_active(const struct timer *t);

/* --- descriptors: embedded; the descriptor stays the caller's ----------- */
enum loop_events {
	LOOP_READ = 1,
	LOOP_WRITE = 2
};
struct iowatch {
	struct loop *loop;
	int fd;
	unsigned events; /* what is watched now */
	void (*cb)(void *arg, unsigned events);
	void *arg;
	void *ev; /* of loop.c */
};
void iowatch_init(struct iowatch *w, struct loop *loop, int fd,
    void (*cb)(void *arg, unsigned events), void *arg);
/* Watch exactly these (level-triggered); 0 is as iowatch_stop. */
void iowatch_set(struct iowatch *w, unsigned events);
/* Must be called before the descriptor is closed. No-op on a zeroed one. */
void iowatch_stop(struct iowatch *w);

/* --- signals, children ------------------------------------------------- */
/* cb runs in the loop, not in the handler. Once a signal and process, kept
 * until loop_free. It does not keep loop_run going. */
void loop_signal(struct loop *loop, int signum,
    void (*cb)(void *arg, int signum), void *arg);

/* --- the round --------------------------------------------------------- */
/* Run fn(arg) at the end of this round, after the queued output has been sent
 * (deferred frees). May be called from such a function: then next round. */
void loop_defer(struct loop *loop, void (*fn)(void *arg), void *arg);
/* Run fn(arg) in the next round, without waiting for events. */
void loop_soon(struct loop *loop, void (*fn)(void *arg), void *arg);
/* Called at the end of every round: a program asserts here that each unfinished
 * command has something that will wake it (B5). One a loop; NULL takes it off.
 * Connections check themselves. */
void loop_set_check(struct loop *loop, void (*check)(void *arg), void *arg);

/* --- time slices ------------------------------------------------------- */
#define LOOP_SLICE_US 5000
/* A callback that may run long starts a slice and stops when it is spent.
 * conn.c starts one before each on_ready. */
void loop_slice_start(struct loop *loop);
bool loop_slice_left(const struct loop *loop);

#endif
