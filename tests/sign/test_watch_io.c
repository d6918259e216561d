/* A watch over a folder of keys, with a name server that is a script. */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/findings.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "sign/key_files.h"
#include "sign/keyring.h"
#include "sign/keys.h"
#include "sign/watch_io.h"
#include "tests/dns/fake_dns.h"

static char above[] = "/tmp/postern-watch-XXXXXX", *folder;
static struct loop *loop;
static struct keys *keys;
static struct watch *watch;
static struct conf *conf;
static struct key *pair[KEY_ALGORITHMS];
static struct fake_dns server;
static struct fake_row rows[KEY_ALGORITHMS];
static struct deadline *tick;
static enum key_state wanted;
static unsigned ticks;
static struct err err;

/* "v=DKIM1; k=rsa; p=..." in a form that the script has: no blank, no semicolon. */
static char *
row_of(const struct key *k, bool is_right)
{
	struct span record = span_text(key_record(k));
	size_t p = span_find_last(record, ' ') + 1;
	struct buf out = { 0 };
	char *text;

	/* A record with k= needs a semicolon; RSA is what is meant without one. */
	(void)buf_append_text(&out, "TXT ");
	for (size_t i = p; i < record.len; i += 200) {
		(void)buf_append_text(&out, i > p ? "|" : "");
		(void)buf_append_span(&out, span_to(span_from(record, i), 200));
	}
	(void)buf_printf(&out, "%s 60", is_right ? "" : "x");
	text = span_dup(buf_span(&out));
	buf_clear(&out);
	return text;
}

static void
setup(void)
{
	struct buf warnings = { 0 };
	char *text;

	ck_assert_ptr_nonnull(mkdtemp(above));
	folder = mem_printf("%s/dkim", above);
	ck_assert_int_eq(key_files_add(folder, "b.test", 1000, pair, &err), 0);
	loop = loop_new();
	keys = keys_new();
	rows[0] = (struct fake_row){ key_name(pair[0]), FAKE_TXT, 3, "" };
	rows[1] = (struct fake_row){ key_name(pair[1]), FAKE_TXT, 3, "" };
	fake_dns_open(&server, loop_uv(loop), rows, 2);
	text = mem_printf("hostname = r.test\ndkim { directory = \"%s\" }\n"
			  "resolver { servers = { \"%s\" } }\n",
	    folder, server.text);
	conf = conf_parse(span_text(text), "test", "r.test", &warnings, &err);
	ck_assert_msg(conf != NULL, "%s", err.text);
	buf_clear(&warnings);
	free(text);
}

static void
teardown(void)
{
	char *command = mem_printf("rm -rf %s", above);

	ck_assert_int_eq(system(command), 0);
	free(command);
	free(folder);
	key_unref(pair[0]);
	key_unref(pair[1]);
	keys_free(keys);
	conf_unref(conf);
	loop_free(loop);
}

static enum key_state
state_of(const struct key *k)
{
	struct keyring *r = keys_take(keys);
	struct key *found = keyring_get(r, key_domain(k), key_selector(k));
	enum key_state s = found == NULL ? KEY_RETIRED : key_state(found);

	keyring_unref(r);
	return s;
}

static void
finish(void)
{
	watch_close(watch);
	fake_dns_close(&server);
	deadline_close(tick);
	loop_stop(loop);
}

/* Until the RSA key is in that state. */
static void
on_tick(void *arg)
{
	(void)arg;
	if (state_of(pair[0]) == wanted || ++ticks > 1000)
		finish();
	else
		deadline_set(tick, 10);
}

static void
run_until(enum key_state s)
{
	wanted = s;
	tick = deadline_new(loop, on_tick, NULL);
	deadline_set(tick, 10);
	loop_run(loop);
	ck_assert_int_eq(state_of(pair[0]), s);
}

START_TEST(keys_are_there_before_it_returns)
{
	watch = watch_open(loop, conf, keys);
	ck_assert(keys_are_any(keys));
	ck_assert(!keys_are_active(keys));
	ck_assert_uint_eq(keys_lifetime(keys), 7 * 86400);
	run_until(KEY_WAITING);
}
END_TEST

START_TEST(a_key_whose_record_is_right_becomes_active)
{
	char *text = row_of(pair[0], true);

	struct keyring *r;

	rows[0] = (struct fake_row){ key_name(pair[0]), FAKE_TXT, 0, text };
	watch = watch_open(loop, conf, keys);
	run_until(KEY_ACTIVE);
	ck_assert(keys_are_active(keys));
	ck_assert_int_eq(state_of(pair[1]), KEY_WAITING);
	/* Its file says so, too. */
	r = key_files_load(folder, NULL, &(struct findings){ 0 });
	ck_assert(keyring_has_active(r));
	keyring_unref(r);
	free(text);
}
END_TEST

START_TEST(a_key_whose_record_differs_waits)
{
	char *text = row_of(pair[0], false);

	rows[0] = (struct fake_row){ key_name(pair[0]), FAKE_TXT, 0, text };
	watch = watch_open(loop, conf, keys);
	wanted = KEY_ACTIVE;
	ticks = 900;
	tick = deadline_new(loop, on_tick, NULL);
	deadline_set(tick, 10);
	loop_run(loop);
	ck_assert_int_eq(state_of(pair[0]), KEY_WAITING);
	free(text);
}
END_TEST

START_TEST(a_retiring_key_is_retired_when_it_is_not_in_use)
{
	struct key *k = key_in_state(pair[0], KEY_ACTIVE, 1000);

	ck_assert_int_eq(
	    key_files_set_state(folder, pair[0], KEY_ACTIVE, 1001, &err), 0);
	ck_assert_int_eq(
	    key_files_set_state(folder, k, KEY_RETIRING, 1002, &err), 0);
	key_unref(k);
	watch = watch_open(loop, conf, keys);
	ck_assert_int_eq(state_of(pair[0]), KEY_RETIRING);
	run_until(KEY_RETIRED);
}
END_TEST

/* Whatever is under way then. */
START_TEST(it_can_be_closed_at_once)
{
	watch = watch_open(loop, conf, keys);
	watch_take(watch, conf);
	watch_close(watch);
	fake_dns_close(&server);
	loop_stop(loop);
	loop_run(loop);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, keys_are_there_before_it_returns);
	tcase_add_test(tc, a_key_whose_record_is_right_becomes_active);
	tcase_add_test(tc, a_key_whose_record_differs_waits);
	tcase_add_test(tc, a_retiring_key_is_retired_when_it_is_not_in_use);
	tcase_add_test(tc, it_can_be_closed_at_once);
}

SUITE_MAIN("watch_io", fill)
