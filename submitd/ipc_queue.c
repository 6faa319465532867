/* SPDX-License-Identifier: ISC */
/* The rules of submitd's own messages. */
#include "submitd/ipc_queue.h"

const struct ipc_rule ipc_queue_rules[] = {
	IPC_QUEUE_MESSAGES(IPC_RULE){ .name = NULL },
};
