/*
 * A clock of the test's own: all of the relay in a program that is linked with
 * -Wl,--wrap=loop_now,--wrap=wall_now (tests.mk) has it.
 */
#ifndef TESTS_DISPATCH_CLOCK_H
#define TESTS_DISPATCH_CLOCK_H

#include <stdint.h>

struct loop;

uint64_t __wrap_loop_now(const struct loop *loop);
int64_t __wrap_wall_now(void);
static uint64_t now; /* ms */

uint64_t
__wrap_loop_now(const struct loop *of)
{
	(void)of;
	return now;
}

int64_t
__wrap_wall_now(void)
{
	return 1700000000000 + (int64_t)now;
}

#endif
