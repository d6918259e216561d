/* Words beyond the budget: cut in memory, whole on disk. */
#include "fixture.h"
#include "mail/reasons.h"

enum { LONG = 1500, BATCH = 50 };

static struct box box;

static void
setup(void)
{
	box_init(&box);
	box.options.words_max = 3 * LONG;
	ck_assert_msg(box_open(&box), "%s", box.err.text);
}

static void
teardown(void)
{
	box_clear(&box);
}

static struct reason *
words_of(char first)
{
	char text[LONG];
	struct words w = { .status = SPAN("4.7.1") };

	memset(text, 'x', sizeof text);
	text[0] = first;
	w.said = span_make(text, sizeof text);
	return reason_new(&w);
}

/* A message with news of recipient 1. */
static uint64_t
store_tried(char first)
{
	uint64_t id = box_store(&box, "Hello\r\n");
	struct progress p = { .rcpt = 1, .reason = words_of(first) };
	struct answer a = { 0 };

	spool_progress_synced(box.spool, id, &p, 1, box.loop, on_status, &a);
	box_wait(&box, &a);
	reason_unref(p.reason);
	return id;
}

/* Further messages, each with other words; the last one's id. */
static uint64_t
push_out(const char *first)
{
	uint64_t id = 0;

	for (; *first != '\0'; first++)
		id = store_tried(*first);
	return id;
}

/* The committer may be about other messages. */
static const struct live *
live_of(uint64_t id)
{
	struct journal *j = journal_of(box.spool);
	const struct live *live;

	(void)pthread_mutex_lock(&j->lock);
	live = index_get(&j->index, id);
	(void)pthread_mutex_unlock(&j->lock);
	return live;
}

static const struct row *
row_of(uint64_t id)
{
	return &live_of(id)->rows[1];
}

static struct {
	bool is_there;
	enum spool_status status;
	uint32_t n;
	struct reason *got[2];
} fetched;

static void
on_fetched(enum spool_status status, struct reason *const *reasons, uint32_t n,
    void *arg)
{
	ck_assert_ptr_eq(arg, &fetched);
	fetched.is_there = true;
	fetched.status = status;
	fetched.n = n;
	for (uint32_t i = 0; i < n && i < ARRAY_LEN(fetched.got); i++)
		fetched.got[i] = reason_ref(reasons[i]);
}

static void
fetch(uint64_t id)
{
	memset(&fetched, 0, sizeof fetched);
	spool_fetch_reasons(box.spool, id, box.loop, on_fetched, &fetched);
	ck_assert(!fetched.is_there);
	while (!fetched.is_there)
		(void)uv_run(loop_uv(box.loop), UV_RUN_ONCE);
}

static void
forget(void)
{
	reason_unref(fetched.got[0]);
	reason_unref(fetched.got[1]);
}

static void
expect(uint64_t id, char first)
{
	struct reason *all = words_of(first);

	fetch(id);
	ck_assert_int_eq(fetched.status, SPOOL_OK);
	ck_assert_uint_eq(fetched.n, 2);
	ck_assert_ptr_null(fetched.got[0]);
	ck_assert(reason_equal(fetched.got[1], all));
	forget();
	reason_unref(all);
}

static void
pass(void)
{
	static struct sent sent[BATCH];
	char body[1000];

	memset(body, 'x', sizeof body);
	for (int i = 0; i < BATCH; i++)
		box_send(&box, &sent[i], body, sizeof body);
	for (int i = 0; i < BATCH; i++)
		ck_assert_int_eq(box_sent(&box, &sent[i]), SPOOL_OK);
	for (int i = 0; i < BATCH; i++)
		spool_done(box.spool, sent[i].id);
}

static bool
is_copied(uint64_t id, uint64_t before)
{
	const struct live *live = live_of(id);
	struct journal *j = journal_of(box.spool);
	bool is;

	(void)pthread_mutex_lock(&j->lock);
	is = live->segment->number > before;
	(void)pthread_mutex_unlock(&j->lock);
	return is;
}

