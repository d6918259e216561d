/*
 * postern dkim: keys, their records, and what becomes of them. It works on the files
 * alone; a relay that runs sees what changes (sign/watch_io.h).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/findings.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ctl/client.h"
#include "io/loop.h"
#include "records.h"
#include "sign/key_files.h"
#include "sign/keyring.h"
#include "smtp/address.h"
#include "smtp/idn.h"
#include "tool.h"

enum { STRING_MAX = 255, YEAR_DAYS = 365, PATIENCE_MS = 8000, PAUSE_MS = 200 };

static const char usage[] =
    "dkim add|show DOMAIN [--json] | dkim list [DOMAIN] [--json] | "
    "dkim activate DOMAIN [--force] | dkim retire DOMAIN [SELECTOR] [--force]";

/* What a command works with. */
struct work {
	const struct tool *tool;
	const struct conf *conf;
	char domain[IDN_SIZE]; /* "": all */
	const char *selector; /* NULL: none is named */
	struct keyring *ring;
	struct looked_up *keys; /* owned: of that domain */
	size_t n;
	int64_t now; /* s since 1970 */
};

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int
fail(const char *format, ...)
{
	struct buf text = { 0 };
	struct err err;
	va_list ap;

	va_start(ap, format);
	(void)buf_vprintf(&text, format, ap);
	va_end(ap);
	(void)err_set(&err, -1, "%.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
	return tool_fail(&err);
}

/* --- the keys of a domain --- */

static void
load(struct work *w)
{
	struct findings f = { 0 };

	keyring_unref(w->ring);
	w->ring = key_files_load(w->conf->dkim_directory, NULL, &f);
	for (size_t i = 0; i < f.n; i++)
		(void)fprintf(stderr, "postern: %s\n", f.all[i].text);
	findings_clear(&f);
	free(w->keys);
	w->keys = mem_zalloc(keyring_count(w->ring) + 1, sizeof *w->keys);
	w->n = 0;
	for (size_t i = 0; i < keyring_count(w->ring); i++) {
		const struct key *k = keyring_at(w->ring, i);

		if (w->domain[0] == '\0' ||
		    strcmp(key_domain(k), w->domain) == 0)
			w->keys[w->n++].key = k;
	}
}

static int
look_up(struct work *w)
{
	struct err err;

	return records_look_up(w->conf, w->keys, w->n, &err) == 0
		   ? EXIT_OK
		   : tool_fail(&err);
}

static bool
is_in_use(const struct key *k)
{
	return key_state(k) == KEY_WAITING || key_state(k) == KEY_ACTIVE;
}

static int64_t
age_days(const struct work *w, const struct key *k)
{
	return w->now < key_made(k) ? 0 : (w->now - key_made(k)) / 86400;
}

/* --- showing --- */

/* A zone's line: strings of up to 255 octets (RFC 1035 3.3.14). */
static void
print_record(const struct key *k)
{
	struct span left = span_text(key_record(k));

	(void)printf("%s. IN TXT (", key_name(k));
	while (left.len > 0) {
		struct span some = span_to(left, STRING_MAX);

		(void)printf(" \"%.*s\"", SPAN_ARG(some));
		left = span_from(left, some.len);
	}
	(void)puts(" )");
}

static json_t *
records_json(const struct work *w)
{
	json_t *all = json_array();

	for (size_t i = 0; i < w->n; i++) {
		const struct key *k = w->keys[i].key;

		if (is_in_use(k))
			(void)json_array_append_new(all,
			    json_pack("{s:s, s:s, s:s}", "name", key_name(k),
				"type", "TXT", "value", key_record(k)));
	}
	return all;
}

static void
date_text(int64_t at, char out[32])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)strcpy(out, "?");
}

