/*
 * fields: a header section as a filter changes it: a field added, put in at a
 * place, changed or taken out. The section is text, each field with its line ends,
 * without the blank line behind it. What a filter says is text of a stranger: no
 * bare CR or LF, no NUL and no line that is none of the field's comes in by it.
 * Pure.
 */
#ifndef MILTER_FIELDS_H
#define MILTER_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum { FIELDS_NAME_MAX = 255 };

/* One as a filter writes it. */
struct field_text {
	struct span name;
	struct span value;
	/* The value begins right behind the colon; else there is a blank. */
	bool has_space;
};

/* Why it cannot stand in a header, or NULL. `line`: octets of its longest line. */
const char *field_wrong(const struct field_text *f, size_t line);
/* Each returns false when the header is at its maximum, and changes nothing. */
bool fields_add(struct buf *header, const struct field_text *f);
/* As the field of that number, from 1 on (0 is the same); behind all, if beyond. */
bool
fields_insert(struct buf *header, uint32_t index, const struct field_text *f);
/*
 * The one of that name and number among those of the name, from 1 on (0 is the
 * same), gets the value; with an empty value it goes. One that is not there is
 * added.
 */
bool
fields_change(struct buf *header, uint32_t index, const struct field_text *f);

#endif