START_TEST(words_within_the_budget_are_whole)
{
	uint64_t id = store_tried('a');

	ck_assert(!reason_is_cut(row_of(id)->reason));
	expect(id, 'a');
}
END_TEST

START_TEST(words_beyond_the_budget_are_cut_and_read_back)
{
	uint64_t id = store_tried('a'), last = push_out("bcdefghij");

	ck_assert(reason_is_cut(row_of(id)->reason));
	ck_assert(!reason_is_cut(row_of(last)->reason));
	ck_assert_uint_le(
	    reasons_bytes(journal_of(box.spool)->index.reasons), 3 * LONG);
	expect(id, 'a');
	expect(last, 'j');
	box_reopen(&box);
	ck_assert(reason_is_cut(row_of(id)->reason));
	ck_assert(reason_is_cut(box_loaded(&box, id)->rows[1].reason));
	ck_assert(!reason_is_cut(row_of(last)->reason));
	expect(id, 'a');
	expect(last, 'j');
}
END_TEST

/* The same value is in the index and in the schedule. */
START_TEST(the_schedule_sees_the_cut)
{
	uint64_t id = store_tried('a');
	struct reason *kept = spool_keep_reason_take(box.spool, words_of('a'));

	ck_assert(!reason_is_cut(kept));
	(void)push_out("bcd");
	ck_assert(reason_is_cut(kept));
	ck_assert_ptr_eq(row_of(id)->reason, kept);
	reason_unref(kept);
}
END_TEST

/* News that the schedule brings with words that were cut meanwhile. */
static void
hold(uint64_t id, bool held)
{
	struct progress p = { .rcpt = 1,
		.held = held,
		.reason = reason_ref(row_of(id)->reason) };
	struct answer a = { 0 };

	ck_assert(reason_is_cut(p.reason));
	spool_progress_synced(box.spool, id, &p, 1, box.loop, on_status, &a);
	reason_unref(p.reason);
	expect(id, 'a');
	box_wait(&box, &a);
	ck_assert_int_eq(row_of(id)->held, held);
	expect(id, 'a');
}

START_TEST(news_do_not_shorten_what_is_on_disk)
{
	uint64_t id = store_tried('a'), before;

	(void)push_out("bcd");
	hold(id, true);
	box_reopen(&box);
	ck_assert(box_loaded(&box, id)->rows[1].held);
	expect(id, 'a');
	(void)push_out("efg");
	hold(id, false);
	before = journal_of(box.spool)->segments.next_number;
	while (!is_copied(id, before))
		pass();
	expect(id, 'a');
	hold(id, true);
	box_reopen(&box);
	ck_assert(box_loaded(&box, id)->rows[1].held);
	expect(id, 'a');
}
END_TEST

/* Who reads them back would find nothing on disk yet. */
START_TEST(words_of_news_are_whole_until_they_are_on_disk)
{
	struct index *ix = &journal_of(box.spool)->index;
	uint64_t id = store_tried('b');
	struct reason *kept = spool_keep_reason_take(box.spool, words_of('a')),
		      *whole = reason_whole(kept);
	struct progress p = { .rcpt = 1, .reason = kept };

	live_apply(index_get(ix, id), &p, 1, place_pending(7));
	(void)push_out("cde");
	ck_assert(reason_is_cut(kept));
	ck_assert(reason_equal(row_of(id)->reason, whole));
	reason_unref(kept);
	reason_unref(whole);
}
END_TEST

/* Only what is on disk may be cut, and the newest counts. */
START_TEST(newer_words_are_read_not_older_ones)
{
	uint64_t id = store_tried('a');
	struct progress p = { .rcpt = 1 };

	(void)push_out("bcde");
	ck_assert(reason_is_cut(row_of(id)->reason));
	for (char c = 'p'; c < 't'; c++) {
		p.reason = words_of(c);
		spool_progress(box.spool, id, &p, 1);
		reason_unref(p.reason);
		expect(id, c);
	}
	(void)push_out("xyz");
	ck_assert(reason_is_cut(row_of(id)->reason));
	expect(id, 's');
}
END_TEST

