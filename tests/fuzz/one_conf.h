/* one_conf: the configuration of a target that needs one, made once from its text. */
#ifndef TESTS_FUZZ_ONE_CONF_H
#define TESTS_FUZZ_ONE_CONF_H

#include <assert.h>

#include "conf/conf.h"

static inline const struct conf *
one_conf(const char *text)
{
	static struct conf *one;
	struct buf warnings = { 0 };
	struct err err;

	if (one == NULL)
		one = conf_parse(
		    span_text(text), "fuzz", "relay.test", &warnings, &err);
	buf_clear(&warnings);
	assert(one != NULL);
	return one;
}

#endif
