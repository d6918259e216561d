/*
 * What waits, as the operator's tool asks for it: whole queues walked page by
 * page, rows of messages in each state, and what a site's line is told as.
 */
#include "src/desk/listing.h"
#include "src/desk/scan.h"

#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "sched/site.h"
#include "sched/target.h"
#include "src/desk/describe.h"
#include "src/desk/status.h"

enum { NOW = 1000000, WALL = 1700000000, MANY = 10000 };

static struct queue *queue;
static struct site *site;
static struct channel *channel;

static void
setup(void)
{
	struct target *t = target_new();

	queue = queue_new();
	target_add_host(t, SPAN("mx.test"), 0);
	site = site_new("mx.test", "mx.test");
	channel = site_channel_take(site, "mx.test", t);
}

static void
teardown(void)
{
	queue_free(queue);
	site_free(site);
}

/* Recipient i is r<i>@d<i % domains>.test. */
static struct message *
add(uint64_t id, uint32_t nrcpt, uint32_t domains)
{
	static const uint32_t steps[] = { 60 };
	const struct leg_options options = {
		.backoff = { steps, 1 },
		.expire = 1000000,
	};
	struct span *rcpts = mem_zalloc(nrcpt, sizeof *rcpts);
	struct envelope_parts parts = {
		.id = id,
		.size = 7,
		.arrived = WALL,
		.nrcpt = nrcpt,
		.account = SPAN("ann"),
		.sender = SPAN("ann@a.test"),
		.rcpt = rcpts,
	};
	struct message *m;
	char text[64];

	for (uint32_t i = 0; i < nrcpt; i++) {
		(void)snprintf(
		    text, sizeof text, "r%u@d%u.test", i, i % domains);
		rcpts[i] = span_text(mem_strdup(text));
	}
	m = message_new(envelope_new(&parts), NULL, 0, &options, NOW, WALL);
	for (uint32_t i = 0; i < nrcpt; i++)
		free((void *)(uintptr_t)rcpts[i].ptr);
	free(rcpts);
	queue_add_take(queue, m);
	return m;
}

static void
put_off(struct message *m, uint32_t rcpt, uint16_t tries, uint64_t due,
    struct span said)
{
	struct words w = { .status = SPAN("4.7.1"), .said = said };
	struct reason *why = reason_new(&w);

	m->rcpts[rcpt].tries = tries;
	m->rcpts[rcpt].due = due;
	recipient_set_reason(&m->rcpts[rcpt], why);
	reason_unref(why);
}

static json_t *
one(const struct message *m)
{
	json_t *request = json_object();
	json_t *o = listing_one(m, request, NULL, NOW, WALL);

	json_decref(request);
	return o;
}

