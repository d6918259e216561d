/*
 * The parts that we make lie in one reused block of memory; content stays where
 * it is. A group is a list of pieces of both kinds. The block may move while it
 * grows, so that pieces in it are known by where they begin, until the end.
 */
#include "group_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "segment_priv.h"

enum {
	SCRATCH_FIRST = 64 * 1024,
	PIECES_FIRST = 256,
	HEADS_FIRST = 64,
	/* More than this is given back after the group. */
	SCRATCH_KEPT = 4 * 1024 * 1024,
};

static const char zeros[GROUP_ALIGN];

void
group_clear(struct group *g)
{
	free(g->scratch);
	free(g->pieces);
	free(g->iov);
	free(g->heads);
	*g = (struct group){ 0 };
}

void
group_begin(struct group *g, uint64_t salt, uint64_t segment, uint64_t start,
    const uint8_t *front)
{
	if (g->scratch_cap > SCRATCH_KEPT)
		group_clear(g);
	g->scratch_len = g->npieces = g->nheads = 0;
	g->salt = salt;
	g->segment = segment;
	g->start = g->at = start;
	g->front = front;
}

/* `ptr` NULL: the next `len` bytes of the block. */
static void
add_piece(struct group *g, const void *ptr, size_t len)
{
	struct group_piece *last =
	    g->npieces == 0 ? NULL : &g->pieces[g->npieces - 1];

	g->at += len;
	if (ptr == NULL && last != NULL && last->ptr == NULL) {
		last->len += len;
		return;
	}
	if (g->npieces == g->pieces_cap) {
		g->pieces_cap =
		    g->pieces_cap == 0 ? PIECES_FIRST : g->pieces_cap * 2;
		g->pieces =
		    mem_realloc(g->pieces, g->pieces_cap * sizeof *g->pieces);
	}
	g->pieces[g->npieces++] =
	    (struct group_piece){ ptr, g->scratch_len, len };
}

static uint8_t *
add_own(struct group *g, size_t len)
{
	uint8_t *p;

	if (g->scratch_len + len > g->scratch_cap) {
		size_t cap =
		    g->scratch_cap == 0 ? SCRATCH_FIRST : g->scratch_cap;

		while (cap < g->scratch_len + len)
			cap *= 2;
		g->scratch = mem_realloc(g->scratch, cap);
		g->scratch_cap = cap;
	}
	add_piece(g, NULL, len);
	p = g->scratch + g->scratch_len;
	g->scratch_len += len;
	return p;
}

uint64_t
group_record_size(size_t payload)
{
	return round_up(RECORD_HEADER + payload, RECORD_ALIGN);
}

uint8_t *
group_record(struct group *g, enum record_type type, uint64_t id, size_t own)
{
	struct group_head *h;

	if (g->nheads == g->heads_cap) {
		g->heads_cap =
		    g->heads_cap == 0 ? HEADS_FIRST : g->heads_cap * 2;
		g->heads =
		    mem_realloc(g->heads, g->heads_cap * sizeof *g->heads);
	}
	h = &g->heads[g->nheads++];
	h->scratch_at = g->scratch_len;
	h->offset = g->at;
	h->head = (struct record_head){
		.type = (uint8_t)type,
		.length = (uint32_t)own,
		.group = (uint32_t)g->start,
		.id = id,
	};
	return add_own(g, RECORD_HEADER + own) + RECORD_HEADER;
}

struct group_place
group_record_end(struct group *g, const struct span *content, int n)
{
	struct group_head *h = &g->heads[g->nheads - 1];
	uint32_t crc = record_seed(g->salt, g->segment, h->offset);
	size_t pad;

	crc = crc32c(
	    crc, g->scratch + h->scratch_at + RECORD_HEADER, h->head.length);
	for (int i = 0; i < n; i++) {
		if (content[i].len == 0)
			continue;
		crc = crc32c(crc, content[i].ptr, content[i].len);
		add_piece(g, content[i].ptr, content[i].len);
		h->head.length += (uint32_t)content[i].len;
	}
	h->head.payload_crc = crc;
	pad = (size_t)(round_up(g->at, RECORD_ALIGN) - g->at);
	if (pad > 0)
		memset(add_own(g, pad), 0, pad);
	return (struct group_place){ (uint32_t)h->offset,
		(uint32_t)(g->at - h->offset) };
}

static void
fill_heads(struct group *g)
{
	for (size_t i = 0; i < g->nheads; i++) {
		struct group_head *h = &g->heads[i];

		h->head.left = (uint32_t)(g->nheads - 1 - i);
		record_head_encode(g->scratch + h->scratch_at, &h->head,
		    record_seed(g->salt, g->segment, h->offset));
	}
}

struct iovec *
group_finish(struct group *g, size_t *n, uint64_t *at)
{
	size_t pad = (size_t)(round_up(g->at, GROUP_ALIGN) - g->at), k = 0;

	assert(g->nheads > 0);
	fill_heads(g);
	if (pad > 0)
		add_piece(g, zeros, pad);
	if (g->npieces + 1 > g->iov_cap) {
		g->iov_cap = g->npieces + 1;
		g->iov = mem_realloc(g->iov, g->iov_cap * sizeof *g->iov);
	}
	*at = g->start;
	if (g->front != NULL) {
		*at -= SEGMENT_FIRST;
		g->iov[k++] = (struct iovec){ (void *)(uintptr_t)g->front,
			SEGMENT_FIRST };
	}
	for (size_t i = 0; i < g->npieces; i++) {
		const struct group_piece *p = &g->pieces[i];
		const void *from = p->ptr != NULL ? p->ptr : g->scratch + p->at;

		/* writev(2) takes no const, and writes nothing there. */
		g->iov[k++] = (struct iovec){ (void *)(uintptr_t)from, p->len };
	}
	*n = k;
	return g->iov;
}
