/* Who asks for a signature gets one, on the own loop, in turns of accounts. */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "deliver/signer_io.h"
#include "io/loop.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "sign/body.h"
#include "sign/key.h"
#include "sign/keyring.h"
#include "sign/keys.h"
#include "sign/signature.h"
#include "spool/content.h"

enum { MESSAGES_MAX = 256 };

static struct loop *loop;
static struct keys *keys;
static struct signer *signer;
static struct err err;

/* What was asked for, and what came. */
static struct envelope *envs[MESSAGES_MAX];
static struct content *contents[MESSAGES_MAX];
static struct signature *got[MESSAGES_MAX];
static int nmessages, answers;
static char order[MESSAGES_MAX + 1]; /* first letters of accounts */

static void
set_keys(const char *domain)
{
	struct key **all = mem_zalloc(1, sizeof *all);
	struct key *k =
	    key_make(KEY_ED25519, span_text(domain), SPAN("one"), 1, &err);

	all[0] = key_in_state(k, KEY_ACTIVE, 1);
	key_unref(k);
	keys_set_take(keys, keyring_new_take(all, 1));
}

static void
setup(void)
{
	loop = loop_new();
	keys = keys_new();
	keys_set_lifetime(keys, 100);
	signer = signer_new(keys);
	set_keys("b.test");
}

static void
teardown(void)
{
	for (int i = 0; i < nmessages; i++) {
		signature_unref(got[i]);
		content_unref(contents[i]);
		free(envs[i]);
	}
	signer_free(signer);
	keys_free(keys);
	loop_free(loop);
}

static int
make(const char *account, const char *text, struct span attrs, bool is_shared)
{
	struct span rcpts[] = { SPAN("x@c.test"), SPAN("x@d.test") };
	struct envelope_parts parts = { .id = (uint64_t)nmessages + 1,
		.account = span_text(account),
		.sender = SPAN("a@b.test"),
		.attrs = attrs,
		.rcpt = rcpts,
		.nrcpt = is_shared ? 2 : 1 };
	struct buf head = { 0 }, body = { 0 };

	(void)buf_append_text(&head, "Received: us\r\n");
	(void)buf_append_text(&body, text);
	envs[nmessages] = envelope_new(&parts);
	contents[nmessages] = content_new_take(&head, &body);
	return nmessages++;
}

static void
on_signed(struct signature *s, void *arg)
{
	int i = (int)((struct signature **)arg - got);

	got[i] = s;
	order[answers++] = envs[i]->account[0];
	if (answers == nmessages)
		loop_stop(loop);
}

static bool
ask_for(struct signer *s, int i, bool is_converted, void *arg,
    struct signature **now)
{
	struct signer_request r = { .env = envs[i],
		.content = contents[i],
		.is_converted = is_converted };

	return signer_ask(s, &r, loop, on_signed, arg, now);
}

/* False: it comes later. */
static bool
ask(int i)
{
	return ask_for(signer, i, false, &got[i], &got[i]);
}

static void
run(void)
{
	loop_run(loop);
}

#define HI "From: a@b.test\r\nSubject: x\r\n\r\nhi\r\n"

START_TEST(a_message_is_signed_later)
{
	int i = make("ann", HI, SPAN(""), false);

	ck_assert(!ask(i));
	ck_assert_int_eq(answers, 0);
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_ptr_nonnull(got[i]);
	ck_assert(span_starts(signature_text(got[i]),
	    SPAN("DKIM-Signature: v=1; a=ed25519-sha256; "
		 "c=relaxed/relaxed;\r\n d=b.test; s=one;\r\n t=")));
}
END_TEST

static bool
has(const struct signature *s, const char *text)
{
	struct span all = signature_text(s);

	return memmem(all.ptr, all.len, text, strlen(text)) != NULL;
}

