/* utf8: characters of RFC 3629, one by one. What is none is told, never mended. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* The first character of `s`, which is not empty: its length, or 0 for none. */
size_t utf8_first(struct span s, uint32_t *out);
/* Whether it is nothing but characters. */
bool utf8_is_valid(struct span s);
/*
 * Control characters, and those that turn or break the line around them, so that
 * people would read something else than what stands there.
 */
bool utf8_is_control(uint32_t c);

#endif
