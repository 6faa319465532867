/* SPDX-License-Identifier: ISC */
/* Roles of folders: found by name, made at the first login. */
#include <errno.h>
#include <limits.h>

#include "libbase/arena.h"
#include "libmaildir/io.h"
#include "libmaildir/roles.h"
#include "libmaildir/store_private.h"

static const char *const attributes[] = {
	[ROLE_DRAFTS] = "\\Drafts",
	[ROLE_SENT] = "\\Sent",
	[ROLE_TRASH] = "\\Trash",
	[ROLE_JUNK] = "\\Junk",
	[ROLE_ARCHIVE] = "\\Archive",
};

/* What clients make (Thunderbird, Outlook, Apple Mail, webmails), and what
 * they call it in other languages. In each role the first one wins. A word that
 * means different things in two languages is left out. */
static const struct {
	enum folder_role role;
	const char *name;
} known[] = {
	{ ROLE_DRAFTS, "Drafts" },
	{ ROLE_DRAFTS, "Draft" },
	{ ROLE_DRAFTS, "Draft Messages" },
	{ ROLE_DRAFTS, "Entwürfe" },
	{ ROLE_DRAFTS, "Brouillons" },
	{ ROLE_DRAFTS, "Borradores" },
	{ ROLE_DRAFTS, "Bozze" },
	{ ROLE_DRAFTS, "Concepten" },
	{ ROLE_DRAFTS, "Rascunhos" },
	{ ROLE_DRAFTS, "Kopie robocze" },
	{ ROLE_DRAFTS, "Szkice" },
	{ ROLE_DRAFTS, "Koncepty" },
	{ ROLE_DRAFTS, "Utkast" },
	{ ROLE_DRAFTS, "Kladder" },
	{ ROLE_DRAFTS, "Luonnokset" },
	{ ROLE_DRAFTS, "Piszkozatok" },
	{ ROLE_DRAFTS, "Ciorne" },
	{ ROLE_DRAFTS, "Taslaklar" },
	{ ROLE_DRAFTS, "Πρόχειρα" },
	{ ROLE_DRAFTS, "Черновики" },
	{ ROLE_DRAFTS, "Чернетки" },
	{ ROLE_DRAFTS, "下書き" },
	{ ROLE_DRAFTS, "草稿" },
	{ ROLE_DRAFTS, "草稿箱" },
	{ ROLE_DRAFTS, "임시 보관함" },

	{ ROLE_SENT, "Sent" },
	{ ROLE_SENT, "Sent Items" },
	{ ROLE_SENT, "Sent Messages" },
	{ ROLE_SENT, "Sent Mail" },
	{ ROLE_SENT, "Sent-Mail" },
	{ ROLE_SENT, "Gesendet" },
	{ ROLE_SENT, "Gesendete Elemente" },
	{ ROLE_SENT, "Gesendete Objekte" },
	{ ROLE_SENT, "Envoyés" },
	{ ROLE_SENT, "Éléments envoyés" },
	{ ROLE_SENT, "Messages envoyés" },
	{ ROLE_SENT, "Enviados" },
	{ ROLE_SENT, "Elementos enviados" },
	{ ROLE_SENT, "Itens enviados" },
	{ ROLE_SENT, "Inviata" },
	{ ROLE_SENT, "Posta inviata" },
	{ ROLE_SENT, "Verzonden" },
	{ ROLE_SENT, "Verzonden items" },
	{ ROLE_SENT, "Wysłane" },
	{ ROLE_SENT, "Elementy wysłane" },
	{ ROLE_SENT, "Odeslané" },
	{ ROLE_SENT, "Odeslaná pošta" },
	{ ROLE_SENT, "Skickat" },
	{ ROLE_SENT, "Skickade objekt" },
	{ ROLE_SENT, "Sendt" },
	{ ROLE_SENT, "Sendt post" },
	{ ROLE_SENT, "Sendte elementer" },
	{ ROLE_SENT, "Lähetetyt" },
	{ ROLE_SENT, "Elküldött" },
	{ ROLE_SENT, "Elküldött elemek" },
	{ ROLE_SENT, "Trimise" },
	{ ROLE_SENT, "Elemente trimise" },
	{ ROLE_SENT, "Gönderilmiş Öğeler" },
	{ ROLE_SENT, "Απεσταλμένα" },
	{ ROLE_SENT, "Отправленные" },
	{ ROLE_SENT, "Надіслані" },
	{ ROLE_SENT, "送信済み" },
	{ ROLE_SENT, "送信済みアイテム" },
	{ ROLE_SENT, "送信済みトレイ" },
	{ ROLE_SENT, "已发送" },
	{ ROLE_SENT, "已发送邮件" },
	{ ROLE_SENT, "보낸 편지함" },

	{ ROLE_TRASH, "Trash" },
	{ ROLE_TRASH, "Deleted Items" },
	{ ROLE_TRASH, "Deleted Messages" },
	{ ROLE_TRASH, "Deleted" },
	{ ROLE_TRASH, "Papierkorb" },
	{ ROLE_TRASH, "Gelöschte Elemente" },
	{ ROLE_TRASH, "Gelöschte Objekte" },
	{ ROLE_TRASH, "Corbeille" },
	{ ROLE_TRASH, "Éléments supprimés" },
	{ ROLE_TRASH, "Papelera" },
	{ ROLE_TRASH, "Elementos eliminados" },
	{ ROLE_TRASH, "Lixeira" },
	{ ROLE_TRASH, "Itens excluídos" },
	{ ROLE_TRASH, "Itens eliminados" },
	{ ROLE_TRASH, "Cestino" },
	{ ROLE_TRASH, "Posta eliminata" },
	{ ROLE_TRASH, "Prullenbak" },
	{ ROLE_TRASH, "Verwijderde items" },
	{ ROLE_TRASH, "Kosz" },
	{ ROLE_TRASH, "Elementy usunięte" },
	{ ROLE_TRASH, "Koš" },
	{ ROLE_TRASH, "Odstraněná pošta" },
	{ ROLE_TRASH, "Papperskorgen" },
	{ ROLE_TRASH, "Borttagna objekt" },
	{ ROLE_TRASH, "Papirkurv" },
	{ ROLE_TRASH, "Slettet post" },
	{ ROLE_TRASH, "Slettede elementer" },
	{ ROLE_TRASH, "Roskakori" },
	{ ROLE_TRASH, "Törölt elemek" },
	{ ROLE_TRASH, "Coș de gunoi" },
	{ ROLE_TRASH, "Elemente șterse" },
	{ ROLE_TRASH, "Çöp Kutusu" },
	{ ROLE_TRASH, "Silinmiş Öğeler" },
	{ ROLE_TRASH, "Απορρίμματα" },
	{ ROLE_TRASH, "Корзина" },
	{ ROLE_TRASH, "Удаленные" },
	{ ROLE_TRASH, "Удалённые" },
	{ ROLE_TRASH, "Кошик" },
	{ ROLE_TRASH, "Видалені" },
	{ ROLE_TRASH, "ごみ箱" },
	{ ROLE_TRASH, "削除済みアイテム" },
	{ ROLE_TRASH, "已删除" },
	{ ROLE_TRASH, "已删除邮件" },
	{ ROLE_TRASH, "휴지통" },
	{ ROLE_TRASH, "지운 편지함" },

	{ ROLE_JUNK, "Junk" },
	{ ROLE_JUNK, "Junk E-mail" },
	{ ROLE_JUNK, "Junk Email" },
	{ ROLE_JUNK, "Junk Mail" },
	{ ROLE_JUNK, "Junk Messages" },
	{ ROLE_JUNK, "Spam" },
	{ ROLE_JUNK, "Bulk Mail" },
	{ ROLE_JUNK, "Spamverdacht" },
	{ ROLE_JUNK, "Unerwünscht" },
	{ ROLE_JUNK, "Junk-E-Mail" },
	{ ROLE_JUNK, "Indésirables" },
	{ ROLE_JUNK, "Courrier indésirable" },
	{ ROLE_JUNK, "Pourriel" },
	{ ROLE_JUNK, "Correo no deseado" },
	{ ROLE_JUNK, "Lixo eletrônico" },
	{ ROLE_JUNK, "Posta indesiderata" },
	{ ROLE_JUNK, "Ongewenst" },
	{ ROLE_JUNK, "Ongewenste e-mail" },
	{ ROLE_JUNK, "Wiadomości-śmieci" },
	{ ROLE_JUNK, "Nevyžádaná pošta" },
	{ ROLE_JUNK, "Skräppost" },
	{ ROLE_JUNK, "Uønsket mail" },
	{ ROLE_JUNK, "Søppelpost" },
	{ ROLE_JUNK, "Roskaposti" },
	{ ROLE_JUNK, "Levélszemét" },
	{ ROLE_JUNK, "Önemsiz E-posta" },
	{ ROLE_JUNK, "Ανεπιθύμητα" },
	{ ROLE_JUNK, "Спам" },
	{ ROLE_JUNK, "Нежелательная почта" },
	{ ROLE_JUNK, "Небажана пошта" },
	{ ROLE_JUNK, "迷惑メール" },
	{ ROLE_JUNK, "垃圾邮件" },
	{ ROLE_JUNK, "스팸" },
	{ ROLE_JUNK, "정크 메일" },

	{ ROLE_ARCHIVE, "Archive" },
	{ ROLE_ARCHIVE, "Archives" },
	{ ROLE_ARCHIVE, "Archived" },
	{ ROLE_ARCHIVE, "Archiv" },
	{ ROLE_ARCHIVE, "Archivo" },
	{ ROLE_ARCHIVE, "Archivio" },
	{ ROLE_ARCHIVE, "Archief" },
	{ ROLE_ARCHIVE, "Arquivo" },
	{ ROLE_ARCHIVE, "Archiwum" },
	{ ROLE_ARCHIVE, "Arkiv" },
	{ ROLE_ARCHIVE, "Arkisto" },
	{ ROLE_ARCHIVE, "Archívum" },
	{ ROLE_ARCHIVE, "Arhivă" },
	{ ROLE_ARCHIVE, "Arşiv" },
	{ ROLE_ARCHIVE, "Αρχείο" },
	{ ROLE_ARCHIVE, "Архив" },
	{ ROLE_ARCHIVE, "Архів" },
	{ ROLE_ARCHIVE, "アーカイブ" },
	{ ROLE_ARCHIVE, "归档" },
	{ ROLE_ARCHIVE, "存档" },
};

