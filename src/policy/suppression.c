#include "policy/suppression.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/words.h"

struct entry {
	struct suppressed is; /* its text is behind it */
	char text[];
};

struct suppression {
	struct entry **all; /* owned, sorted */
	size_t n, cap;
};

bool
suppression_is_cause(const struct words *w)
{
	static const struct span causes[] = { { "5.1.1", 5 }, { "5.1.2", 5 },
		{ "5.1.3", 5 }, { "5.1.6", 5 }, { "5.1.10", 6 },
		{ "5.2.1", 5 } };

	if (span_is_empty(w->host) || span_is_empty(w->said) ||
	    w->stage != STAGE_RCPT)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (span_equal(w->status, causes[i]))
			return true;
	return false;
}

struct suppression *
suppression_new(void)
{
	return MEM_NEW(struct suppression);
}

void
suppression_free(struct suppression *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		free(s->all[i]);
	free(s->all);
	free(s);
}

size_t
suppression_count(const struct suppression *s)
{
	return s->n;
}

static int
compare(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where it is, or belongs. */
static size_t
place_of(const struct suppression *s, struct span account, struct span address,
    bool *is_there)
{
	size_t low = 0, high = s->n;

	*is_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct suppressed *at = &s->all[middle]->is;
		int order = compare(account, at->account);

		if (order == 0)
			order = compare(address, at->address);
		if (order == 0) {
			*is_there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static struct span
copy(char **to, struct span from)
{
	struct span is = span_make(*to, from.len);

	if (from.len > 0)
		memcpy(*to, from.ptr, from.len);
	*to += from.len;
	return is;
}

static struct entry *
entry_new(const struct suppressed *one)
{
	struct span reply = span_to(one->reply, SUPPRESSION_REPLY_MAX);
	struct entry *e =
	    mem_alloc(sizeof *e + one->account.len + one->address.len +
		      one->status.len + reply.len);
	char *to = e->text;

	e->is = *one;
	e->is.account = copy(&to, one->account);
	e->is.address = copy(&to, one->address);
	e->is.status = copy(&to, one->status);
	e->is.reply = copy(&to, reply);
	return e;
}

bool
suppression_put(struct suppression *s, const struct suppressed *one)
{
	bool is_there;
	size_t at = place_of(s, one->account, one->address, &is_there);

	if (is_there) {
		free(s->all[at]);
		s->all[at] = entry_new(one);
		return true;
	}
	if (s->n == SUPPRESSION_MOST)
		return false;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 64 : 2 * s->cap;
		s->all = mem_realloc(s->all, s->cap * sizeof(struct entry *));
	}
	memmove(
	    &s->all[at + 1], &s->all[at], (s->n - at) * sizeof(struct entry *));
	s->all[at] = entry_new(one);
	s->n++;
	return true;
}

const struct suppressed *
suppression_find(const struct suppression *s, struct span account,
    struct span address, int64_t now)
{
	bool is_there;
	size_t at = place_of(s, account, address, &is_there);

	return is_there && s->all[at]->is.until > now ? &s->all[at]->is : NULL;
}

bool
suppression_remove(
    struct suppression *s, struct span account, struct span address)
{
	bool is_there;
	size_t at = place_of(s, account, address, &is_there);

	if (!is_there)
		return false;
	free(s->all[at]);
	memmove(&s->all[at], &s->all[at + 1],
	    (s->n - at - 1) * sizeof(struct entry *));
	s->n--;
	return true;
}

const struct suppressed *
suppression_next(
    const struct suppression *s, struct span account, struct span address)
{
	bool is_there;
	size_t at = place_of(s, account, address, &is_there);

	at += is_there;
	return at < s->n ? &s->all[at]->is : NULL;
}
