/*
 * libConfuse makes a tree of sections and keys out of a text; every value stays
 * text and remembers its line. The cfg_opt_t arrays are built from our table.
 * libConfuse's lexer is one for the process and its callbacks know no context,
 * so one text at a time is read, under a lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf_priv.h"

struct parse {
	const char *file; /* borrowed */
	struct span text; /* borrowed */
	struct err *err; /* borrowed */
	bool failed; /* the first message stands */
};

/* What on_value() makes; the rest is for the time of the parse only. */
struct node {
	struct value value;
	cfg_t *cfg;
	const char *key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct parse *parse; /* the one that runs; under `lock` */

static void
say(const cfg_t *cfg, const char *key, const char *what)
{
	bool root = strcmp(cfg->name, "root") == 0;
	struct buf advice = { 0 };

	if (parse->failed)
		return;
	parse->failed = true;
	advice_on(what, root ? "" : cfg->name, parse->text, cfg->line, &advice);
	(void)err_set(parse->err, -EINVAL, "%s:%d: %s%s%s%s%s%.*s", parse->file,
	    cfg->line, root ? "" : cfg->name, root || key[0] == '\0' ? "" : ".",
	    key, root && key[0] == '\0' ? "" : ": ", what,
	    SPAN_ARG(buf_span(&advice)));
	buf_clear(&advice);
}

static void on_error(cfg_t *cfg, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *format, va_list ap)
{
	char what[256];

	(void)vsnprintf(what, sizeof what, format, ap);
	say(cfg, "", what);
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct node *n = MEM_NEW(struct node);

	n->value.line = cfg->line;
	n->value.text = mem_strdup(text);
	n->cfg = cfg;
	n->key = opt->name;
	*(void **)result = n;
	return 0;
}

/*
 * During the parse a value goes only when its key is set again. The first would
 * be silently void: a mistake of the operator's.
 */
static void
on_value_free(void *p)
{
	struct node *n = p;

	char what[80];

	(void)snprintf(what, sizeof what,
	    "is set twice, expected once (first in line %d)", n->value.line);
	if (parse != NULL)
		say(n->cfg, n->key, what);
	free(n->value.text);
	free(n);
}

static cfg_opt_t *make_options(const char *section);

static cfg_opt_t
make_section(const struct section *s)
{
	cfg_flag_t flags = CFGF_MULTI;

	if (s->titled)
		flags |= CFGF_TITLE | CFGF_NO_TITLE_DUPES;
	return (cfg_opt_t)CFG_SEC(s->name, make_options(s->name), flags);
}

static cfg_opt_t *
make_options(const char *section)
{
	cfg_opt_t *opts =
	    mem_zalloc(conf_noptions + conf_nsections + 1, sizeof *opts);
	size_t n = 0;

	for (size_t i = 0; i < conf_noptions; i++) {
		cfg_flag_t flags = CFGF_NODEFAULT;

		if (strcmp(conf_options[i].section, section) != 0)
			continue;
		if (conf_options[i].flags & OPTION_LIST)
			flags |= CFGF_LIST;
		opts[n++] = (cfg_opt_t)__CFG_PTR(
		    conf_options[i].name, 0, flags, 0, on_value, on_value_free);
	}
	for (size_t i = 0; i < conf_nsections; i++)
		if (conf_sections[i].parent != NULL &&
		    strcmp(conf_sections[i].parent, section) == 0)
			opts[n++] = make_section(&conf_sections[i]);
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

static void
free_options(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o->name != NULL; o++)
		if (o->subopts != NULL)
			free_options(o->subopts);
	free(opts);
}

static int
run_parse(cfg_t *tree, const char *text, struct parse *p)
{
	size_t len = strlen(text);
	FILE *in;
	int rc;

	if (len == 0)
		return p->failed ? -EINVAL
				 : 0; /* fmemopen() takes no empty one */
	in = fmemopen((void *)(uintptr_t)text, len, "r");
	if (in == NULL)
		return err_errno(p->err, "%s", p->file);
	(void)pthread_mutex_lock(&lock);
	parse = p;
	rc = cfg_parse_fp(tree, in);
	parse = NULL;
	(void)pthread_mutex_unlock(&lock);
	(void)fclose(in);
	if (rc != CFG_SUCCESS && !p->failed) {
		p->failed = true;
		return err_set(
		    p->err, -EINVAL, "%s: cannot be parsed", p->file);
	}
	return p->failed ? -EINVAL : 0;
}

bool
tree_parse(struct span text, const char *file, cfg_t **tree, struct err *err)
{
	struct parse p = { .file = file, .err = err };
	bool whole;
	char *clean = clean_text(text, file, &whole, err);
	cfg_opt_t *opts;
	int rc;

	/* What libConfuse says of a text that was cut off is not the cause. */
	p.failed = !whole;
	p.text = span_text(clean);
	opts = make_options("");
	*tree = cfg_init(opts, CFGF_NONE);
	free_options(opts);
	(void)cfg_set_error_function(*tree, on_error);
	(*tree)->filename = mem_strdup(file);
	rc = run_parse(*tree, clean, &p);
	free(clean);
	return rc == 0;
}

size_t
tree_count(cfg_t *cfg, const char *key)
{
	return cfg == NULL ? 0 : cfg_size(cfg, key);
}

const struct value *
tree_value(cfg_t *cfg, const char *key, size_t i)
{
	struct node *n = cfg_getnptr(cfg, key, (unsigned)i);

	return &n->value;
}

bool
tree_has(cfg_t *cfg, const char *key)
{
	return cfg != NULL && (cfg_getopt(cfg, key)->flags & CFGF_MODIFIED);
}

int
tree_line(cfg_t *cfg, const char *key)
{
	return tree_count(cfg, key) > 0 ? tree_value(cfg, key, 0)->line
					: cfg->line;
}
