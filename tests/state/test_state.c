/*
 * What is put is there after a restart; and whatever is wrong with the database,
 * somebody who asks is answered, and what was to be kept is put again.
 */
#include "tests/lib/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "facts/fact.h"
#include "state/state.h"

/* A source with one account, which waits for what becomes of it. */
struct shop {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned asked, kept, failed, renewed;
	unsigned told[FACT_KINDS];
	char used[8192], put[8192], is_there[8192];
	uint64_t known[3];
	size_t nknown;
	/* The answer to the last question. */
	bool is_answered, is_read, is_stopped, got_stopped;
	char got[8192];
	size_t ngot;
	uint64_t first;
	int64_t passed;
};

static struct shop shop;
static struct state *state;
static char folder[64], file[128];

static void
collect(struct state_batch *b, void *arg)
{
	struct shop *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	s->asked++;
	(void)strcpy(s->put, s->used);
	state_put_used(b, SPAN("ann"), span_text(s->used),
	    s->is_stopped ? STATE_BRAKED : STATE_IN_ORDER);
	state_put_known(b, SPAN("ann"), s->known, s->nknown);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
collected(bool is_kept, void *arg)
{
	struct shop *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	s->kept += is_kept;
	if (is_kept)
		(void)strcpy(s->is_there, s->put);
	s->failed += !is_kept;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
renewed(void *arg)
{
	struct shop *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	s->renewed++;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
on_account(const struct state_account *a, void *arg)
{
	struct shop *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	s->is_answered = true;
	s->is_read = a->is_read;
	s->got_stopped = a->standing == STATE_BRAKED;
	s->passed = a->passed;
	s->ngot = a->nknown;
	s->first = a->nknown > 0 ? a->known[0] : 0;
	(void)snprintf(s->got, sizeof s->got, "%.*s", SPAN_ARG(a->used));
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
on_fact(const struct fact *fact, void *arg)
{
	struct shop *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	s->told[fact->kind]++;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

/* Until so many were counted there. */
static void
await(const unsigned *n, unsigned least)
{
	(void)pthread_mutex_lock(&shop.lock);
	while (*n < least)
		(void)pthread_cond_wait(&shop.changed, &shop.lock);
	(void)pthread_mutex_unlock(&shop.lock);
}

static void
begin(const char *directory, unsigned pages)
{
	static const enum fact_kind kinds[] = { FACT_STATE_OPEN,
		FACT_STATE_FAULT, FACT_STATE_DAMAGED, FACT_STATE_GONE };
	struct state_source source = { collect, collected, renewed, &shop };
	struct err err;

	facts_add_sink(on_fact, &shop, kinds, ARRAY_LEN(kinds));
	state =
	    state_open(&(struct state_options){ directory, 1, 1, pages }, &err);
	ck_assert_ptr_nonnull(state);
	state_add_source(state, &source);
}

static void
end(void)
{
	state_close(state);
	facts_forget_sinks();
}

/* Until that is there: another batch may be under way with what was before. */
static void
keep(const char *used)
{
	unsigned before;

	(void)pthread_mutex_lock(&shop.lock);
	(void)snprintf(shop.used, sizeof shop.used, "%s", used);
	before = shop.kept;
	(void)pthread_mutex_unlock(&shop.lock);
	state_wake(state);
	(void)pthread_mutex_lock(&shop.lock);
	while (shop.kept == before || strcmp(shop.is_there, used) != 0)
		(void)pthread_cond_wait(&shop.changed, &shop.lock);
	(void)pthread_mutex_unlock(&shop.lock);
}

static void
ask(const char *name)
{
	(void)pthread_mutex_lock(&shop.lock);
	shop.is_answered = false;
	(void)pthread_mutex_unlock(&shop.lock);
	state_ask_account(state, span_text(name), 2, on_account, &shop);
	(void)pthread_mutex_lock(&shop.lock);
	while (!shop.is_answered)
		(void)pthread_cond_wait(&shop.changed, &shop.lock);
	(void)pthread_mutex_unlock(&shop.lock);
}

static void
setup(void)
{
	shop = (struct shop){ 0 };
	(void)pthread_mutex_init(&shop.lock, NULL);
	(void)pthread_cond_init(&shop.changed, NULL);
	(void)strcpy(folder, "/tmp/postern-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(file, sizeof file, "%s/state.db", folder);
}

static void
teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static unsigned
files_like(const char *pattern)
{
	char command[256], n[16] = "";
	FILE *out;

	(void)snprintf(command, sizeof command,
	    "ls -d %s/%s 2>/dev/null | wc -l", folder, pattern);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(fgets(n, sizeof n, out));
	(void)pclose(out);
	return (unsigned)strtoul(n, NULL, 10);
}

START_TEST(what_is_put_is_there_after_a_restart)
{
	struct stat st;

	begin(folder, 0);
	ask("ann");
	ck_assert(shop.is_read);
	ck_assert_str_eq(shop.got, "");
	shop.known[0] = UINT64_MAX;
	shop.nknown = 1;
	keep("three");
	shop.known[0] = 7;
	shop.known[1] = UINT64_MAX;
	shop.nknown = 2;
	keep("four");
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	end();
	begin(folder, 0);
	ask("ann");
	ck_assert(shop.is_read);
	ck_assert_str_eq(shop.got, "four");
	ck_assert_uint_eq(shop.ngot, 2);
	ck_assert_uint_eq(shop.first, UINT64_MAX); /* as a signed one: first */
	ck_assert_int_ge(shop.passed, 0);
	ck_assert_int_lt(shop.passed, 600000);
	ask("bob");
	ck_assert(shop.is_read);
	ck_assert_str_eq(shop.got, "");
	ck_assert_uint_eq(shop.ngot, 0);
	end();
	ck_assert_uint_eq(shop.told[FACT_STATE_FAULT], 0);
}
END_TEST

static void
on_name(struct span name, enum state_standing standing, void *arg)
{
	struct shop *s = arg;

	ck_assert_int_eq(standing, STATE_BRAKED);
	(void)pthread_mutex_lock(&s->lock);
	(void)snprintf(s->got, sizeof s->got, "%.*s", SPAN_ARG(name));
	s->is_answered = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

START_TEST(those_that_are_stopped_are_known_at_the_next_start)
{
	shop.is_stopped = true;
	begin(folder, 0);
	keep("x");
	end();
	begin(folder, 0);
	(void)pthread_mutex_lock(&shop.lock);
	shop.is_answered = false;
	state_ask_stopped(state, on_name, &shop);
	while (!shop.is_answered)
		(void)pthread_cond_wait(&shop.changed, &shop.lock);
	(void)pthread_mutex_unlock(&shop.lock);
	ck_assert_str_eq(shop.got, "ann");
	ask("ann");
	ck_assert(shop.got_stopped);
	shop.is_stopped = false;
	keep("x");
	ask("ann");
	ck_assert(!shop.got_stopped);
	end();
}
END_TEST

START_TEST(no_more_are_read_than_are_asked_for)
{
	begin(folder, 0);
	for (unsigned i = 0; i < 3; i++)
		shop.known[i] = i + 1;
	shop.nknown = 3;
	keep("x");
	ask("ann");
	ck_assert_uint_eq(shop.ngot, 2);
	end();
}
END_TEST

/* The last batch may be lost, and nothing else. */
START_TEST(a_kill_leaves_what_was_kept)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		begin(folder, 0);
		keep("kept");
		(void)kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	begin(folder, 0);
	ask("ann");
	ck_assert_str_eq(shop.got, "kept");
	end();
}
END_TEST

START_TEST(what_is_not_kept_yet_is_kept_at_the_end)
{
	begin(folder, 0);
	(void)strcpy(shop.used, "last");
	state_wake(state);
	end();
	begin(folder, 0);
	ask("ann");
	ck_assert_str_eq(shop.got, "last");
	end();
}
END_TEST

static void
execute(const char *sql)
{
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

START_TEST(by_the_clock_it_was_not_before_it_was)
{
	char sql[128];

	begin(folder, 0);
	keep("x");
	end();
	execute("UPDATE account SET wall = wall - 60000, boot = 5");
	begin(folder, 0);
	ask("ann");
	ck_assert_int_ge(shop.passed, 60000);
	ck_assert_int_lt(shop.passed, 120000);
	end();
	/* The wall clock went back; the machine's did not. */
	execute("UPDATE account SET wall = wall + 86400000, "
		"steady = steady + 86400000");
	begin(folder, 0);
	ask("ann");
	ck_assert_int_eq(shop.passed, 0);
	keep("x");
	end();
	(void)snprintf(sql, sizeof sql,
	    "UPDATE account SET wall = wall + "
	    "86400000, steady = steady - 30000");
	execute(sql);
	begin(folder, 0);
	ask("ann");
	ck_assert_int_ge(shop.passed, 30000);
	ck_assert_int_lt(shop.passed, 90000);
	end();
}
END_TEST

static void
scribble(long at, size_t n)
{
	FILE *f = fopen(file, "r+");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
	while (n-- > 0)
		(void)fputc('x', f);
	(void)fclose(f);
}

static const struct {
	const char *name;
	long at;
	size_t n;
} damages[] = {
	{ "the_head", 0, 100 },
	{ "the_schema", 100, 3900 },
	{ "a_table", 4096, 4096 },
	{ "all_of_it", 0, 5 * 4096 },
};

START_TEST(a_damaged_one_is_moved_aside_and_a_new_one_begun)
{
	begin(folder, 0);
	keep("old");
	end();
	ck_assert_uint_eq(files_like("state.db-wal"), 0); /* it was closed */
	scribble(damages[_i].at, damages[_i].n);
	begin(folder, 0);
	ask("ann"); /* at the latest */
	keep("new");
	ask("ann");
	ck_assert(shop.is_read);
	ck_assert_str_eq(shop.got, "new");
	ck_assert_uint_eq(shop.told[FACT_STATE_DAMAGED], 1);
	ck_assert_uint_ge(shop.renewed, 2);
	ck_assert_uint_eq(files_like("state.db.damaged-*"), 1);
	end();
	begin(folder, 0);
	ask("ann");
	ck_assert_str_eq(shop.got, "new");
	end();
}
END_TEST

START_TEST(one_that_is_deleted_is_begun_anew_while_it_runs)
{
	begin(folder, 0);
	keep("one");
	ck_assert_int_eq(unlink(file), 0);
	keep("two");
	await(&shop.told[FACT_STATE_GONE], 1);
	ck_assert_uint_ge(shop.renewed, 2);
	end();
	begin(folder, 0);
	ask("ann");
	ck_assert_str_eq(shop.got, "two");
	end();
}
END_TEST

START_TEST(a_folder_that_cannot_be_used_stops_nobody)
{
	char why[256];

	begin("/proc/postern", 0);
	ask("ann");
	ck_assert(!shop.is_read);
	ck_assert_str_eq(shop.got, "");
	await(&shop.told[FACT_STATE_FAULT], 1);
	ck_assert(!state_works(state, why, sizeof why));
	ck_assert_str_eq(why, strerror(ENOENT));
	state_wake(state);
	ask("ann");
	end();
	ck_assert_uint_eq(shop.told[FACT_STATE_FAULT], 1); /* not each time */
	ck_assert_uint_eq(shop.kept, 0);
}
END_TEST

START_TEST(one_that_is_there_later_is_used_then)
{
	(void)rmdir(folder);
	ck_assert_int_eq(close(open(folder, O_CREAT | O_WRONLY, 0600)), 0);
	begin(folder, 0);
	(void)strcpy(shop.used, "late");
	state_wake(state);
	await(&shop.told[FACT_STATE_FAULT], 1);
	ck_assert_int_eq(unlink(folder), 0);
	await(&shop.told[FACT_STATE_OPEN], 1);
	await(&shop.kept, 1);
	ask("ann");
	ck_assert_str_eq(shop.got, "late");
	end();
}
END_TEST

START_TEST(a_full_disk_is_told_and_tried_again)
{
	char why[256];

	begin(folder, 8);
	keep("fits");
	(void)pthread_mutex_lock(&shop.lock);
	memset(shop.used, 'x', sizeof shop.used - 1);
	(void)pthread_mutex_unlock(&shop.lock);
	state_wake(state);
	await(&shop.failed, 2); /* again and again */
	await(&shop.told[FACT_STATE_FAULT], 1);
	ck_assert(!state_works(state, why, sizeof why));
	ck_assert_str_eq(why, "database or disk is full");
	ask("ann");
	ck_assert(shop.is_read); /* what is there can be read */
	ck_assert_str_eq(shop.got, "fits");
	keep("room again");
	await(&shop.told[FACT_STATE_OPEN], 2);
	ck_assert(state_works(state, why, sizeof why));
	ck_assert_str_eq(why, "");
	ask("ann");
	ck_assert_str_eq(shop.got, "room again");
	end();
	ck_assert_uint_eq(shop.told[FACT_STATE_FAULT], 1);
}
END_TEST

START_TEST(one_that_is_locked_is_tried_again)
{
	sqlite3 *db = NULL;

	begin(folder, 0);
	keep("x");
	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	(void)strcpy(shop.used, "y");
	state_wake(state);
	await(&shop.failed, 1);
	await(&shop.told[FACT_STATE_FAULT], 1);
	ask("ann");
	ck_assert(shop.is_read); /* readers need no lock */
	ck_assert_str_eq(shop.got, "x");
	ck_assert_int_eq(
	    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	await(&shop.kept, 2);
	ask("ann");
	ck_assert_str_eq(shop.got, "y");
	end();
	ck_assert_uint_eq(files_like("state.db.damaged-*"), 0);
}
END_TEST

START_TEST(one_of_a_newer_postern_is_left_alone)
{
	char why[256];

	execute("PRAGMA user_version = 99; CREATE TABLE theirs (x)");
	begin(folder, 0);
	ask("ann");
	ck_assert(!shop.is_read);
	await(&shop.told[FACT_STATE_FAULT], 1);
	ck_assert(!state_works(state, why, sizeof why));
	ck_assert_str_eq(why, "it has form 99, and this Postern knows 3");
	state_wake(state);
	end();
	execute("SELECT * FROM theirs");
	ck_assert_uint_eq(files_like("state.db.damaged-*"), 0);
}
END_TEST

/* --- domains that mail is sent from --- */

static struct {
	unsigned rows, ended;
	char last[100]; /* "KIND DOMAIN NAME AT SAID" */
	bool drops;
} sent;

static void
collect_sending(struct state_batch *b, void *arg)
{
	struct state_sending row = { STATE_DOMAIN, SPAN("a.test"), SPAN(""),
		SPAN("x\0y"), 1000 };

	(void)arg;
	state_put_sending(b, &row);
	row = (struct state_sending){ STATE_DOMAIN_HOLD, SPAN("a.test"),
		SPAN("mx.b.test"), SPAN("no"), 2000 };
	if (sent.drops)
		state_drop_sending(b, &row);
	else
		state_put_sending(b, &row);
}

static void
ignore_kept(bool is_kept, void *arg)
{
	(void)is_kept;
	(void)arg;
}

static void
ignore_renewed(void *arg)
{
	(void)arg;
}

static void
on_sending(const struct state_sending *row, void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&shop.lock);
	if (row == NULL)
		sent.ended++;
	else
		(void)snprintf(sent.last, sizeof sent.last,
		    "%d %.*s %.*s %lld %zu", (int)row->kind,
		    SPAN_ARG(row->domain), SPAN_ARG(row->name),
		    (long long)row->at, row->said.len);
	sent.rows += row != NULL;
	(void)pthread_cond_broadcast(&shop.changed);
	(void)pthread_mutex_unlock(&shop.lock);
}

/* What is there, of at most so many. */
static unsigned
count_sending(size_t most)
{
	unsigned before = sent.ended;

	sent.rows = 0;
	state_ask_sending(state, most, on_sending, NULL);
	await(&sent.ended, before + 1);
	return sent.rows;
}

static void
begin_sending(void)
{
	struct state_source source = { collect_sending, ignore_kept,
		ignore_renewed, NULL };

	begin(folder, 0);
	state_add_source(state, &source);
}

START_TEST(domains_are_kept_in_an_older_file_too)
{
	begin(folder, 0);
	keep("before");
	end();
	execute("DROP TABLE sending; DROP TABLE key_use; DROP TABLE home; "
		"PRAGMA user_version = 1");
	begin_sending();
	keep("after");
	ask("ann");
	ck_assert_str_eq(shop.got, "after");
	ck_assert_uint_eq(count_sending(10), 2);
	ck_assert_str_eq(sent.last, "2 a.test mx.b.test 2000 2");
	ck_assert_uint_eq(count_sending(1), 1);
	ck_assert_str_eq(sent.last, "0 a.test  1000 3");
	sent.drops = true;
	keep("again");
	end();
	begin(folder, 0);
	ck_assert_uint_eq(count_sending(10), 1);
	ck_assert_str_eq(sent.last, "0 a.test  1000 3");
	end();
	ck_assert_uint_eq(files_like("state.db.damaged-*"), 0);
}
END_TEST

/* --- logins --- */

static struct {
	bool drops;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned kept, ended; /* batches; lists that were read */
	struct buf uses, homes; /* what was read */
} logins = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER };

static void
collect_logins(struct state_batch *b, void *arg)
{
	static const struct state_home homes[] = { { UINT64_MAX, 1000 },
		{ 5, 3000 }, { 6, 2000 } };

	(void)arg;
	state_put_key_use(
	    b, &(struct state_key_use){
		   .name = SPAN("ann#b"), .at = 1000, .client = SPAN("::1") });
	state_put_key_use(b, &(struct state_key_use){ .name = SPAN("ann#a"),
				 .at = 2000,
				 .client = SPAN("192.0.2.1") });
	for (size_t i = 0; i < ARRAY_LEN(homes); i++)
		state_put_home(b, &homes[i]);
	if (!logins.drops)
		return;
	state_drop_key_use(b, SPAN("ann#b"));
	state_drop_homes(b, 1000);
}

static void
collected_logins(bool is_kept, void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&logins.lock);
	logins.kept += is_kept;
	(void)pthread_cond_broadcast(&logins.changed);
	(void)pthread_mutex_unlock(&logins.lock);
}

static void
list_ended(void)
{
	(void)pthread_mutex_lock(&logins.lock);
	logins.ended++;
	(void)pthread_cond_broadcast(&logins.changed);
	(void)pthread_mutex_unlock(&logins.lock);
}

static void
on_use(const struct state_key_use *use, void *arg)
{
	(void)arg;
	if (use == NULL)
		list_ended();
	else
		(void)buf_printf(&logins.uses, "%.*s %lld %.*s; ",
		    SPAN_ARG(use->name), (long long)use->at,
		    SPAN_ARG(use->client));
}

static void
on_home(const struct state_home *home, void *arg)
{
	(void)arg;
	if (home == NULL)
		list_ended();
	else
		(void)buf_printf(&logins.homes, "%llx %lld; ",
		    (unsigned long long)home->number, (long long)home->at);
}

/* What is there; `since` and `most` are for homes. */
static void
read_logins(int64_t since, size_t most)
{
	buf_clear(&logins.uses);
	buf_clear(&logins.homes);
	logins.ended = 0;
	state_ask_key_uses(state, on_use, NULL);
	state_ask_homes(state, since, most, on_home, NULL);
	(void)pthread_mutex_lock(&logins.lock);
	while (logins.ended < 2)
		(void)pthread_cond_wait(&logins.changed, &logins.lock);
	(void)pthread_mutex_unlock(&logins.lock);
}

#define IS(b, text) ck_assert(span_equal(buf_span(&(b)), SPAN(text)))

static void
keep_logins(bool drops)
{
	struct state_source source = { collect_logins, collected_logins,
		ignore_renewed, NULL };

	logins.drops = drops;
	logins.kept = 0;
	begin(folder, 0);
	state_add_source(state, &source);
	state_wake(state);
	(void)pthread_mutex_lock(&logins.lock);
	while (logins.kept == 0)
		(void)pthread_cond_wait(&logins.changed, &logins.lock);
	(void)pthread_mutex_unlock(&logins.lock);
}

START_TEST(logins_are_kept_in_an_older_file_too)
{
	struct err err = { "" };

	begin(folder, 0);
	keep("before");
	end();
	execute("DROP TABLE key_use; DROP TABLE home; PRAGMA user_version = 2");
	keep_logins(false);
	read_logins(0, 10);
	IS(logins.uses, "ann#a 2000 192.0.2.1; ann#b 1000 ::1; ");
	IS(logins.homes, "5 3000; 6 2000; ffffffffffffffff 1000; ");
	read_logins(1000, 1);
	IS(logins.homes, "5 3000; ");
	read_logins(2000, 10);
	IS(logins.homes, "5 3000; ");
	/* By somebody else, meanwhile and after. */
	buf_clear(&logins.uses);
	ck_assert_int_eq(state_read_key_uses(folder, on_use, NULL, &err), 0);
	IS(logins.uses, "ann#a 2000 192.0.2.1; ann#b 1000 ::1; ");
	end();
	keep_logins(true);
	read_logins(0, 10);
	IS(logins.uses, "ann#a 2000 192.0.2.1; ");
	IS(logins.homes, "5 3000; 6 2000; ");
	end();
	buf_clear(&logins.uses);
	ck_assert_int_eq(state_read_key_uses(folder, on_use, NULL, &err), 0);
	IS(logins.uses, "ann#a 2000 192.0.2.1; ");
	buf_clear(&logins.uses);
	buf_clear(&logins.homes);
}
END_TEST

START_TEST(what_is_no_database_is_said_to_who_reads_beside)
{
	struct err err = { "" };
	FILE *f;

	ck_assert_int_eq(state_read_key_uses(folder, on_use, NULL, &err), 0);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 200; i++)
		(void)fputs("my diary", f);
	(void)fclose(f);
	ck_assert_int_lt(state_read_key_uses(folder, on_use, NULL, &err), 0);
	ck_assert_msg(strstr(err.text, file) != NULL, "%s", err.text);
	ck_assert_uint_eq(buf_len(&logins.uses), 0);
}
END_TEST

START_TEST(it_works_in_memory_too)
{
	begin(NULL, 0);
	keep("here");
	ask("ann");
	ck_assert_str_eq(shop.got, "here");
	end();
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_put_is_there_after_a_restart);
	tcase_add_test(tc, those_that_are_stopped_are_known_at_the_next_start);
	tcase_add_test(tc, no_more_are_read_than_are_asked_for);
	tcase_add_test(tc, a_kill_leaves_what_was_kept);
	tcase_add_test(tc, what_is_not_kept_yet_is_kept_at_the_end);
	tcase_add_test(tc, by_the_clock_it_was_not_before_it_was);
	tcase_add_loop_test(tc,
	    a_damaged_one_is_moved_aside_and_a_new_one_begun, 0,
	    ARRAY_LEN(damages));
	tcase_add_test(tc, one_that_is_deleted_is_begun_anew_while_it_runs);
	tcase_add_test(tc, a_folder_that_cannot_be_used_stops_nobody);
	tcase_add_test(tc, one_that_is_there_later_is_used_then);
	tcase_add_test(tc, a_full_disk_is_told_and_tried_again);
	tcase_add_test(tc, one_that_is_locked_is_tried_again);
	tcase_add_test(tc, one_of_a_newer_postern_is_left_alone);
	tcase_add_test(tc, domains_are_kept_in_an_older_file_too);
	tcase_add_test(tc, logins_are_kept_in_an_older_file_too);
	tcase_add_test(tc, what_is_no_database_is_said_to_who_reads_beside);
	tcase_add_test(tc, it_works_in_memory_too);
}

SUITE_MAIN("state", fill)