const char *
role_attribute(enum folder_role role)
{
	return attributes[role];
}

/* ---- found ---- */

/* Candidates of each role; the lower rank wins. */
struct search {
	const struct roles_conf *conf;
	struct roles found;
	unsigned rank[N_ROLES];
};

static void
offer(struct search *s, enum folder_role role, unsigned rank, struct slice name)
{
	if (rank >= s->rank[role])
		return;
	s->rank[role] = rank;
	s->found.names[role] = name;
}

/* local: the name without the prefix. */
static void
look_at(struct search *s, struct slice name, struct slice local, char separator)
{
	unsigned i;

	for (i = 0; i < N_ROLES; i++) {
		if (slice_ieq_str(local, s->conf->names[i])) {
			offer(s, (enum folder_role)i, 0, name);
			return; /* the admin knows better than the table */
		}
	}
	if (slice_find(local, separator) >= 0)
		return;
	for (i = 0; i < N_ELEMENTS(known); i++) {
		if (slice_ieq_str(local, known[i].name)) {
			offer(s, known[i].role, i + 1, name);
			return;
		}
	}
}

void
roles_find(const struct store *st, struct store_list *list,
    const struct roles_conf *conf, struct roles *out)
{
	struct slice prefix = slice_str(st->prefix);
	struct search s = { .conf = conf };
	struct store_entry e;
	unsigned i;

	for (i = 0; i < N_ROLES; i++)
		s.rank[i] = UINT_MAX;
	store_list_rewind(list);
	while (store_list_next(list, &e)) {
		if ((e.flags & (STORE_NONEXISTENT | STORE_INBOX)) != 0 ||
		    e.name.n <= prefix.n ||
		    !slice_eq(slice_head(e.name, prefix.n), prefix))
			continue;
		look_at(&s, e.name, slice_from(e.name, prefix.n),
		    st->conf.separator);
	}
	store_list_rewind(list);
	*out = s.found;
}

