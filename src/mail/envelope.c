/*
 * The block: the struct, its recipients, the first ones of their groups, all
 * texts; attributes stand behind the NUL of the text that they belong to.
 */
#include "mail/envelope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/attrs.h"

static bool
is_shared(const struct envelope_parts *p)
{
	return span_equal(p->account, p->sender);
}

static struct span
rcpt_attrs(const struct envelope_parts *p, uint32_t i)
{
	return p->rcpt_attrs == NULL ? SPAN("") : p->rcpt_attrs[i];
}

static size_t
text_size(const struct envelope_parts *p)
{
	size_t size = p->account.len + 1 + p->attrs.len;

	if (!is_shared(p))
		size += p->sender.len + 1;
	for (uint32_t i = 0; i < p->nrcpt; i++)
		size += p->rcpt[i].len + 1 + rcpt_attrs(p, i).len;
	return size;
}

static const char *
place(char **at, struct span s)
{
	char *text = *at;

	if (s.len > 0)
		memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	*at += s.len + 1;
	return text;
}

/* Their length, when they are put there. */
static uint16_t
place_attrs(char **at, struct span attrs)
{
	assert(attrs.len <= ATTRS_MAX);
	if (attrs.len > 0)
		memcpy(*at, attrs.ptr, attrs.len);
	*at += attrs.len;
	return (uint16_t)attrs.len;
}

/* --- groups --- */

struct key {
	struct span domain;
	uint32_t rcpt;
};

/* Any order will do that puts equal domains together. */
static int
compare_domains(struct span a, struct span b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	for (size_t i = 0; i < a.len; i++) {
		char x = ascii_lower(a.ptr[i]), y = ascii_lower(b.ptr[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = compare_domains(x->domain, y->domain);

	return order != 0 ? order : (x->rcpt > y->rcpt) - (x->rcpt < y->rcpt);
}

/* Links each recipient to the next of its domain; marks the first ones. */
static void
link_groups(
    struct envelope_rcpt *rcpts, struct key *keys, uint32_t n, bool *is_first)
{
	qsort(keys, n, sizeof *keys, compare_keys);
	for (uint32_t i = 0; i < n; i++) {
		bool same = i > 0 && compare_domains(keys[i - 1].domain,
					 keys[i].domain) == 0;

		rcpts[keys[i].rcpt].next = ENVELOPE_NO_MORE;
		is_first[keys[i].rcpt] = !same;
		if (same)
			rcpts[keys[i - 1].rcpt].next = keys[i].rcpt;
	}
}

static uint32_t
group(const struct envelope_parts *p, struct envelope_rcpt *rcpts,
    uint32_t *groups)
{
	struct key *keys;
	bool *is_first;
	uint32_t n = 0;

	if (p->nrcpt == 1) { /* nearly always */
		rcpts[0].next = ENVELOPE_NO_MORE;
		groups[0] = 0;
		return 1;
	}
	keys = mem_alloc(p->nrcpt * sizeof *keys);
	is_first = mem_alloc(p->nrcpt * sizeof *is_first);
	for (uint32_t i = 0; i < p->nrcpt; i++)
		keys[i] =
		    (struct key){ span_from(p->rcpt[i], rcpts[i].domain), i };
	link_groups(rcpts, keys, p->nrcpt, is_first);
	for (uint32_t i = 0; i < p->nrcpt; i++)
		if (is_first[i])
			groups[n++] = i;
	free(keys);
	free(is_first);
	return n;
}

/* --- making one --- */

static size_t
head_size(uint32_t nrcpt)
{
	return sizeof(struct envelope) +
	       nrcpt * (sizeof(struct envelope_rcpt) + sizeof(uint32_t));
}

static uint16_t
domain_at(struct span address)
{
	size_t at = span_find_last(address, '@');

	if (at != address.len)
		at++;
	assert(at <= UINT16_MAX);
	return (uint16_t)at;
}

struct envelope *
envelope_new(const struct envelope_parts *p)
{
	struct envelope *env = mem_alloc(head_size(p->nrcpt) + text_size(p));
	char *at = (char *)env + head_size(p->nrcpt);
	uint32_t *groups = (uint32_t *)(void *)&env->rcpts[p->nrcpt];

	env->id = p->id;
	env->size = p->size;
	env->arrived = p->arrived;
	env->flags = p->flags;
	env->nrcpt = p->nrcpt;
	env->account = place(&at, p->account);
	env->attrs = place_attrs(&at, p->attrs);
	/* Most send as what they are called. */
	env->sender = is_shared(p) ? env->account : place(&at, p->sender);
	for (uint32_t i = 0; i < p->nrcpt; i++) {
		env->rcpts[i].address = place(&at, p->rcpt[i]);
		env->rcpts[i].domain = domain_at(p->rcpt[i]);
		env->rcpts[i].attrs = place_attrs(&at, rcpt_attrs(p, i));
	}
	env->groups = groups;
	env->ngroups = p->nrcpt == 0 ? 0 : group(p, env->rcpts, groups);
	return env;
}

struct span
envelope_domain(const struct envelope *env, uint32_t rcpt)
{
	const struct envelope_rcpt *r = &env->rcpts[rcpt];

	return span_text(r->address + r->domain);
}

uint32_t *
envelope_groups_of(const struct envelope *env)
{
	uint32_t *groups = mem_zalloc(env->nrcpt, sizeof *groups);

	for (uint32_t g = 0; g < env->ngroups; g++)
		for (uint32_t i = env->groups[g]; i != ENVELOPE_NO_MORE;
		     i = env->rcpts[i].next)
			groups[i] = g;
	return groups;
}

struct span
envelope_attrs(const struct envelope *env)
{
	return span_make(env->account + strlen(env->account) + 1, env->attrs);
}

struct span
envelope_rcpt_attrs(const struct envelope *env, uint32_t rcpt)
{
	const struct envelope_rcpt *r = &env->rcpts[rcpt];

	return span_make(r->address + strlen(r->address) + 1, r->attrs);
}

size_t
envelope_memory(const struct envelope *env)
{
	size_t size =
	    head_size(env->nrcpt) + strlen(env->account) + 1 + env->attrs;

	if (env->sender != env->account)
		size += strlen(env->sender) + 1;
	for (uint32_t i = 0; i < env->nrcpt; i++)
		size += strlen(env->rcpts[i].address) + 1 + env->rcpts[i].attrs;
	return size;
}
