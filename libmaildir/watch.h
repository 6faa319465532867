/* SPDX-License-Identifier: ISC */
/*
 * Who else changed the folder: inotify on cur and new of open mailboxes, one
 * descriptor a process. What we do ourselves is announced first and ticked
 * off by name; what is left over is a stranger's. Where inotify cannot be had
 * (limits of the user) the mailboxes are polled.
 *
 * The program watches watch_fd() and calls watch_read() when it is readable.
 */
#ifndef LIBMAILDIR_WATCH_H
#define LIBMAILDIR_WATCH_H

#include "libbase/err.h"
#include "libbase/slice.h"

struct watch;
struct watch_folder; /* watches: cur and new, and where the folder lies */

struct watch *watch_new(void); /* never fails; may be without inotify */
void watch_free(struct watch **w);
/* To be read, or -1: poll. Closed by watch_free. Set non-blocking. */
int watch_fd(const struct watch *w);
/* Read all that is there and mark folders. true when any was marked. */
bool watch_read(struct watch *w);

/* Begin with a folder (its descriptors are used at once, not kept). root_fd:
 * the folder that it lies in, -1 for none; when any folder is taken away from
 * there, it is dirty. NULL when the kernel grants none: that folder must be
 * polled. */
struct watch_folder *
watch_add(struct watch *w, int cur_fd, int new_fd, int root_fd);
void watch_remove(struct watch_folder **wf);

enum watch_event {
	WATCH_IN,  /* name appears: link, rename to, create */
	WATCH_OUT, /* name vanishes: unlink, rename from */
};
enum watch_dir {
	WATCH_CUR,
	WATCH_NEW
};
/* Events not explained by ourselves since the last watch_clear? NULL: true. */
bool watch_is_dirty(const struct watch_folder *wf);
/* The same of one of the two. */
bool watch_is_dirty_in(const struct watch_folder *wf, enum watch_dir dir);
void watch_clear(struct watch_folder *wf);
/* The folder itself was removed or moved away. */
bool watch_is_gone(const struct watch_folder *wf);

/* We are about to do it / it failed, forget. NULL wf does nothing. */
void watch_expect(struct watch_folder *wf, enum watch_dir dir,
    enum watch_event ev, struct slice name);
void watch_forget(struct watch_folder *wf, enum watch_dir dir,
    enum watch_event ev, struct slice name);

#endif
