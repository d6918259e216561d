/* One record of a segment, read back and checked. */
#include <stdlib.h>

#include "base/mem.h"
#include "home_priv.h"
#include "record_priv.h"
#include "segments_priv.h"

enum record_status
segments_read(const struct segments *all, const struct segment *s,
    uint32_t offset, uint32_t length, uint8_t **bytes, struct record *out,
    int *rc)
{
	uint8_t *p = mem_alloc(length);
	struct record_area area = { p, length, all->salt, s->number, offset };
	enum record_status status;
	int64_t n = disk_read(all->home->disk, s->fd, p, length, offset);

	*bytes = NULL;
	*rc = n < 0 ? (int)n : 0;
	area.size = n < 0 ? 0 : (size_t)n;
	status = record_read(&area, 0, out);
	if (status == RECORD_OK)
		*bytes = p;
	else
		free(p);
	return status;
}
