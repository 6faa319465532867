/* SPDX-License-Identifier: ISC */
/*
 * The settings common to all daemons. One file serves the whole family of
 * daemons, so all of them know all of these; a program adds rows of its own in
 * its settings.h, which no other may refuse: those of imapd, pop3d and submitd
 * stand here too as far as they share the file.
 *
 * X(name, type, default, min, max, roles that are told, help)
 * Lists: members separated by a blank. Durations in ms, sizes in bytes.
 */
#ifndef LIBSERVER_SETTINGS_H
#define LIBSERVER_SETTINGS_H

#include "libserver/conf.h"

#define S_FE   R_BIT(R_FRONTEND)
#define S_AUTH (R_BIT(R_AUTH) | R_BIT(R_HELPER))
#define S_NURS R_BIT(R_NURSERY)
#define S_SESS (R_BIT(R_NURSERY) | R_BIT(R_SESSION) | R_BIT(R_DELIVER))
#define S_QUE  R_BIT(R_QUEUE)
#define S_ALL  (R_ALL & ~R_BIT(R_CTL))
#define S_DAY  86400000ull
#define S_MANY 10000000ull

/* clang-format off */
#define SETTINGS_COMMON(X) \
/* who we are */ \
X(hostname, SET_STRING, "", 0, 255, S_ALL, "Name of this host in greetings and Received; empty: the fully qualified name of the machine.") \
X(domains, SET_STRINGS, "", 0, 1000, S_AUTH | S_QUE | S_FE | S_SESS, "Mail domains whose addresses are local.") \
X(aliases, SET_PATH, "/etc/restante/aliases", 0, 1023, S_QUE | S_AUTH, "Aliases, in the syntax of /etc/aliases.") \
X(catch_all, SET_STRING, "", 0, 320, S_QUE | S_AUTH, "User who gets mail for local addresses that nobody has; empty: it is refused.") \
X(recipient_delimiter, SET_STRING, "+", 0, 1, S_QUE | S_AUTH | S_SESS | S_FE, "What separates a user name from the detail behind it in an address.") \
/* mail */ \
X(mail_location, SET_STRING, "~/Maildir", 1, 1023, S_AUTH, "Mail folder of a user: %u name, %n before the @, %d domain, %h home.") \
X(control_location, SET_STRING, "", 0, 1023, S_AUTH, "Folder of uidlist and subscriptions; empty: in the mail folder.") \
X(index_location, SET_STRING, "", 0, 1023, S_AUTH, "Folder of the index, a cache; empty: in the mail folder.") \
X(index_cache_headers, SET_STRINGS, "", 0, 255, S_SESS, "Header fields that the index keeps of each message; empty: those that common clients ask for.") \
X(namespace_prefix, SET_STRING, "", 0, 64, S_SESS | S_FE, "Prefix of the names of personal mailboxes: empty, or INBOX and the separator.") \
X(separator, SET_ENUM, "/|.", 0, 0, S_SESS | S_FE, "Hierarchy separator that IMAP clients see.") \
X(folder_names, SET_ENUM, "mutf7|utf8", 0, 0, S_SESS, "How names of folders are written on disk.") \
X(stamp_grain, SET_DURATION, "10 ms", 1, 10000, S_SESS, "How coarse times of the mail's file system are: 10 ms on local disks, 2 s elsewhere.") \
X(poll_interval, SET_DURATION, "5 s", 100, 3600000, S_SESS, "How often a mailbox is looked at for clients that wait (IDLE) where the kernel does not tell of changes.") \
X(message_size, SET_SIZE, "64M", 65536, 1ull << 40, S_SESS | S_FE | S_QUE, "Largest message that is taken.") \
X(special_folders, SET_BOOL, "true", 0, 0, S_SESS, "Folders for drafts, sent, deleted, unwanted mail and an archive are made and subscribed at a user's first IMAP login.") \
X(folder_drafts, SET_STRING, "Drafts", 0, 255, S_SESS, "Folder of drafts; empty: none is made, only known names count.") \
X(folder_sent, SET_STRING, "Sent", 0, 255, S_SESS, "Folder of sent mail; empty: none is made, only known names count.") \
X(folder_trash, SET_STRING, "Trash", 0, 255, S_SESS, "Folder of deleted mail; empty: none is made, only known names count.") \
X(folder_junk, SET_STRING, "Junk", 0, 255, S_SESS, "Folder of unwanted mail; empty: none is made, only known names count.") \
X(folder_archive, SET_STRING, "Archive", 0, 255, S_SESS, "Folder of mail put away; empty: none is made, only known names count.") \
X(quota_grace, SET_NUMBER, "10", 0, 100, S_SESS, "Percent of a user's quota of bytes by which one last message may go over it.") \
/* POP3 */ \
X(pop3_mark_seen, SET_BOOL, "true", 0, 0, S_SESS, "A message that RETR sends is marked as seen.") \
X(pop3_uidl_format, SET_UIDL, "%08Xu%08Xv", 0, 0, S_SESS, "How POP3 names messages: %u UID, %v UIDVALIDITY, %f file name, %g GUID.") \
X(pop3_keep, SET_DURATION, "0", 0, 3660 * S_DAY, S_SESS, "How long IMAP still shows what POP3 deleted; 0: it is gone at once.") \
X(pop3_exclusive, SET_BOOL, "false", 0, 0, S_SESS, "Only one POP3 session of a user at a time; others are told [IN-USE].") \
X(pop3_login_delay, SET_DURATION, "0", 0, S_DAY, S_SESS | S_FE, "Least time between two POP3 logins of a user; 0: any.") \
/* who may come in */ \
X(users_file, SET_PATH, "/etc/restante/users", 0, 1023, S_AUTH, "Virtual users with their passwords and attributes.") \
X(first_uid, SET_NUMBER, "1000", 1, 4294967294ull, S_AUTH | S_NURS, "Accounts below this uid are refused.") \
X(virtual_uids, SET_UIDS, "", 0, 0, S_AUTH, "Range of uids, LOW-HIGH, from which virtual users get theirs.") \
X(pam_confdir, SET_PATH, "", 0, 1023, S_AUTH, "Private folder of PAM services; empty: /etc/pam.d.") \
X(pam_session, SET_BOOL, "false", 0, 0, S_AUTH, "Open a PAM session for each login.") \
X(auth_helpers, SET_NUMBER, "8", 1, 64, S_AUTH, "Most PAM conversations at one time.") \
X(auth_timeout, SET_DURATION, "30 s", 100, 600000, S_AUTH, "A PAM conversation that takes longer is a temporary failure.") \
X(auth_delay, SET_DURATION, "2 s", 0, 60000, S_AUTH, "Pause before a refused login is answered; grows with the tries of an address.") \
X(auth_throttle, SET_NUMBER, "10", 0, S_MANY, S_AUTH, "Wrong passwords a minute from one address before the pauses grow; 0: they never do.") \
/* processes */ \
X(run_dir, SET_PATH, "/run/restante", 1, 90, R_BIT(R_PARENT) | R_BIT(R_CTL), "Folder of control sockets and pid files.") \
X(spool_dir, SET_PATH, "/var/spool/restante", 1, 1023, S_QUE | R_BIT(R_CTL), "Folder of the mail queue.") \
X(empty_dir, SET_PATH, "/var/lib/restante/empty", 1, 1023, S_ALL, "An empty folder owned by root: the whole world of processes that talk to strangers.") \
X(net_user, SET_UID, "_restante-net", 1, 64, S_ALL, "User, number or name in /etc/passwd, of processes that talk to strangers.") \
X(queue_user, SET_UID, "_restante-queue", 1, 64, S_ALL, "User that owns the mail queue.") \
X(log_user, SET_UID, "_restante-log", 1, 64, S_ALL, "User of the process that writes the log.") \
X(log, SET_STRING, "syslog", 1, 1023, R_BIT(R_PARENT) | R_BIT(R_LOG), "Where the log goes: stderr, syslog, or the path of a file.") \
X(log_level, SET_ENUM, "info|debug|warn|error", 0, 0, S_ALL, "The least severity that is logged.") \
X(frontends, SET_NUMBER, "0", 0, 64, R_BIT(R_PARENT), "Processes that talk to clients; 0: one a core, at most four (imapd), one (others).") \
X(session_linger, SET_DURATION, "5 min", 0, S_DAY, S_SESS, "How long the process of a user waits for the next connection.") \
X(drain_time, SET_DURATION, "30 s", 0, S_DAY, S_ALL, "How long connections may take to end when the daemon is stopped.") \
X(park_after, SET_NUMBER, "0", 0, 1000000, S_SESS, "Commands after which a connection is packed and given to a new process; 0: never.") \
/* the network */ \
X(certificates, SET_CERTS, "", 0, 100, R_BIT(R_PARENT), "Certificates with their keys: groups of certificate and key, paths of PEM files; chosen by the name the client asks for, the first is the default.") \
X(trusted_networks, SET_NETWORKS, "", 0, 1000, S_FE | S_AUTH, "Networks of proxies whose PROXY header is believed.") \
X(internal_networks, SET_NETWORKS, "", 0, 1000, S_FE | S_AUTH, "Networks of our own.") \
X(imap, SET_BOOL, "false", 0, 0, S_ALL, "imapd serves.") \
X(pop3, SET_BOOL, "false", 0, 0, S_ALL, "pop3d serves.") \
X(submission, SET_BOOL, "true", 0, 0, S_ALL, "submitd serves.") \
X(imap_listen, SET_LISTEN, "*:143", 0, 32, R_BIT(R_PARENT), "Addresses of IMAP with STARTTLS.") \
X(imaps_listen, SET_LISTEN, "*:993", 0, 32, R_BIT(R_PARENT), "Addresses of IMAP under TLS.") \
X(pop3_listen, SET_LISTEN, "*:110", 0, 32, R_BIT(R_PARENT), "Addresses of POP3 with STLS.") \
X(pop3s_listen, SET_LISTEN, "*:995", 0, 32, R_BIT(R_PARENT), "Addresses of POP3 under TLS.") \
X(submission_listen, SET_LISTEN, "*:587", 0, 32, R_BIT(R_PARENT), "Addresses of submission with STARTTLS.") \
X(submissions_listen, SET_LISTEN, "*:465", 0, 32, R_BIT(R_PARENT), "Addresses of submission under TLS.") \
X(login_timeout, SET_DURATION, "60 s", 1000, S_DAY, S_FE, "A connection that has not logged in by then is closed.") \
X(imap_timeout, SET_DURATION, "30 min", 60000, 7 * S_DAY, S_SESS | S_FE, "Inactivity after which an IMAP connection is closed.") \
X(pop3_timeout, SET_DURATION, "10 min", 60000, S_DAY, S_SESS | S_FE, "Inactivity after which a POP3 connection is closed.") \
X(smtp_timeout, SET_DURATION, "5 min", 1000, S_DAY, S_FE | S_QUE, "Inactivity after which an SMTP connection is closed.") \
X(max_connections, SET_NUMBER, "10000", 1, 1000000, S_FE | S_NURS, "Connections at one time to a daemon.") \
X(max_user_connections, SET_NUMBER, "50", 1, 100000, S_NURS | S_AUTH | S_QUE, "Connections at one time of one user.") \
X(max_address_connections, SET_NUMBER, "500", 1, 1000000, S_FE, "Connections at one time from one address, or one /64 of IPv6, before login.") \
/* submission */ \
X(max_recipients, SET_NUMBER, "1000", 1, 100000, S_FE | S_QUE, "Recipients of one message.") \
X(user_messages_hour, SET_NUMBER, "500", 1, S_MANY, S_FE | S_QUE, "Messages a user may submit in an hour.") \
X(user_recipients_hour, SET_NUMBER, "5000", 1, S_MANY, S_FE | S_QUE, "Recipients a user may name in an hour.")
/* clang-format on */

#endif
