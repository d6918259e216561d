/* clock: the monotonic clock where a loop's milliseconds are too coarse, or far. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_us(void);

#endif