static json_t *
key_json(const struct work *w, const struct looked_up *l, bool with_domain)
{
	const struct key *k = l->key;
	char made[32], since[32];
	json_t *o = json_object();

	date_text(key_made(k), made);
	date_text(key_since(k), since);
	if (with_domain)
		(void)json_object_set_new(
		    o, "domain", json_string(key_domain(k)));
	(void)json_object_set_new(o, "selector", json_string(key_selector(k)));
	(void)json_object_set_new(
	    o, "algorithm", json_string(key_record_name(key_algorithm(k))));
	(void)json_object_set_new(
	    o, "state", json_string(key_state_name(key_state(k))));
	(void)json_object_set_new(
	    o, "dns", json_string(record_verdict_name(l->verdict)));
	(void)json_object_set_new(
	    o, "why", l->why[0] == '\0' ? json_null() : json_string(l->why));
	(void)json_object_set_new(o, "made", json_string(made));
	(void)json_object_set_new(o, "since", json_string(since));
	(void)json_object_set_new(
	    o, "days", json_integer((json_int_t)age_days(w, k)));
	return o;
}

static void
print_key(const struct work *w, const struct looked_up *l)
{
	const struct key *k = l->key;

	(void)printf("%-24s %-30s %-8s %-9s %5lldd  DNS: %s\n", key_domain(k),
	    key_selector(k), key_record_name(key_algorithm(k)),
	    key_state_name(key_state(k)), (long long)age_days(w, k),
	    record_verdict_name(l->verdict));
	if (is_in_use(k) && l->why[0] != '\0')
		(void)printf("    %s: %s\n", key_name(k), l->why);
}

/* The newest of a domain is its first. */
static void
print_old(const struct work *w)
{
	const char *domain = "";

	for (size_t i = 0; i < w->n; i++) {
		const struct key *k = w->keys[i].key;

		if (strcmp(key_domain(k), domain) != 0 && is_in_use(k) &&
		    age_days(w, k) > YEAR_DAYS)
			(void)fprintf(stderr,
			    "postern: warning: %s: its newest key is %lld days "
			    "old; make the next pair (postern dkim add %s)\n",
			    key_domain(k), (long long)age_days(w, k),
			    key_domain(k));
		domain = key_domain(k);
	}
}

static int
list(struct work *w)
{
	json_t *all = json_array();

	if (look_up(w) != EXIT_OK) {
		json_decref(all);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < w->n; i++) {
		if (w->tool->json)
			(void)json_array_append_new(
			    all, key_json(w, &w->keys[i], true));
		else
			print_key(w, &w->keys[i]);
	}
	if (w->tool->json)
		tool_print_json(all);
	else
		json_decref(all);
	print_old(w);
	return EXIT_OK;
}

static void
print_records(const struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (is_in_use(w->keys[i].key))
			print_record(w->keys[i].key);
}

static void
show_json(const struct work *w)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < w->n; i++)
		(void)json_array_append_new(
		    keys, key_json(w, &w->keys[i], false));
	tool_print_json(json_pack("{s:s, s:o, s:o}", "domain", w->domain,
	    "records", records_json(w), "keys", keys));
}

static int
show(struct work *w)
{
	if (w->n == 0)
		return fail("%s has no keys; make some (postern dkim add %s)",
		    w->domain, w->domain);
	if (look_up(w) != EXIT_OK)
		return EXIT_FAILED;
	if (w->tool->json) {
		show_json(w);
		return EXIT_OK;
	}
	for (size_t i = 0; i < w->n; i++)
		print_key(w, &w->keys[i]);
	print_records(w);
	return EXIT_OK;
}

/* --- add --- */

static int
add(struct work *w)
{
	struct key *made[KEY_ALGORITHMS];
	struct err err;

	if (key_files_add(
		w->conf->dkim_directory, w->domain, w->now, made, &err) != 0)
		return tool_fail(&err);
	free(w->keys);
	w->keys = mem_zalloc(KEY_ALGORITHMS, sizeof *w->keys);
	w->n = KEY_ALGORITHMS;
	for (int i = 0; i < KEY_ALGORITHMS; i++)
		w->keys[i] = (struct looked_up){ .key = made[i],
			.verdict = RECORD_MISSING };
	if (w->tool->json) {
		show_json(w);
	} else {
		(void)printf("; keys of %s: publish these records, as one text "
			     "each where your provider asks for a value; the "
			     "relay finds them and begins to sign by itself\n",
		    w->domain);
		print_records(w);
	}
	for (int i = 0; i < KEY_ALGORITHMS; i++)
		key_unref(made[i]);
	return EXIT_OK;
}

