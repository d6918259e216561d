/*
 * The n-th call to the disk fails, for every n of a small piece of work. Then
 * the disk is well again, and what the clients were told must be true. Whatever
 * failed, at the end all memory and every descriptor has been given back.
 */
#include "fixture.h"

#include "tests/spool/leaks.h"

enum { MESSAGES = 12, LARGE = 20000, SMALL = 7000, CALLS = 90 };

static struct box box;

struct told {
	uint64_t id;
	enum spool_status status;
	bool done;
};

static struct leaks before;

/* What libraries make once, and threads: they are there before the count. */
static void
warm_up(void)
{
	struct answer a = { 0 };
	struct buf chunk = { .max = 64 };
	struct spool_entry *e;

	box_init(&box);
	ck_assert(box_open(&box));
	ck_assert_uint_ne(box_store(&box, "warm"), 0);
	e = spool_entry_open(box.spool, box.loop);
	(void)buf_append_text(&chunk, "in the pool");
	spool_entry_append_take(e, &chunk, on_status, &a);
	box_wait(&box, &a);
	spool_entry_drop(e);
	box_clear(&box);
}

static void
setup(void)
{
	warm_up();
	before = leaks_now();
	box_init(&box);
}

static void
teardown(void)
{
	box_clear(&box);
	leaks_expect(&before);
}

static const char *
body_of(int i)
{
	/*
	 * Half of the later ones: some are done, whose files serve again. Not
	 * the last: an id that no record has may come again after a start.
	 */
	bool is_large = i >= 3 && i % 3 != 1 && i < MESSAGES - 1;
	static char body[LARGE + 1];

	memset(body, 'a' + i, sizeof body - 1);
	body[is_large ? LARGE - i * 100 : SMALL] = '\0';
	return body;
}

/* Large content as a client brings it. */
static void
bring(struct told *told, const char *body)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);
	struct answer a = { 0 };
	struct envelope *env;

	told->id = spool_entry_id(e);
	for (size_t at = 0, len = strlen(body); at < len; at += LARGE / 3) {
		struct answer appended = { 0 };
		struct buf b = { 0 };

		(void)buf_append_span(
		    &b, span_to(span_text(body + at), LARGE / 3));
		spool_entry_append_take(e, &b, on_status, &appended);
		box_wait(&box, &appended);
	}
	env = envelope_of(told->id, spool_entry_appended(e), 2);
	spool_commit(e, env, NULL, on_status, &a);
	box_wait(&box, &a);
	told->status = a.status;
	free(env);
}

static void
send_from_memory(struct told *told, const char *body)
{
	struct sent s;

	box_send(&box, &s, body, strlen(body));
	told->status = box_sent(&box, &s);
	told->id = s.id;
}

static void
work(struct told *told)
{
	for (int i = 0; i < MESSAGES; i++) {
		const char *body = body_of(i);
		struct progress p = { .rcpt = 0, .tries = 1 };

		if (strlen(body) > SMALL && i % 2 == 1)
			bring(&told[i], body);
		else
			send_from_memory(&told[i], body);
		if (told[i].status != SPOOL_OK)
			continue;
		if (i % 3 == 0) {
			spool_done(box.spool, told[i].id);
			told[i].done = true;
		} else {
			spool_progress(box.spool, told[i].id, &p, 1);
		}
	}
}

/* `strict`: the disk was well again in time to record everything. */
static void
check(const struct told *told, bool strict)
{
	for (int i = 0; i < MESSAGES; i++) {
		bool is_there = box_loaded(&box, told[i].id) != NULL;

		if (told[i].status == SPOOL_OK && !told[i].done) {
			ck_assert_msg(is_there, "lost %d", i);
			box_expect(&box, told[i].id, body_of(i));
		} else if (strict) {
			ck_assert_msg(!is_there, "%s %d",
			    told[i].done ? "done" : "refused", i);
		}
	}
}

static void
run(int fail_at, int fail_for, int error, bool strict)
{
	struct told told[MESSAGES] = { 0 };
	struct spool_health h;

	box.fault.fail_at = fail_at;
	box.fault.fail_for = fail_for;
	box.fault.error = error;
	if (!box_open(&box))
		return; /* refused: nobody was told anything */
	work(told);
	if (strict)
		box.fault.fail_at = 0;
	box_close(&box);
	box.fault.fail_at = 0;
	ck_assert_msg(box_open(&box), "%s", box.err.text);
	check(told, strict);
	spool_health(box.spool, &h);
	if (strict)
		ck_assert_uint_eq(h.set_aside, 0);
	ck_assert_uint_ne(box_store(&box, "after"), 0);
	box_reopen(&box);
	check(told, strict);
}

START_TEST(one_failed_call_makes_no_promise_false)
{
	run(_i, 1, EIO, true);
}
END_TEST

/* Out of descriptors, of quota, interrupted for good: whatever the words. */
START_TEST(the_kind_of_error_does_not_matter)
{
	static const int errors[] = { EMFILE, EDQUOT, EROFS };

	run(1 + _i / 3, 1 + _i % 5, errors[_i % 3], true);
}
END_TEST

START_TEST(some_failed_calls_make_no_promise_false)
{
	run(_i, 4, EIO, true);
}
END_TEST

START_TEST(a_disk_that_stays_bad_makes_no_promise_false)
{
	run(_i, 1000000, EIO, false);
}
END_TEST

START_TEST(a_full_disk_makes_no_promise_false)
{
	run(_i, 6, ENOSPC, true);
}
END_TEST

