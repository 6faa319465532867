/* SPDX-License-Identifier: ISC */
/* Every compiled-in limit, a reason each. What an admin may change is a
 * setting. */
#ifndef LIBBASE_CEILINGS_H
#define LIBBASE_CEILINGS_H

#define KIB 1024u
#define MIB (1024u * 1024u)

/* Names and addresses. */

/* RFC 5321 4.5.3.1: 64 + 1 + 255 */
#define MAX_USER         320
#define MAX_ADDRESS      320
/* Octets of UTF-8; deeper trees are not usable. */
#define MAX_MAILBOX_NAME 1000
/* What ext4, xfs and btrfs can hold. */
#define MAX_FILE_NAME    255

/* IMAP. */

/* RFC 7162 4 says at least 8192; sets are long. */
#define MAX_IMAP_LINE      (64 * KIB)
/* Before login: user name and password. */
#define MAX_LITERAL_NOAUTH (4 * KIB)
/* A literal that is not a message. */
#define MAX_LITERAL_ARG    (64 * KIB)
/* LITERAL+ over the limit: read away up to here, else BYE. */
#define MAX_LITERAL_DRAIN  (1 * MIB)
/* Everything one command allocates. */
#define MAX_COMMAND_ARENA  (4 * MIB)
/* Of a set in a command: fits a 64 KiB line. */
#define MAX_SEQSET_RANGES  (16 * KIB)
/* Of a set made from a mailbox. */
#define MAX_VIEW_RANGES    (1024 * KIB)
/* Expunges of a mailbox told one by one to who was away: 256 KiB. */
#define MAX_EXPUNGE_LOG    (16 * KIB)
/* The last changes of a mailbox, to be found without a look at all of it. */
#define MAX_CHANGE_LOG     (2 * KIB)
/* Keys of one SORT or THREAD: two million messages in a mailbox, or a hundred
 * thousand hostile ones. */
#define MAX_SORT_MEMORY    (256 * MIB)
/* In a row, then BYE. */
#define MAX_BAD_COMMANDS   20
/* Parentheses, SEARCH terms. */
#define MAX_NESTING        32

/* POP3 and SMTP. */

/* RFC 2449 4 says 255; SASL needs more. */
#define MAX_POP3_LINE 8192
/* RFC 4954 4: AUTH lines up to 12288. */
#define MAX_SMTP_LINE 12288
/* Then 421. */
#define MAX_SMTP_BAD  20

/* What a session keeps loaded of mailboxes that nobody has open: a client's
 * usual round. Some 250 bytes a message. */
#define MAX_KEPT_MAILBOXES 16
#define MAX_KEPT_MESSAGES  200000

/* Messages. */

/* Nested parts; deeper ones are leaves. */
#define MAX_MIME_DEPTH    64
/* Of one message; later ones are body text. */
#define MAX_MIME_PARTS    10000
/* Of one header that we look at. */
#define MAX_HEADER_BYTES  (256 * KIB)
/* Of one Content-Type. */
#define MAX_PARAMS        64
/* Of one field: long To lists are real. */
#define MAX_ADDRESSES     20000
/* Parsed structure of one message. */
#define MAX_MESSAGE_ARENA (8 * MIB)
/* RFC 2046 says 70; be kind. */
#define MAX_BOUNDARY      256

/* Output and channels. */

#define OUT_LOW  (64 * KIB)
#define OUT_HIGH (256 * KIB)
#define IO_BLOCK (64 * KIB)

/* Processes. */

/* Under the default wmem_max of 208 KiB. */
#define MAX_IPC_DATAGRAM (128 * KIB)
/* Delivery processes at one time: they are the disk's load, not the net's. */
#define MAX_DELIVERERS   32
/* A parked session. */
#define MAX_PACKED       (64 * KIB)

#endif
