/* drafts: one draft, and the configuration that it is taken under. */
#ifndef TESTS_INTAKE_DRAFTS_H
#define TESTS_INTAKE_DRAFTS_H

#include "tests/lib/suite.h"

#include "conf/conf.h"
#include "intake/draft.h"

static struct conf *conf;
static struct draft d;

static inline void
read_conf(const char *text)
{
	struct buf warnings = { 0 };
	struct err err;

	conf =
	    conf_parse(span_text(text), "test", "relay.test", &warnings, &err);
	ck_assert_ptr_nonnull(conf);
	buf_clear(&warnings);
}

static void
teardown(void)
{
	draft_clear(&d);
	conf_unref(conf);
}

#endif