START_TEST(a_power_cut_makes_no_promise_false)
{
	struct told told[MESSAGES];
	struct spool_health h;

	for (int i = 0; i < MESSAGES; i++)
		told[i] = (struct told){ .status = SPOOL_FAULT };
	box.fault.is_dead = true;
	box.fault.fail_for = 1000000;
	box.fault.fail_at = _i;
	if (box_open(&box))
		work(told);
	box_close(&box);
	box.fault.fail_at = 0;
	power_cut(&box.fault.power, (unsigned)_i);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
	check(told, false);
	spool_health(box.spool, &h);
	ck_assert_uint_eq(h.set_aside, 0);
	ck_assert_uint_ne(box_store(&box, "after"), 0);
	box_reopen(&box);
	check(told, false);
	spool_health(box.spool, &h);
	ck_assert_uint_eq(h.set_aside, 0);
}
END_TEST

START_TEST(a_full_disk_is_told_as_such)
{
	struct sent s;

	ck_assert(box_open(&box));
	ck_assert_uint_ne(box_store(&box, "one"), 0);
	box.fault.error = ENOSPC;
	box.fault.fail_for = 1000000;
	box.fault.fail_at = atomic_load(&box.fault.calls) + 1;
	box_send(&box, &s, "two", 3);
	ck_assert_int_eq(box_sent(&box, &s), SPOOL_FULL);
	box_send(&box, &s, "three", 5);
	ck_assert_int_eq(box_sent(&box, &s), SPOOL_FULL);
	ck_assert_int_eq(spool_room(box.spool, 1), SPOOL_FULL);
	box.fault.fail_at = 0;
}
END_TEST

START_TEST(a_journal_that_cannot_write_says_so_and_comes_back)
{
	struct spool_health h;
	uint64_t one;

	ck_assert(box_open(&box));
	one = box_store(&box, "one");
	box.fault.fail_for = 1000000;
	box.fault.fail_at = atomic_load(&box.fault.calls) + 1;
	ck_assert_uint_eq(box_store(&box, "two"), 0);
	/* The second answer comes only when the state is known. */
	ck_assert_uint_eq(box_store(&box, "three"), 0);
	spool_health(box.spool, &h);
	ck_assert(!h.accepting && !h.recording);
	ck_assert_msg(strstr(h.why, strerror(EIO)) != NULL, "%s", h.why);
	ck_assert_uint_eq(h.messages, 1);
	spool_done(box.spool, one);
	box.fault.fail_at = 0;
	/* It tries again by itself, once a second. */
	while (!h.recording)
		spool_health(box.spool, &h);
	ck_assert(h.accepting);
	ck_assert_str_eq(h.why, "");
	ck_assert_uint_ne(box_store(&box, "four"), 0);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 1);
}
END_TEST

/* Whether a text is in the journal's file of that number. */
static bool
is_in_segment(unsigned number, const char *text, bool damage_header)
{
	char *path = mem_printf("%s/journal/%08u", box.directory, number);
	static char bytes[256 * 1024], zeros[SEGMENT_FIRST];
	int fd = open(path, O_RDWR);
	ssize_t n = pread(fd, bytes, sizeof bytes, 0);

	ck_assert_int_gt(n, 0);
	if (damage_header)
		ck_assert_int_eq(
		    pwrite(fd, zeros, sizeof zeros, 0), sizeof zeros);
	(void)close(fd);
	free(path);
	return memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
}

/*
 * A sync fails when the group was written: its bytes may be there still. That
 * they do not count is in the next segment twice, in the header and in a
 * record, for one of them may be damaged.
 */
START_TEST(a_refused_message_does_not_rise_when_a_header_is_damaged)
{
	uint64_t one, refused = 0;
	unsigned number;
	struct sent s;

	ck_assert(box_open(&box));
	one = box_store(&box, "one");
	number = (unsigned)journal_of(box.spool)->segments.next_number - 1;
	/* The write of the group, and then its sync; in one call, or two. */
	for (int call = 1; refused == 0; call++) {
		ck_assert_int_lt(call, 4);
		box.fault.fail_at = box.fault.calls + call;
		box_send(&box, &s, "two, refused", 12);
		if (box_sent(&box, &s) == SPOOL_OK)
			spool_done(box.spool, s.id);
		else if (is_in_segment(number, "two, refused", false))
			refused = s.id;
		else
			number = (unsigned)journal_of(box.spool)
				     ->segments.next_number -
				 1;
		box.fault.fail_at = 0;
	}
	ck_assert_uint_ne(box_store(&box, "three"), 0);
	box_close(&box);
	(void)is_in_segment(number + 1, "", true);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
	ck_assert(box_loaded(&box, one) != NULL);
	ck_assert(box_loaded(&box, refused) == NULL);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, one_failed_call_makes_no_promise_false, 1, CALLS);
	tcase_add_loop_test(
	    tc, the_kind_of_error_does_not_matter, 0, 3 * CALLS);
	tcase_add_loop_test(
	    tc, some_failed_calls_make_no_promise_false, 1, CALLS);
	tcase_add_loop_test(
	    tc, a_disk_that_stays_bad_makes_no_promise_false, 1, CALLS);
	tcase_add_loop_test(tc, a_full_disk_makes_no_promise_false, 1, CALLS);
	tcase_add_loop_test(
	    tc, a_power_cut_makes_no_promise_false, 1, 3 * CALLS);
	tcase_add_test(
	    tc, a_refused_message_does_not_rise_when_a_header_is_damaged);
	tcase_add_test(tc, a_full_disk_is_told_as_such);
	tcase_add_test(tc, a_journal_that_cannot_write_says_so_and_comes_back);
}

SUITE_MAIN("fault", fill)