/* The hash that came with the message is believed; without one it is taken. */
START_TEST(the_body_s_hash_is_there_or_is_taken)
{
	struct buf attrs = { 0 };
	int i, j;

	attrs_put(&attrs, ATTR_BODY_HASH,
	    SPAN("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		 "\0\0\0\0"));
	i = make("ann", HI, buf_span(&attrs), false);
	j = make("ann", "From: a@b.test\r\n\r\n\r\n\r\n", SPAN(""), false);
	(void)ask(i);
	(void)ask(j);
	run();
	ck_assert(
	    has(got[i], "bh=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;"));
	ck_assert(
	    has(got[j], "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;"));
	buf_clear(&attrs);
}
END_TEST

static const char *const unsigned_ones[] = { "From: a@other.test\r\n\r\nhi\r\n",
	"To: a@b.test\r\n\r\nhi\r\n", "", "From: a@b.test\r\nno blank line\r\n",
	"From: a@b.test\r\n", "From: <a@b.test\r\n\r\nhi\r\n" };

START_TEST(what_cannot_be_signed_leaves_without)
{
	int i = make("ann", unsigned_ones[_i], SPAN(""), false);

	ck_assert(!ask(i));
	run();
	ck_assert_int_eq(answers, 1);
	ck_assert_ptr_null(got[i]);
}
END_TEST

START_TEST(without_keys_nobody_waits)
{
	int i = make("ann", HI, SPAN(""), false);

	keys_set_take(keys, keyring_new_take(NULL, 0));
	ck_assert(ask(i));
	ck_assert_ptr_null(got[i]);
	ck_assert(ask_for(NULL, i, false, NULL, &got[i]));
	ck_assert_ptr_null(got[i]);
	loop_stop(loop);
	run();
}
END_TEST

/* Asked for before it is there, and after: one signature. */
START_TEST(transactions_of_a_message_share_it)
{
	struct signature *again;
	int i = make("ann", HI, SPAN(""), true);

	(void)make("ann", HI, SPAN(""), true); /* its place in `got` is used */
	ck_assert(!ask(i));
	/* The pool may have been quick. */
	if (ask_for(signer, i, false, &got[1], &got[1]))
		answers++;
	run();
	ck_assert_int_eq(answers, 2);
	ck_assert_ptr_nonnull(got[0]);
	ck_assert_ptr_eq(got[0], got[1]);
	ck_assert(ask_for(signer, i, false, NULL, &again));
	ck_assert_ptr_eq(again, got[0]);
	signature_unref(again);
}
END_TEST

/* Nobody is given what was signed by keys that are not in force any more. */
START_TEST(other_keys_make_another_signature)
{
	int i = make("ann", HI, SPAN(""), true);
	struct signature *old;

	(void)ask(i);
	run();
	old = got[i];
	set_keys("b.test");
	if (_i == 1)
		signer_sweep(signer, clock_us() / 1000);
	loop_free(loop);
	loop = loop_new();
	got[i] = NULL;
	answers = 0;
	ck_assert(!ask(i));
	run();
	ck_assert_ptr_nonnull(got[i]);
	ck_assert(!span_equal(signature_text(old), signature_text(got[i])));
	signature_unref(old);
}
END_TEST

/* A bulk run does not stand in front of somebody else's one message. */
START_TEST(accounts_take_turns)
{
	enum { BULK = 200 };

	/* Some of them may be signed before the other one has asked. */
	for (int i = 0; i < BULK; i++)
		(void)make("bulk", HI, SPAN(""), false);
	(void)make("one", HI, SPAN(""), false);
	for (int i = 0; i < nmessages; i++)
		ck_assert(!ask(i));
	run();
	ck_assert_int_eq(answers, BULK + 1);
	ck_assert_msg(strchr(order, 'o') - order < BULK, "%s", order);
	for (int i = 0; i < nmessages; i++)
		ck_assert_ptr_nonnull(got[i]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_message_is_signed_later);
	tcase_add_test(tc, the_body_s_hash_is_there_or_is_taken);
	tcase_add_loop_test(tc, what_cannot_be_signed_leaves_without, 0,
	    (int)ARRAY_LEN(unsigned_ones));
	tcase_add_test(tc, without_keys_nobody_waits);
	tcase_add_test(tc, transactions_of_a_message_share_it);
	tcase_add_loop_test(tc, other_keys_make_another_signature, 0, 2);
	tcase_add_test(tc, accounts_take_turns);
}

SUITE_MAIN("signer_io", fill)
