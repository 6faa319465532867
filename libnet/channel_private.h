/* SPDX-License-Identifier: ISC */
/* The hello's layout, for both ends; libnet alone. */
#ifndef LIBNET_CHANNEL_PRIVATE_H
#define LIBNET_CHANNEL_PRIVATE_H

#include "libnet/channel.h"

#define CHANNEL_MAGIC   0x4c484352u /* "RCHL" */
#define CHANNEL_VERSION 1u

struct channel_wire {
	uint32_t magic, version, flags, hello_len, input_len;
};
_Static_assert(sizeof(struct channel_wire) == CHANNEL_HEADER, "no padding");

#endif
