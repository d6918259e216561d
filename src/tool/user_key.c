/*
 * postern user key: keys of an account. It works on the users file alone; a key is
 * shown once, on standard output, and what else there is to say on standard error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/user_key.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/stamp.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "state/state.h"
#include "tool.h"
#include "user.h"

static const char usage[] =
    "user key add NAME LABEL [--send-as ADDRESS,...] [--network NET,...]\n"
    "                  [--expires DATE] [--json]\n"
    "       postern [-c FILE] user key list NAME [--json]\n"
    "       postern [-c FILE] user key remove NAME LABEL";

/* --- add --- */

static const struct {
	const char *name;
	const char *(*set)(struct user_key *k, struct span value);
} options[] = {
	{ "--send-as", user_key_set_send_as },
	{ "--network", user_key_set_network },
	{ "--expires", user_key_set_expires },
};

/* EXIT_USAGE has not been told yet. */
static int
take_option(struct user_key *k, const char *name, const char *value)
{
	size_t i = 0;
	struct err err;
	const char *wrong;

	while (i < ARRAY_LEN(options) && strcmp(name, options[i].name) != 0)
		i++;
	if (i == ARRAY_LEN(options) || value == NULL)
		return EXIT_USAGE;
	wrong = options[i].set(k, span_text(value));
	if (wrong == NULL)
		return EXIT_OK;
	(void)err_set(&err, -EINVAL, "--%s", wrong);
	return tool_fail(&err);
}

static void
print_added(
    const struct tool *t, const char *name, const char *label, const char *text)
{
	char *user = mem_printf("%s#%s", name, label);

	if (t->json) {
		tool_print_json(json_pack("{s:s, s:s, s:s, s:s}", "name", name,
		    "label", label, "user", user, "key", text));
	} else {
		(void)puts(text);
		(void)fprintf(stderr,
		    "This key is shown this once. As the password it goes with "
		    "the user name\n%s, or with %s where the client does not "
		    "use SCRAM.\n",
		    user, name);
	}
	free(user);
}

static int
save(const struct tool *t, const struct conf *conf, const char *name,
    const char *label, struct user_key *k)
{
	char text[USER_KEY_TEXT_SIZE];
	struct users_change asked = {
		.what = USERS_KEY_ADD,
		.name = name,
		.label = label,
		.key = k,
	};
	struct err err;
	int rc = user_key_make(k, text, &err);

	if (rc == 0 && k->expires != 0 && k->expires <= wall_now())
		rc = err_set(&err, -EINVAL,
		    "--expires: that is over; expected a time to come");
	if (rc == 0)
		rc = users_change(conf->users, &asked, &err);
	if (rc == 0)
		print_added(t, name, label, text);
	mem_wipe(text, sizeof text);
	return rc == 0 ? EXIT_OK : tool_fail(&err);
}

/* Options may stand anywhere. */
static int
add(const struct tool *t, const struct conf *conf, int argc, char **argv)
{
	const char *words[2];
	struct user_key k = { 0 };
	int rc = EXIT_OK, n = 0;

	for (int i = 0; i < argc && rc == EXIT_OK; i++) {
		if (span_starts(span_text(argv[i]), SPAN("--"))) {
			rc = take_option(
			    &k, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
			i++;
		} else if (n < 2) {
			words[n++] = argv[i];
		} else {
			rc = EXIT_USAGE;
		}
	}
	if (rc == EXIT_OK)
		rc =
		    n == 2 ? save(t, conf, words[0], words[1], &k) : EXIT_USAGE;
	user_key_clear(&k);
	return rc;
}

/* --- list --- */

/* Of all keys: there are as many as were ever used. */
struct use {
	char *name, *client; /* owned */
	int64_t at;
};

static void
on_use(const struct state_key_use *read, void *arg)
{
	struct user_key_uses *uses = arg;

	uses->list =
	    mem_realloc(uses->list, (uses->n + 1) * sizeof *uses->list);
	uses->list[uses->n++] = (struct use){
		.name = span_dup(read->name),
		.client = span_dup(read->client),
		.at = read->at,
	};
}

void
user_key_uses_read(const struct conf *conf, struct user_key_uses *uses)
{
	struct err err;

	*uses = (struct user_key_uses){ 0 };
	if (state_read_key_uses(conf->state_directory, on_use, uses, &err) != 0)
		(void)fprintf(stderr,
		    "postern: when keys were used is not known: %s\n",
		    err.text);
}

void
user_key_uses_clear(struct user_key_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++) {
		free(uses->list[i].name);
		free(uses->list[i].client);
	}
	free(uses->list);
}