/* --- activate --- */

static int
set_state(const struct work *w, const struct key *k, enum key_state to)
{
	struct err err;

	if (key_files_set_state(w->conf->dkim_directory, k, to, w->now, &err) !=
	    0)
		return tool_fail(&err);
	(void)printf("%s: %s\n", key_name(k), key_state_name(to));
	return EXIT_OK;
}

static int
activate_one(const struct work *w, const struct looked_up *l)
{
	if (w->tool->force || l->verdict == RECORD_RIGHT)
		return set_state(w, l->key, KEY_ACTIVE);
	(void)fprintf(stderr, "postern: %s: %s: %s\n", key_name(l->key),
	    record_verdict_name(l->verdict), l->why);
	return EXIT_FAILED;
}

static int
activate(struct work *w)
{
	int rc = EXIT_OK;
	size_t waiting = 0, active = 0;

	for (size_t i = 0; i < w->n; i++) {
		waiting += key_state(w->keys[i].key) == KEY_WAITING;
		active += key_state(w->keys[i].key) == KEY_ACTIVE;
	}
	if (waiting == 0 && active > 0) {
		(void)printf("%s: its keys are active\n", w->domain);
		return EXIT_OK;
	}
	if (waiting == 0)
		return fail(
		    "%s has no key that waits; make some (postern dkim add %s)",
		    w->domain, w->domain);
	if (!w->tool->force && look_up(w) != EXIT_OK)
		return EXIT_FAILED;
	for (size_t i = 0; i < w->n; i++)
		if (key_state(w->keys[i].key) == KEY_WAITING &&
		    activate_one(w, &w->keys[i]) != EXIT_OK)
			rc = EXIT_FAILED;
	return rc;
}

/* --- retire --- */

/* A pair shares all of its selectors but the algorithm. */
static struct span
pair_of(const struct key *k)
{
	struct span s = span_text(key_selector(k));

	return span_to(s, span_find_last(s, '-'));
}

static bool
is_named(const struct work *w, const struct key *k)
{
	if (w->selector != NULL)
		return strcmp(key_selector(k), w->selector) == 0;
	for (size_t i = 0; i < w->n; i++)
		if (is_in_use(w->keys[i].key))
			return is_in_use(k) &&
			       !span_equal(pair_of(k), pair_of(w->keys[i].key));
	return false;
}

/* Whether one signs when those that are named do so no more. */
static bool
is_one_left(const struct work *w)
{
	bool had_active = false;

	for (size_t i = 0; i < w->n; i++) {
		const struct key *k = w->keys[i].key;

		if (key_state(k) == KEY_ACTIVE && !is_named(w, k))
			return true;
		had_active |= key_state(k) == KEY_ACTIVE && is_named(w, k);
	}
	return !had_active;
}

static bool
relay_runs(const struct conf *conf)
{
	struct err err;
	struct ctl_client *c = ctl_client_open(conf->control_socket, &err);

	ctl_client_close(c);
	return c != NULL;
}

/* Still: says how many. */
static size_t
count_retiring(struct work *w)
{
	size_t n = 0;

	load(w);
	for (size_t i = 0; i < w->n; i++)
		n += key_state(w->keys[i].key) == KEY_RETIRING;
	return n;
}

