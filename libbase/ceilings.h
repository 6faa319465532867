/* SPDX-License-Identifier: ISC */
/* Every compiled-in limit, a reason each. What an admin may change is a
 * setting. */
#ifndef LIBBASE_CEILINGS_H
#define LIBBASE_CEILINGS_H

#define KIB 1024u
#define MIB (1024u * 1024u)

/* names and addresses */
#define MAX_USER    320 /* RFC 5321 4.5.3.1: 64 + 1 + 255 */
#define MAX_ADDRESS 320 /* the same */
#define MAX_MAILBOX_NAME                                                       \
	1000              /* octets of UTF-8; deeper trees are not usable      \
			   */
#define MAX_FILE_NAME 255 /* what ext4, xfs, btrfs can hold */

/* IMAP */
#define MAX_IMAP_LINE                                                          \
	(64 * KIB) /* RFC 7162 4: at least 8192; sets are long                 \
		    */
#define MAX_LITERAL_NOAUTH                                                     \
	(4 * KIB)                  /* before login: user name and password     \
				    */
#define MAX_LITERAL_ARG (64 * KIB) /* a literal that is not a message */
#define MAX_LITERAL_DRAIN                                                      \
	(1 * MIB) /* LITERAL+ over the limit: read away, else BYE */
#define MAX_COMMAND_ARENA (4 * MIB) /* everything one command allocates */
#define MAX_SEQSET_RANGES                                                      \
	(16 * KIB) /* of a set in a command: fits a 64 KiB line */
#define MAX_VIEW_RANGES  (1024 * KIB) /* of a set made from a mailbox */
#define MAX_BAD_COMMANDS 20           /* in a row, then BYE */
#define MAX_NESTING      32           /* parentheses, SEARCH terms */

/* POP3, SMTP */
#define MAX_POP3_LINE 8192  /* RFC 2449 4 says 255; SASL needs more */
#define MAX_SMTP_LINE 12288 /* RFC 4954 4.: AUTH lines up to 12288 */
#define MAX_SMTP_BAD  20

/* messages */
#define MAX_MIME_DEPTH    64    /* nested parts; deeper ones are leaves */
#define MAX_MIME_PARTS    10000 /* of one message; later ones are body text */
#define MAX_HEADER_BYTES  (256 * KIB) /* of one header that we look at */
#define MAX_PARAMS        64          /* of one Content-Type */
#define MAX_ADDRESSES     20000       /* of one field: long To lists are real */
#define MAX_MESSAGE_ARENA (8 * MIB)   /* parsed structure of one message */
#define MAX_BOUNDARY      256         /* RFC 2046 says 70; be kind */

/* output and channels */
#define OUT_LOW  (64 * KIB)
#define OUT_HIGH (256 * KIB)
#define IO_BLOCK (64 * KIB)

/* processes */
#define MAX_IPC_DATAGRAM                                                       \
	(128 * KIB)           /* under the default wmem_max of 208 KiB         \
			       */
#define MAX_PACKED (64 * KIB) /* a parked session */

#endif
