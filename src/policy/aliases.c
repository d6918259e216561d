#include "policy/aliases.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "smtp/address.h"
#include "smtp/mailbox_key.h"

struct alias {
	struct alias *next; /* owned: of the same address */
	char *account; /* owned */
	char key[]; /* of the address */
};

struct aliases {
	struct map map; /* by address; owned */
	size_t count;
	atomic_uint refs;
};

static void
add(struct aliases *a, const struct address *address, struct span account)
{
	char room[MAILBOX_KEY_SIZE];
	struct span key = mailbox_key(address, room);
	struct alias *one = mem_alloc(sizeof *one + key.len);

	memcpy(one->key, key.ptr, key.len);
	one->account = span_dup(account);
	one->next = map_put(&a->map, span_make(one->key, key.len), one);
	a->count++;
}

static struct span
take_word(struct span *line)
{
	size_t n = 0;
	struct span word;

	*line = span_trim(*line);
	while (n < line->len && line->ptr[n] != ' ' && line->ptr[n] != '\t')
		n++;
	word = span_to(*line, n);
	*line = span_trim(span_from(*line, n));
	return word;
}

static int
take_line(struct aliases *a, struct span line, size_t number, struct err *err)
{
	struct span text = take_word(&line), account = take_word(&line);
	enum address_status status;
	struct address address;

	if (span_is_empty(text) || text.ptr[0] == '#')
		return 0;
	status = address_parse(text, &address);
	if (status != ADDRESS_OK)
		return err_set(err, -EINVAL,
		    "line %zu: %s, expected \"address account\"", number,
		    address_status_text(status));
	if (span_is_empty(account) || !span_is_empty(line))
		return err_set(err, -EINVAL,
		    "line %zu: expected \"address account\", one of each",
		    number);
	add(a, &address, account);
	return 0;
}

struct aliases *
aliases_parse(struct span text, const uint64_t seed[2], struct err *err)
{
	struct aliases *a = MEM_NEW(struct aliases);

	/* It is no part of an address. */
	if (span_starts(text, SPAN_BYTE_ORDER_MARK))
		text = span_from(text, SPAN_BYTE_ORDER_MARK.len);
	atomic_init(&a->refs, 1);
	map_init(&a->map, seed);
	for (size_t number = 1; !span_is_empty(text); number++) {
		struct span line = span_cut(&text, '\n');

		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (take_line(a, line, number, err) == 0)
			continue;
		aliases_unref(a);
		return NULL;
	}
	return a;
}

struct aliases *
aliases_ref(struct aliases *a)
{
	if (a != NULL)
		(void)atomic_fetch_add(&a->refs, 1);
	return a;
}

void
aliases_unref(struct aliases *a)
{
	struct alias *one, *next;
	size_t at = 0;

	if (a == NULL || atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	while ((one = map_next(&a->map, &at)) != NULL)
		for (; one != NULL; one = next) {
			next = one->next;
			free(one->account);
			free(one);
		}
	map_clear(&a->map);
	free(a);
}

size_t
aliases_count(const struct aliases *a)
{
	return a->count;
}

bool
aliases_has(
    const struct aliases *a, const struct address *address, struct span account)
{
	char room[MAILBOX_KEY_SIZE];
	const struct alias *one = map_get(&a->map, mailbox_key(address, room));

	for (; one != NULL; one = one->next)
		if (span_equal_nocase(span_text(one->account), account))
			return true;
	return false;
}
