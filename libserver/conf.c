/* SPDX-License-Identifier: ISC */
/* Settings in memory: values by name, and the message that carries them. */
#include <assert.h>

#include "libbase/ceilings.h"
#include "libbase/mem.h"
#include "libserver/conf_store.h"

#define LIST_WIRE_MAX 4096u /* members of one list in a message */

static size_t
count_rows(const struct setting *rows)
{
	size_t n = 0;

	while (rows != NULL && rows[n].name != NULL)
		n++;
	return n;
}

static void
clear(struct conf_value *v)
{
	for (size_t i = 0; i < v->n_strs; i++)
		xfree(v->strs[i]);
	v->strs = xreallocarray(v->strs, 1, sizeof(*v->strs));
	v->strs[0] = NULL;
	v->n_strs = 0;
	v->num = v->num_hi = 0;
}

struct conf *
conf_new(const struct setting *more)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	size_t n_common = count_rows(settings_common);

	c->more = more;
	c->n_values = n_common + count_rows(more);
	c->values = xcalloc(c->n_values, sizeof(*c->values));
	for (size_t i = 0; i < c->n_values; i++)
		c->values[i].row =
		    i < n_common ? &settings_common[i] : &more[i - n_common];
	for (size_t i = 0; i < c->n_values; i++)
		clear(&c->values[i]);
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_values; i++) {
		clear(&c->values[i]);
		xfree(c->values[i].strs);
	}
	xfree(c->certs);
	xfree(c->values);
	xfree(c);
}

void
conf_value_add(struct conf_value *v, struct slice text)
{
	v->strs = xreallocarray(v->strs, v->n_strs + 2, sizeof(*v->strs));
	v->strs[v->n_strs++] = xstrndup(text.n == 0 ? "" : text.p, text.n);
	v->strs[v->n_strs] = NULL;
}

void
conf_set_word(struct conf *c, const char *name, const char *word)
{
	struct conf_value *v = conf_value_of(c, slice_str(name));

	assert(v != NULL);
	clear(v);
	conf_value_add(v, slice_str(word));
}

void
conf_make_certs(struct conf *c)
{
	struct conf_value *v = conf_value_of(c, SLICE("certificates"));

	assert(v != NULL);
	xfree(c->certs);
	c->n_certs = v->n_strs / 2;
	c->certs = xcalloc(c->n_certs + 1, sizeof(*c->certs));
	for (size_t i = 0; i < c->n_certs; i++) {
		c->certs[i].certificate = v->strs[2 * i];
		c->certs[i].key = v->strs[2 * i + 1];
	}
}

const struct setting *
setting_find(const struct setting *more, const char *name)
{
	const struct setting *tables[] = { settings_common, more };

	for (size_t t = 0; t < N_ELEMENTS(tables); t++)
		for (const struct setting *s = tables[t];
		     s != NULL && s->name != NULL; s++)
			if (slice_eq_str(slice_str(name), s->name))
				return s;
	return NULL;
}

struct conf_value *
conf_value_of(const struct conf *c, struct slice name)
{
	for (size_t i = 0; i < c->n_values; i++)
		if (slice_eq_str(name, c->values[i].row->name))
			return &c->values[i];
	return NULL;
}

static const struct conf_value *
told(const struct conf *c, const char *name)
{
	const struct conf_value *v = conf_value_of(c, slice_str(name));

	assert(v != NULL && v->is_told);
	return v;
}

const char *
conf_str(const struct conf *c, const char *name)
{
	const struct conf_value *v = told(c, name);

	assert(v->n_strs == 1);
	return v->strs[0];
}

uint64_t
conf_u64(const struct conf *c, const char *name)
{
	const struct conf_value *v = told(c, name);

	assert(v->row->type == SET_NUMBER || v->row->type == SET_SIZE);
	return v->num;
}

uint64_t
conf_ms(const struct conf *c, const char *name)
{
	const struct conf_value *v = told(c, name);

	assert(v->row->type == SET_DURATION);
	return v->num;
}

bool
conf_bool(const struct conf *c, const char *name)
{
	const struct conf_value *v = told(c, name);

	assert(v->row->type == SET_BOOL);
	return v->num != 0;
}

const char *const *
conf_list(const struct conf *c, const char *name, size_t *n_out)
{
	const struct conf_value *v = told(c, name);

	if (n_out != NULL)
		*n_out = v->n_strs;
	return (const char *const *)v->strs;
}

size_t
conf_certs(const struct conf *c, const struct conf_cert **certs_out)
{
	(void)told(c, "certificates");
	*certs_out = c->certs;
	return c->n_certs;
}

bool
conf_uid_range(const struct conf *c, const char *name, uid_t *lo, uid_t *hi)
{
	const struct conf_value *v = told(c, name);

	assert(v->row->type == SET_UIDS);
	*lo = (uid_t)v->num;
	*hi = (uid_t)v->num_hi;
	return v->num_hi != 0;
}

bool
conf_is_set(const struct conf *c, const char *name)
{
	return told(c, name)->is_set;
}

unsigned
conf_line(const struct conf *c, const char *name)
{
	return told(c, name)->line;
}

void
conf_put(struct ipc_out *o, const struct conf *c, enum role_id role)
{
	for (size_t i = 0; i < c->n_values; i++) {
		const struct conf_value *v = &c->values[i];

		if (!v->is_told || (v->row->roles & R_BIT(role)) == 0)
			continue;
		ipc_put_str(o, v->row->name);
		ipc_put_u8(o, v->is_set);
		ipc_put_u32(o, v->line);
		ipc_put_u64(o, v->num);
		ipc_put_u64(o, v->num_hi);
		ipc_put_u32(o, (uint32_t)v->n_strs);
		for (size_t k = 0; k < v->n_strs; k++)
			ipc_put_str(o, v->strs[k]);
	}
}

struct conf *
conf_get(struct ipc_msg *m, const struct setting *more)
{
	struct conf *c = conf_new(more);

	while (m->tail.n > 0 && !m->failed) {
		struct conf_value *v = conf_value_of(c, ipc_get_slice(m, 64));
		uint32_t n;

		if (v == NULL || v->is_told)
			break;
		v->is_told = true;
		v->is_set = ipc_get_u8(m) != 0;
		v->line = ipc_get_u32(m);
		v->num = ipc_get_u64(m);
		v->num_hi = ipc_get_u64(m);
		n = ipc_get_u32(m);
		if (n > LIST_WIRE_MAX)
			break;
		for (uint32_t k = 0; k < n && !m->failed; k++)
			conf_value_add(v, ipc_get_slice(m, MAX_IPC_DATAGRAM));
	}
	if (m->tail.n > 0 || ipc_end(m) == -1) {
		m->failed = true;
		conf_free(c);
		return NULL;
	}
	conf_make_certs(c);
	return c;
}
