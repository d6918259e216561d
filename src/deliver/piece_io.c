#include <stdlib.h>

#include "base/mem.h"
#include "piece_io.h"

struct piece *
piece_new(struct lane_io *io, struct content *content,
    const struct content_reader *reader)
{
	struct piece *p = MEM_NEW(struct piece);

	p->io = io;
	p->content = content_ref(content);
	p->reader = *reader;
	p->data = mem_alloc(PIECE);
	return p;
}

void
piece_free(struct piece *p)
{
	content_unref(p->content);
	free(p->data);
	free(p);
}

void
piece_read(void *piece)
{
	struct piece *p = piece;

	p->len = content_next(&p->reader, p->content, p->data, PIECE, &p->err);
}