/* ---- made ---- */

/* 1 there is none yet, 0, -1. */
static int
is_first_login(struct store *st, struct err *err)
{
	struct stat s;

	if (io_stat(st->control_fd, SUBS_FILE, &s) == 0 ||
	    (errno == ENOENT &&
		io_stat(st->mail_fd, SUBS_FILE_COURIER, &s) == 0))
		return 0;
	return errno == ENOENT ? 1 : err_sys(err, "stat " SUBS_FILE);
}

static int
make_folder(struct store *st, struct slice name, struct err *err)
{
	struct store_op *op = NULL;
	int r = store_create(st, name, &op, err);

	if (r == 0)
		r = store_op_run(op, err);
	/* by another process of the user, now */
	return r == -1 && err->code == ERR_EXISTS ? 0 : r;
}

static int
subscribe(struct store *st, struct slice name, struct err *err)
{
	struct store_op *op = NULL;

	if (store_subscribe(st, name, true, &op, err) == -1)
		return -1;
	return store_op_run(op, err);
}

static struct slice
full_name(const struct store *st, const char *local, struct arena *arena)
{
	struct slice name;
	struct buf b;

	buf_init(&b, 2 * MAX_MAILBOX_NAME);
	buf_puts(&b, st->prefix);
	buf_puts(&b, local);
	name = arena_slice(arena, buf_slice(&b));
	buf_free(&b);
	return name;
}