/* Older news are written: the row's own, which wait, are not on disk by that. */
START_TEST(news_that_wait_are_not_cut)
{
	struct index *ix = &journal_of(box.spool)->index;
	uint64_t id = store_tried('a'), waits = place_pending(7);
	struct row *row;

	row = &index_get(ix, id)->rows[1];
	reason_unref(row->reason);
	row->reason = words_of('y');
	row->place = waits;
	index_settle_rows(ix, index_get(ix, id), place_pending(6), 4096);
	ck_assert_uint_eq(row->place, waits);
	(void)push_out("bcd");
	ck_assert(!reason_is_cut(row->reason));
	index_settle_rows(ix, index_get(ix, id), waits, 4096);
	ck_assert_uint_eq(row->place, 4096);
	(void)push_out("efg");
	ck_assert(reason_is_cut(row->reason));
}
END_TEST

START_TEST(reclaiming_copies_whole_words)
{
	uint64_t id[8], last;

	for (int i = 0; i < 8; i++)
		id[i] = store_tried((char)('a' + i));
	/* Twice: the second copy reads words from the first. */
	for (int round = 0; round < 2; round++) {
		last = journal_of(box.spool)->segments.next_number;
		for (int i = 0; i < 8; i++)
			while (!is_copied(id[i], last))
				pass();
		ck_assert(reason_is_cut(row_of(id[0])->reason));
		for (int i = 0; i < 8; i++)
			expect(id[i], (char)('a' + i));
	}
	box_reopen(&box);
	for (int i = 0; i < 8; i++)
		expect(id[i], (char)('a' + i));
}
END_TEST

START_TEST(what_cannot_be_read_stays_cut)
{
	struct segment *s;
	uint64_t id = store_tried('a'), last = push_out("bcde");

	s = index_get(&journal_of(box.spool)->index, id)->segment;
	ck_assert_uint_eq(row_of(id)->place >> 32, s->number);
	ck_assert_int_eq(
	    pwrite(s->fd, "?", 1, (off_t)(uint32_t)row_of(id)->place + 100), 1);
	fetch(id);
	ck_assert_int_eq(fetched.status, SPOOL_DAMAGED);
	ck_assert(reason_is_cut(fetched.got[1]));
	forget();
	fetch(last + 1000);
	ck_assert_int_eq(fetched.status, SPOOL_ABSENT);
	ck_assert_uint_eq(fetched.n, 0);
}
END_TEST

START_TEST(the_schedule_shares_what_is_kept)
{
	uint64_t id = store_tried('a'), other = store_tried('a');
	struct reason *kept = spool_keep_reason_take(box.spool, words_of('a'));

	ck_assert_ptr_eq(row_of(id)->reason, row_of(other)->reason);
	ck_assert_ptr_eq(kept, row_of(id)->reason);
	reason_unref(kept);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, words_within_the_budget_are_whole);
	tcase_add_test(tc, words_beyond_the_budget_are_cut_and_read_back);
	tcase_add_test(tc, the_schedule_sees_the_cut);
	tcase_add_test(tc, news_do_not_shorten_what_is_on_disk);
	tcase_add_test(tc, words_of_news_are_whole_until_they_are_on_disk);
	tcase_add_test(tc, newer_words_are_read_not_older_ones);
	tcase_add_test(tc, news_that_wait_are_not_cut);
	tcase_add_test(tc, reclaiming_copies_whole_words);
	tcase_add_test(tc, what_cannot_be_read_stays_cut);
	tcase_add_test(tc, the_schedule_shares_what_is_kept);
}

SUITE_MAIN("whole", fill)