static json_t *
time_json(int64_t ms)
{
	struct buf text = { 0 };
	json_t *o;

	if (ms == 0)
		return json_null();
	stamp_write(ms, &text);
	o = json_stringn(buf_span(&text).ptr, buf_len(&text));
	buf_clear(&text);
	return o;
}

/* "a,b" as a list; empty: none. */
static json_t *
list_json(const char *text)
{
	struct span left = span_text(text);
	json_t *all = json_array();

	while (!span_is_empty(left)) {
		struct span one = span_cut(&left, ',');

		(void)json_array_append_new(
		    all, json_stringn(one.ptr, one.len));
	}
	return all;
}

/* NULL: it has not been used, or nothing is known of it. */
static const struct use *
use_of(const struct user_key *k, const struct user_key_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++)
		/* An earlier one was of another key with that label. */
		if (span_equal_nocase(
			span_text(uses->list[i].name), span_text(k->name)) &&
		    uses->list[i].at >= k->made)
			return &uses->list[i];
	return NULL;
}

json_t *
user_key_json(const struct user_key *k, const struct user_key_uses *uses)
{
	const struct use *use = use_of(k, uses);

	return json_pack("{s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:s?}",
	    "label", k->label, "user", k->name, "made", time_json(k->made),
	    "expires", time_json(k->expires), "expired",
	    k->expires != 0 && wall_now() >= k->expires, "send_as",
	    list_json(k->send_as), "networks", list_json(k->network), "used",
	    time_json(use == NULL ? 0 : use->at), "client",
	    use == NULL ? NULL : use->client);
}

static const char *
text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text == NULL ? "" : text;
}

void
user_key_print(const json_t *o, const struct user_key *k)
{
	(void)printf("%-20s made %.10s", k->label, text_of(o, "made"));
	if (k->expires != 0)
		(void)printf(", %s %s",
		    json_is_true(json_object_get(o, "expired")) ? "expired"
								: "expires",
		    text_of(o, "expires"));
	if (k->send_as != NULL)
		(void)printf(", sends as %s", k->send_as);
	if (k->network != NULL)
		(void)printf(", from %s", k->network);
	if (text_of(o, "used")[0] != '\0')
		(void)printf(", used %s from %s", text_of(o, "used"),
		    text_of(o, "client"));
	(void)putchar('\n');
}

static int
list(const struct tool *t, const struct conf *conf, const char *name)
{
	json_t *all = json_array();
	struct user_key_uses uses;
	const struct user *u;
	struct users *users;
	struct err err;

	user_key_uses_read(conf, &uses);
	users = users_read(conf->users, &err);
	u = users == NULL ? NULL : users_find(users, span_text(name));
	if (users != NULL && u == NULL)
		(void)err_set(&err, -ENOENT, "there is no account %s", name);
	for (size_t i = 0; u != NULL && i < u->nkeys; i++) {
		json_t *o = user_key_json(&u->keys[i], &uses);

		if (!t->json)
			user_key_print(o, &u->keys[i]);
		(void)json_array_append_new(all, o);
	}
	users_free(users);
	user_key_uses_clear(&uses);
	if (u != NULL && t->json)
		tool_print_json(all);
	else
		json_decref(all);
	return u == NULL ? tool_fail(&err) : EXIT_OK;
}

/* --- remove --- */

static int
remove_key(const struct conf *conf, const char *name, const char *label)
{
	struct users_change asked = {
		.what = USERS_KEY_REMOVE,
		.name = name,
		.label = label,
	};
	struct err err;

	if (users_change(conf->users, &asked, &err) != 0)
		return tool_fail(&err);
	(void)printf("%s#%s removed\n", name, label);
	return EXIT_OK;
}

int
tool_user_key(
    const struct tool *t, const struct conf *conf, int argc, char **argv)
{
	int rc = EXIT_USAGE;

	if (argc > 0 && strcmp(argv[0], "add") == 0)
		rc = add(t, conf, argc - 1, argv + 1);
	else if (argc == 2 && strcmp(argv[0], "list") == 0)
		rc = list(t, conf, argv[1]);
	else if (argc == 3 && strcmp(argv[0], "remove") == 0)
		rc = remove_key(conf, argv[1], argv[2]);
	return rc == EXIT_USAGE ? tool_usage(usage) : rc;
}