/* Folders of roles that nobody has; their names go into roles. */
static int
make_missing(struct store *st, const struct roles_conf *conf,
    struct roles *roles, struct arena *arena, unsigned *made, struct err *err)
{
	unsigned i;

	for (i = 0; i < N_ROLES; i++) {
		if (roles->names[i].p != NULL || conf->names[i][0] == '\0')
			continue;
		roles->names[i] = full_name(st, conf->names[i], arena);
		if (make_folder(st, roles->names[i], err) == -1)
			return -1;
		(*made)++;
	}
	return 0;
}

static int
make_and_subscribe(struct store *st, struct store_list *list,
    const struct roles_conf *conf, unsigned *made, struct err *err)
{
	struct arena arena;
	struct roles roles;
	unsigned i;
	int r;

	arena_init(&arena, N_ROLES * 2 * MAX_MAILBOX_NAME);
	roles_find(st, list, conf, &roles);
	r = make_missing(st, conf, &roles, &arena, made, err);
	for (i = 0; r == 0 && i < N_ROLES; i++) {
		if (roles.names[i].p != NULL)
			r = subscribe(st, roles.names[i], err);
	}
	arena_free(&arena);
	return r;
}

int
roles_make(struct store *st, const struct roles_conf *conf, unsigned *made_out,
    struct err *err)
{
	struct store_list *list;
	unsigned made = 0;
	int r = is_first_login(st, err);

	if (r == 1 && store_list_open(st, &list, err) == -1)
		r = -1;
	if (r == 1) {
		r = make_and_subscribe(st, list, conf, &made, err);
		store_list_close(list);
	}
	*made_out = made;
	return r;
}