/* Without a relay nothing is on its way; with one, it says when nothing is. */
static int
finish_retiring(struct work *w)
{
	char until[32];
	int left = PATIENCE_MS / PAUSE_MS, rc = EXIT_OK;

	if (!relay_runs(w->conf)) {
		(void)count_retiring(w);
		for (size_t i = 0; i < w->n && rc == EXIT_OK; i++)
			if (key_state(w->keys[i].key) == KEY_RETIRING)
				rc = set_state(w, w->keys[i].key, KEY_RETIRED);
		return rc;
	}
	while (count_retiring(w) > 0 && left-- > 0)
		(void)usleep(PAUSE_MS * 1000);
	date_text(w->now + w->conf->expire + 2 * 86400, until);
	(void)printf(left > 0 ? "retired; leave the records in the DNS until "
				"%s, for mail that others hold\n"
			      : "messages under it are on their way: the relay "
				"retires it after them (postern dkim list); "
				"leave the records in the DNS until %s, at "
				"least\n",
	    until);
	return EXIT_OK;
}

static int
retire(struct work *w)
{
	size_t n = 0;
	int rc = EXIT_OK;

	for (size_t i = 0; i < w->n; i++)
		n += is_named(w, w->keys[i].key);
	if (n == 0 && w->selector != NULL)
		return fail("%s: there is no such key (postern dkim list)",
		    w->selector);
	if (n == 0)
		return fail("%s has no keys but the newest pair", w->domain);
	if (!w->tool->force && !is_one_left(w))
		return fail(
		    "%s would have no active key any more, and its mail would "
		    "go out unsigned; publish the records of the newest pair "
		    "and activate it (postern dkim activate %s), or use "
		    "--force",
		    w->domain, w->domain);
	for (size_t i = 0; i < w->n && rc == EXIT_OK; i++) {
		const struct key *k = w->keys[i].key;

		if (!is_named(w, k))
			continue;
		if (key_state(k) == KEY_WAITING)
			rc = set_state(w, k, KEY_RETIRED);
		else if (key_state(k) == KEY_ACTIVE)
			rc = set_state(w, k, KEY_RETIRING);
	}
	return rc == EXIT_OK ? finish_retiring(w) : rc;
}

/* --- which --- */

static const struct {
	const char *name;
	int least, most; /* words behind it */
	int (*run)(struct work *w);
} commands[] = {
	{ "add", 1, 1, add },
	{ "list", 0, 1, list },
	{ "show", 1, 1, show },
	{ "activate", 1, 1, activate },
	{ "retire", 1, 2, retire },
};

static bool
take_domain(struct work *w, const char *text)
{
	char room[IDN_SIZE];
	struct span domain = span_text(text);

	if (domain.len > 1 && text[domain.len - 1] == '.')
		domain.len--;
	domain = idn_to_ascii(domain, room);
	if (!domain_is_valid(domain) || domain.len >= sizeof w->domain)
		return false;
	for (size_t i = 0; i < domain.len; i++)
		w->domain[i] = ascii_lower(domain.ptr[i]);
	w->domain[domain.len] = '\0';
	return true;
}

static int
run(struct work *w, int (*command)(struct work *), int argc, char **argv)
{
	int rc;

	if (argc > 0 && !take_domain(w, argv[0]))
		return fail("%s: no domain name", argv[0]);
	if (argc > 1)
		w->selector = argv[1];
	w->now = wall_now() / 1000;
	load(w);
	rc = command(w);
	keyring_unref(w->ring);
	free(w->keys);
	return rc;
}

int
tool_dkim(struct tool *t, int argc, char **argv)
{
	struct work w = { .tool = t };
	struct conf *conf;
	int rc = EXIT_USAGE;

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++) {
		if (strcmp(argv[1], commands[i].name) != 0 ||
		    argc - 2 < commands[i].least || argc - 2 > commands[i].most)
			continue;
		conf = tool_conf(t);
		if (conf == NULL)
			return EXIT_FAILED;
		w.conf = conf;
		rc = run(&w, commands[i].run, argc - 2, argv + 2);
		conf_unref(conf);
	}
	return rc == EXIT_USAGE ? tool_usage(usage) : rc;
}
