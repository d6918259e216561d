#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"

/* Ids in one request; the relay takes so many, and no longer a line. */
enum { IDS_AT_ONCE = 1000 };

const char *
call_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

long long
call_number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

void
call_clear(struct call *c)
{
	ctl_client_close(c->client);
	json_decref(c->request);
	json_decref(c->ids);
}

/* --- arguments --- */

static int
wrong(const struct call *c, const char *what, const char *word)
{
	const struct verb *v = &verbs[c->verb];

	(void)fprintf(stderr, "postern: %s: %s%s\n", v->name, what, word);
	(void)fprintf(stderr,
	    "usage: postern [-c FILE] %s %s (postern %s --help)\n", v->name,
	    v->args, v->name);
	return EXIT_USAGE;
}

/* JSON is UTF-8, and so must be what is asked for. */
static int
set_text(struct call *c, json_t *o, const char *key, const char *value)
{
	json_t *text = json_string(value);

	if (text == NULL)
		return wrong(c, "not UTF-8: ", value);
	if (json_is_array(o))
		(void)json_array_append_new(o, text);
	else
		(void)json_object_set_new(o, key, text);
	return EXIT_OK;
}

static int
add_id(struct call *c, const char *id)
{
	if (c->ids == NULL)
		c->ids = json_array();
	return set_text(c, c->ids, NULL, id);
}

/* The first word of each line: what a listing begins its lines with. */
static int
read_ids(struct call *c)
{
	char line[4096];
	int rc = EXIT_OK;

	if (c->ids == NULL)
		c->ids = json_array();
	while (rc == EXIT_OK && fgets(line, sizeof line, stdin) != NULL) {
		const char *id = line + strspn(line, " \t\r\n");

		line[(size_t)(id - line) + strcspn(id, " \t\r\n")] = '\0';
		if (*id != '\0')
			rc = add_id(c, id);
	}
	return rc;
}

static int
take_word(struct call *c, const char *word)
{
	switch (verbs[c->verb].words) {
	case WORDS_IDS:
		return strcmp(word, "-") == 0 ? read_ids(c) : add_id(c, word);
	case WORDS_ONE:
		if (json_object_get(c->request, "what") == NULL)
			return set_text(c, c->request, "what", word);
		break;
	case WORDS_NONE:
	case WORDS_OWN: break;
	}
	return wrong(c, "what is meant by ", word);
}

/* Takes the value from the next argument, if it has none of its own. */
static int
take_option(struct call *c, int argc, char **argv, int *at)
{
	struct span name = span_text(argv[*at]);
	size_t equals = span_find(name, '=');
	const struct verb_option_row *o =
	    verb_option_find(span_to(name, equals));
	const char *value = equals < name.len ? name.ptr + equals + 1 : NULL;

	if (o == NULL || (verbs[c->verb].options & o->option) == 0)
		return wrong(c, "no such option here: ", argv[*at]);
	if (o->value == NULL) {
		if (value != NULL)
			return wrong(c, "takes no value: ", o->name);
		c->json |= o->option == OPTION_JSON;
		(void)json_object_set_new(c->request, o->key, json_true());
		return EXIT_OK;
	}
	if (value == NULL) {
		if (*at + 1 == argc)
			return wrong(c, "wants a value: ", o->name);
		value = argv[++*at];
	}
	if (o->option == OPTION_ID)
		return add_id(c, value);
	if (json_object_get(c->request, o->key) != NULL)
		return wrong(c, "given twice: ", o->name);
	return set_text(c, c->request, o->key, value);
}

/* What the relay would refuse, too; but this way it says how it is called. */
static bool
has_chosen(const struct call *c)
{
	for (size_t i = 0; i < VERB_OPTION_ROWS; i++)
		if ((verb_options[i].option & OPTIONS_FILTER) != 0 &&
		    json_object_get(c->request, verb_options[i].key) != NULL)
			return true;
	return c->ids != NULL || json_object_get(c->request, "what") != NULL;
}

int
call_read(struct call *c, enum verb_id verb, int argc, char **argv, bool *help)
{
	int rc = EXIT_OK;

	*c = (struct call){ .verb = verb };
	*help = false;
	c->request = json_pack("{s:s}", "do", verbs[verb].name);
	for (int i = 0; i < argc && rc == EXIT_OK; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			*help = true;
			return EXIT_OK;
		}
		rc = strncmp(argv[i], "--", 2) == 0
			 ? take_option(c, argc, argv, &i)
			 : take_word(c, argv[i]);
	}
	if (rc == EXIT_OK && verbs[verb].must_choose && !has_chosen(c))
		rc = wrong(c,
		    verbs[verb].words == WORDS_IDS
			? "which messages? Ids or filters; --all means all"
			: "which one?",
		    "");
	(void)json_object_del(c->request, "json");
	return rc;
}

/* --- to the relay and back --- */

json_t *
call_ask(struct call *c, struct err *err)
{
	return ctl_client_ask(c->client, json_incref(c->request), err);
}

json_t *
call_request_for(const struct call *c, const char *id)
{
	return json_pack("{s:s, s:[s]}", "do", verbs[c->verb].name, "ids", id);
}

/* Where the page says that the next one goes on. */
static void
go_on(json_t *request, const json_t *page)
{
	static const char *const keys[] = { "after", "at", "at_id" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *o = json_object_get(page, keys[i]);

		if (o != NULL)
			(void)json_object_set(request, keys[i], o);
		else
			(void)json_object_del(request, keys[i]);
	}
}

/* Once; what is shown is not all then. */
static void
say_loading(struct call *c, const json_t *page)
{
	const char *how = json_string_value(json_object_get(page, "loading"));

	if (how == NULL || c->said_loading)
		return;
	c->said_loading = true;
	(void)fprintf(stderr,
	    "postern: after its start the relay still reads the spool, %s so "
	    "far: older messages are not seen yet\n",
	    how);
}

static int
ask_pages(struct call *c, json_t *request,
    void (*take)(const json_t *page, void *arg), void *arg, struct err *err)
{
	bool more = true;

	while (more) {
		json_t *page =
		    ctl_client_ask(c->client, json_incref(request), err);

		if (page == NULL)
			return -1;
		say_loading(c, page);
		take(page, arg);
		more = json_is_true(json_object_get(page, "more"));
		go_on(request, page);
		json_decref(page);
	}
	return 0;
}

/* So many of the ids, from that one on. */
static json_t *
some_ids(const json_t *ids, size_t from)
{
	json_t *some = json_array();

	for (size_t i = from;
	     i < from + IDS_AT_ONCE && i < json_array_size(ids); i++)
		(void)json_array_append(some, json_array_get(ids, i));
	return some;
}

int
call_pages(struct call *c, const json_t *request,
    void (*take)(const json_t *page, void *arg), void *arg, struct err *err)
{
	json_t *one =
	    json_copy((json_t *)(request != NULL ? request : c->request));
	size_t from = 0;
	int rc = 0;

	do {
		if (c->ids != NULL)
			(void)json_object_set_new(
			    one, "ids", some_ids(c->ids, from));
		rc = ask_pages(c, one, take, arg, err);
		from += IDS_AT_ONCE;
	} while (rc == 0 && from < json_array_size(c->ids));
	json_decref(one);
	return rc;
}