static long long
number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static const char *
string(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

/* --- pages --- */

/* What a walk over all pages met. */
struct walked {
	size_t pages, messages, rcpts, largest;
	bool in_order;
};

static void
note_row(struct walked *w, const json_t *row, uint32_t *at, uint64_t *last)
{
	json_t *rcpts = json_object_get(row, "recipients"), *r;
	uint64_t id = 0;
	char want[32];
	size_t i;

	ck_assert(qid_parse(span_text(string(row, "id")), &id));
	if (number(row, "from") == 0) {
		w->in_order &= id > *last;
		w->messages++;
		*at = 0;
	} else {
		w->in_order &= id == *last;
	}
	*last = id;
	w->in_order &= number(row, "from") == *at;
	json_array_foreach(rcpts, i, r)
	{
		(void)snprintf(want, sizeof want, "r%u@", (*at)++);
		w->in_order &=
		    strncmp(string(r, "address"), want, strlen(want)) == 0;
	}
	w->rcpts += json_array_size(rcpts);
}

/* A page without a clock: what ends it is its room. */
static json_t *
page_for(const json_t *request)
{
	const char *wrong = NULL;
	struct scan scan;
	json_t *page;

	ck_assert(scan_begin(&scan, queue, NULL, request, NOW, &wrong));
	scan.until = 0;
	page = listing_page(&scan, request, NOW, WALL);
	scan_clear(&scan);
	return page;
}

static struct walked
walk(bool brief)
{
	struct walked w = { .in_order = true };
	json_t *request = json_pack("{s:b}", "brief", brief);
	uint64_t last = 0;
	uint32_t at = 0;
	bool more = true;

	while (more && w.pages < 1000) {
		json_t *page = page_for(request);
		char *text = json_dumps(page, JSON_COMPACT);
		json_t *row;
		size_t i;

		w.pages++;
		if (strlen(text) > w.largest)
			w.largest = strlen(text);
		free(text);
		json_array_foreach(json_object_get(page, "messages"), i, row)
		    note_row(&w, row, &at, &last);
		more = json_is_true(json_object_get(page, "more"));
		json_decref(request);
		request = json_pack("{s:b, s:O*, s:O*, s:O*}", "brief", brief,
		    "after", json_object_get(page, "after"), "at",
		    json_object_get(page, "at"), "at_id",
		    json_object_get(page, "at_id"));
		json_decref(page);
	}
	json_decref(request);
	return w;
}

static const struct {
	uint32_t messages, rcpts, domains, said;
} queues[] = {
	{ 0, 0, 0, 0 },
	{ 1, 1, 1, 0 },
	{ 60, 1000, 7, 0 },
	{ 3, MANY, 1, 0 },
	{ 2, MANY, MANY, 0 },
	{ 2000, 1, 1, 40 },
	{ 5, 200, 3, WORDS_SAID_MAX },
};

START_TEST(a_walk_meets_everybody_once_in_small_pages)
{
	char said[WORDS_SAID_MAX];
	struct walked w;

	memset(said, 'x', sizeof said);
	for (uint32_t k = 1; k <= queues[_i].messages; k++) {
		struct message *m =
		    add(k, queues[_i].rcpts, queues[_i].domains);

		for (uint32_t i = 0; i < queues[_i].rcpts; i++)
			if (queues[_i].said > 0)
				put_off(m, i, 1, NOW + 60000,
				    span_make(said, queues[_i].said));
	}
	w = walk(false);
	ck_assert(w.in_order);
	ck_assert_uint_eq(w.messages, queues[_i].messages);
	ck_assert_uint_eq(
	    w.rcpts, (size_t)queues[_i].messages * queues[_i].rcpts);
	ck_assert_uint_le(w.largest, 3 * LISTING_PAGE / 2);
	w = walk(true);
	ck_assert(w.in_order);
	ck_assert_uint_eq(w.messages, queues[_i].messages);
	ck_assert_uint_eq(w.rcpts, queues[_i].messages);
	ck_assert_uint_le(w.largest, 3 * LISTING_PAGE / 2);
}
END_TEST

/* So many recipients are only counted: the page ends for the time it took. */
START_TEST(a_brief_page_ends_by_recipients_too)
{
	struct walked w;

	for (uint32_t k = 1; k <= 20; k++)
		(void)add(k, MANY, 1);
	w = walk(true);
	ck_assert_uint_eq(w.messages, 20);
	ck_assert_uint_ge(w.pages, 10);
}
END_TEST

START_TEST(a_walk_goes_on_behind_a_message_that_went)
{
	json_t *request, *page;
	char place[64];

	for (uint32_t k = 1; k <= 3; k++)
		(void)add(k * 10, 3, 1);
	/* It was to go on in the middle of the one that is gone. */
	(void)snprintf(place, sizeof place, "%lld-%s", (long long)WALL,
	    qid_format(14).text);
	request = json_pack("{s:s, s:i, s:s}", "after", place, "at", 2, "at_id",
	    qid_format(15).text);
	page = page_for(request);
	ck_assert_uint_eq(
	    json_array_size(json_object_get(page, "messages")), 2);
	ck_assert_int_eq(
	    number(
		json_array_get(json_object_get(page, "messages"), 0), "from"),
	    0);
	ck_assert(json_is_false(json_object_get(page, "more")));
	json_decref(page);
	json_decref(request);
}
END_TEST

static const long long places[] = { -1, 0, 1, 2, 3, 4, 1LL << 40 };

START_TEST(nonsense_for_a_place_does_no_harm)
{
	const struct message *m = add(1, 3, 1);
	json_t *request = json_pack("{s:I}", "at", (json_int_t)places[_i]);
	json_t *o = listing_one(m, request, NULL, NOW, WALL);

	ck_assert_uint_ge(json_array_size(json_object_get(o, "recipients")), 1);
	ck_assert(json_is_false(json_object_get(o, "more")));
	json_decref(o);
	json_decref(request);
}
END_TEST

/* --- what a row says --- */

START_TEST(a_row_counts_what_recipients_do)
{
	struct message *m = add(1, 7, 7);
	json_t *o, *counts;

	m->legs[0].state = LEG_HELD;
	m->legs[1].state = LEG_LINE;
	m->legs[1].channel = channel;
	m->legs[2].state = LEG_LANE;
	m->legs[3].state = LEG_ROUTING;
	message_set_state(m, 4, RCPT_DELIVERED);
	o = one(m);
	counts = json_object_get(o, "counts");
	ck_assert_uint_eq(json_object_size(counts), 6);
	ck_assert_int_eq(number(counts, "held"), 1);
	ck_assert_int_eq(number(counts, "in_line"), 1);
	ck_assert_int_eq(number(counts, "being_delivered"), 1);
	ck_assert_int_eq(number(counts, "looking_up"), 1);
	ck_assert_int_eq(number(counts, "delivered"), 1);
	ck_assert_int_eq(number(counts, "waiting"), 2);
	ck_assert(json_is_true(json_object_get(o, "held")));
	json_decref(o);
}
END_TEST

START_TEST(a_row_has_the_reason_of_whom_waits_longest_and_the_next_time)
{
	struct message *m = add(1, 4, 4);
	json_t *o;

	put_off(m, 1, 2, NOW + 90000, SPAN("450 two"));
	put_off(m, 2, 5, NOW + 600000, SPAN("450 five"));
	put_off(m, 3, 9, NOW, SPAN("450 nine"));
	message_set_state(m, 3, RCPT_DELIVERED);
	m->rcpts[0].due = NOW + 700000;
	o = one(m);
	ck_assert_ptr_nonnull(strstr(string(o, "reason"), "450 five"));
	ck_assert_int_eq(number(o, "next_in"), 90);
	ck_assert(json_is_false(json_object_get(o, "held")));
	json_decref(o);
}
END_TEST

START_TEST(who_stands_in_a_closed_line_waits_for_that)
{
	struct message *m = add(1, 2, 1);
	struct words w = { .said = SPAN("554 \xff\xfe") };
	json_t *o, *r;

	channel->why = reason_new(&w);
	channel->closed_until = NOW + 5000;
	put_off(m, 0, 1, NOW, SPAN("450 before"));
	m->legs[0].state = LEG_LINE;
	m->legs[0].channel = channel;
	o = one(m);
	r = json_array_get(json_object_get(o, "recipients"), 1);
	ck_assert_str_eq(
	    string(r, "now"), "in line until its host is tried again");
	ck_assert_int_eq(number(r, "next_in"), 5);
	ck_assert_ptr_nonnull(strstr(string(o, "reason"), "554 ??"));
	ck_assert_int_eq(number(o, "next_in"), 5);
	ck_assert_int_eq(number(json_object_get(o, "counts"), "in_line"), 2);
	json_decref(o);
}
END_TEST

/* --- a site --- */

START_TEST(a_closed_site_is_told_with_its_line_whatever_its_host_said)
{
	struct words w = { .host = SPAN("mx.test"), .said = SPAN("554 \xff") };
	struct turn turns[3] = { 0 };
	json_t *o;

	channel->why = reason_new(&w);
	channel->closed_until = NOW + 5000;
	for (size_t i = 0; i < 3; i++)
		turns_join(&channel->line, &turns[i], SPAN("ann"), TURN_FIRST);
	o = status_channel(channel, NOW);
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(number(o, "waiting"), 3);
	ck_assert_int_eq(number(o, "closed_for"), 5);
	ck_assert_ptr_nonnull(strstr(string(o, "reason"), "554 ?"));
	json_decref(o);
	for (size_t i = 0; i < 3; i++)
		turns_leave(&channel->line, &turns[i]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_walk_meets_everybody_once_in_small_pages, 0,
	    (int)ARRAY_LEN(queues));
	tcase_add_test(tc, a_brief_page_ends_by_recipients_too);
	tcase_add_test(tc, a_walk_goes_on_behind_a_message_that_went);
	tcase_add_loop_test(
	    tc, nonsense_for_a_place_does_no_harm, 0, (int)ARRAY_LEN(places));
	tcase_add_test(tc, a_row_counts_what_recipients_do);
	tcase_add_test(
	    tc, a_row_has_the_reason_of_whom_waits_longest_and_the_next_time);
	tcase_add_test(tc, who_stands_in_a_closed_line_waits_for_that);
	tcase_add_test(
	    tc, a_closed_site_is_told_with_its_line_whatever_its_host_said);
}

SUITE_MAIN("listing", fill)
