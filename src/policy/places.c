#include "policy/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PLACE_BYTES = 8, CAP_AT_FIRST = 4 };

static void
append(struct places *p, uint64_t place)
{
	if (p->n == PLACES_MOST) {
		memmove(p->list, p->list + 1, (p->n - 1) * sizeof *p->list);
		p->n--;
	}
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? CAP_AT_FIRST : p->cap * 2;
		p->list = mem_realloc(p->list, p->cap * sizeof *p->list);
	}
	p->list[p->n++] = place;
}

bool
places_is_last(const struct places *p, uint64_t place)
{
	return p->n > 0 && p->list[p->n - 1] == place;
}

bool
places_note(struct places *p, uint64_t place)
{
	bool is_new = p->n > 0;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->list[i] != place)
			continue;
		is_new = false;
		memmove(p->list + i, p->list + i + 1,
		    (p->n - i - 1) * sizeof *p->list);
		p->n--;
		break;
	}
	append(p, place);
	return is_new;
}

void
places_clear(struct places *p)
{
	free(p->list);
	*p = (struct places){ 0 };
}

void
places_write(const struct places *p, struct buf *out)
{
	(void)buf_append_char(out, (char)p->n);
	for (uint32_t i = 0; i < p->n; i++)
		for (unsigned k = 0; k < PLACE_BYTES; k++)
			(void)buf_append_char(
			    out, (char)(p->list[i] >> (8 * k)));
}

bool
places_read(struct places *p, struct span *in)
{
	uint32_t n;

	places_clear(p);
	if (in->len == 0)
		return false;
	n = (unsigned char)in->ptr[0];
	if (n > PLACES_MOST || in->len < 1 + n * (size_t)PLACE_BYTES)
		return false;
	*in = span_from(*in, 1);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t place = 0;

		for (unsigned k = 0; k < PLACE_BYTES; k++)
			place |= (uint64_t)(unsigned char)in->ptr[k] << (8 * k);
		*in = span_from(*in, PLACE_BYTES);
		append(p, place);
	}
	return true;
}
