/*
 * From a file to a struct conf: the text becomes a tree (tree.c); the table
 * (options.c) is walked, each option taking what the tree has or its default;
 * then what options say together is checked (check.c).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf_priv.h"

__attribute__((format(printf, 5, 0))) static void
add_finding(struct reading *r, enum finding_level level, int line,
    const char *key, const char *format, va_list ap)
{
	char what[384];

	(void)vsnprintf(what, sizeof what, format, ap);
	if (line > 0)
		findings_add(r->findings, level, "%s:%d: %s: %s", r->file, line,
		    key, what);
	else /* a default, which has no line */
		findings_add(
		    r->findings, level, "%s: %s: %s", r->file, key, what);
}

int
conf_fail(struct reading *r, int line, const char *key, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_finding(r, FINDING_ERROR, line, key, format, ap);
	va_end(ap);
	r->errors++;
	return -EINVAL;
}

void
conf_warn(struct reading *r, int line, const char *key, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_finding(r, FINDING_WARNING, line, key, format, ap);
	va_end(ap);
}

/* "queue.retry", or the name alone at the top. */
static const char *
option_key(const struct option *o, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s%s", o->section,
	    o->section[0] == '\0' ? "" : ".", o->name);
	return out;
}

static void
store_default(const struct option *o, void *filled)
{
	struct span left = span_text(o->fallback);
	bool ok = true;

	if (o->fallback == NULL)
		return;
	if (!(o->flags & OPTION_LIST))
		ok = o->store(o, left, filled);
	while ((o->flags & OPTION_LIST) && left.len > 0 && ok)
		ok = o->store(o, span_cut(&left, ' '), filled);
	assert(ok);
}

static void
note(struct reading *r, const struct option *o, const struct value *v)
{
	char key[64];

	r->conf->lines[o - conf_options] = v->line;
	if ((o->flags & OPTION_PATH) && v->text[0] != '/' &&
	    strcmp(v->text, "stderr") != 0)
		conf_warn(r, v->line, option_key(o, key, sizeof key),
		    "%s is relative to the folder that the relay is started "
		    "in, expected a path from /",
		    log_quote_text(v->text));
}

/* What the section called default says; a wrong value is told there. */
static void
inherit(const struct option *o, cfg_t *from, void *filled)
{
	size_t n = tree_count(from, o->name);

	for (size_t i = 0; i < n; i++)
		(void)o->store(
		    o, span_text(tree_value(from, o->name, i)->text), filled);
}

static int
read_option(struct reading *r, const struct option *o, cfg_t *cfg, cfg_t *model,
    void *filled)
{
	char key[64];
	size_t n = tree_count(cfg, o->name);

	option_key(o, key, sizeof key);
	for (size_t i = 0; i < n; i++) {
		const struct value *v = tree_value(cfg, o->name, i);
		struct span text = span_text(v->text);

		if (!o->store(o, text, filled))
			return conf_fail(r, v->line, key,
			    "%s is wrong, expected %s",
			    log_quote(span_to(text, 80)), o->expected);
	}
	if (n > 0)
		note(r, o, tree_value(cfg, o->name, 0));
	if (n > 0 && (o->flags & OPTION_LATER))
		conf_warn(r, tree_line(cfg, o->name), key,
		    "accepted, but not yet built: has no effect");
	if (n > 0)
		return 0;
	if ((o->flags & OPTION_NEEDED) && r->is_partial)
		return 0; /* it may stand behind the error */
	if (o->flags & OPTION_NEEDED)
		return conf_fail(
		    r, cfg->line, key, "is missing, expected %s", o->expected);
	if (!tree_has(cfg, o->name) && tree_has(model, o->name))
		inherit(o, model, filled);
	else if (!tree_has(cfg, o->name))
		store_default(o, filled);
	else if (o->flags & OPTION_FILLED)
		return conf_fail(
		    r, cfg->line, key, "is empty, expected %s", o->expected);
	return 0;
}

static void read_sections(struct reading *r, const char *parent, cfg_t *cfg);

/* The section of that kind with the title "default"; NULL: none was written. */
static cfg_t *
find_default(const struct reading *r, const struct section *s)
{
	size_t n = tree_count(r->tree, s->name);

	for (size_t i = 0; i < n; i++) {
		cfg_t *cfg = cfg_getnsec(r->tree, s->name, (unsigned)i);

		if (conf_is_default(cfg_title(cfg)))
			return cfg;
	}
	return NULL;
}

/*
 * `cfg` is NULL for a section that was not written: all defaults. What options
 * say together is looked at when each of them is right.
 */
static void
read_section(struct reading *r, const struct section *s, cfg_t *cfg)
{
	const char *title = !s->titled	  ? NULL
			    : cfg != NULL ? cfg_title(cfg)
					  : "default";
	cfg_t *model = s->inherits ? find_default(r, s) : NULL;
	void *filled = s->begin(r->conf, title);
	size_t before = r->errors;

	if (filled == NULL) {
		(void)conf_fail(r, cfg->line, s->name,
		    "%s is wrong, expected %s",
		    log_quote(span_to(span_text(title), 80)), s->expected);
		return;
	}
	for (size_t i = 0; i < conf_noptions; i++)
		if (strcmp(conf_options[i].section, s->name) == 0)
			(void)read_option(
			    r, &conf_options[i], cfg, model, filled);
	if (r->errors == before && !r->is_partial && s->check != NULL &&
	    cfg != NULL)
		(void)s->check(r, cfg, filled);
	read_sections(r, s->name, cfg);
}

static void
read_sections(struct reading *r, const char *parent, cfg_t *cfg)
{
	for (size_t i = 0; i < conf_nsections; i++) {
		const struct section *s = &conf_sections[i];
		size_t n;

		if (s->parent == NULL || strcmp(s->parent, parent) != 0)
			continue;
		n = tree_count(cfg, s->name);
		if (s->inherits ? find_default(r, s) == NULL
				: n == 0 && !s->titled)
			read_section(r, s, NULL);
		if (n > 1 && !s->titled)
			(void)conf_fail(r, cfg_getnsec(cfg, s->name, 1)->line,
			    s->name,
			    "is written twice, expected once (first in line "
			    "%d): write all of it into one",
			    cfg_getnsec(cfg, s->name, 0)->line);
		for (size_t k = 0; k < n && (s->titled || k == 0); k++)
			read_section(
			    r, s, cfg_getnsec(cfg, s->name, (unsigned)k));
	}
}

static int
take_hostname(struct reading *r, const char *hostname)
{
	if (r->conf->hostname != NULL)
		return 0;
	if (hostname == NULL || !conf_domain_is_valid(span_text(hostname)))
		return conf_fail(r, 0, "hostname",
		    "is not set, and the system's name %s is no domain name, "
		    "expected hostname = a full name such as mx.example.com",
		    log_quote_text(hostname == NULL ? "" : hostname));
	r->conf->hostname = conf_lower(span_text(hostname));
	return 0;
}

/* RFC 5321 2.3.5: only a full name is said to others. */
static void
warn_of_hostname(struct reading *r)
{
	if (strchr(r->conf->hostname, '.') == NULL)
		conf_warn(r, conf_line(r->conf, "hostname"), "hostname",
		    "%s has no dot, expected a full name such "
		    "as %s.example.com: receiving hosts refuse it in EHLO",
		    r->conf->hostname, r->conf->hostname);
}

/* The first error of form, and behind it every value that is wrong. */
static void
read_tree(struct reading *r, struct span text, const char *hostname)
{
	struct err err;

	r->is_partial = !tree_parse(text, r->file, &r->tree, &err);
	if (r->is_partial) {
		r->errors++;
		findings_add(r->findings, FINDING_ERROR, "%s", err.text);
	}
	read_section(r, &conf_sections[0], r->tree);
	if (r->errors == 0 && take_hostname(r, hostname) == 0) {
		warn_of_hostname(r);
		(void)conf_check_all(r);
	}
	(void)cfg_free(r->tree);
}

struct conf *
conf_parse_all(struct span text, const char *file, const char *hostname,
    struct findings *f)
{
	struct conf_box *box = MEM_NEW(struct conf_box);
	struct reading r = { .file = file, .findings = f, .conf = &box->conf };

	atomic_init(&box->refs, 1);
	r.conf->file = mem_strdup(file);
	r.conf->lines = mem_zalloc(conf_noptions, sizeof(int));
	read_tree(&r, text, hostname);
	if (r.errors == 0)
		return r.conf;
	conf_unref(r.conf);
	return NULL;
}

struct conf *
conf_read_all(const char *file, const char *hostname, struct findings *f)
{
	struct buf text = { 0 };
	struct conf *conf = NULL;
	struct err err;
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	if (fd == -1) {
		findings_add(f, FINDING_ERROR,
		    "%s: %s, expected the configuration: name it with -c", file,
		    strerror(errno));
		return NULL;
	}
	rc = file_read_all(fd, CONF_FILE_MAX, &text, &err);
	(void)close(fd);
	if (rc == 0)
		conf = conf_parse_all(buf_span(&text), file, hostname, f);
	else
		findings_add(f, FINDING_ERROR, "%s: %s", file, err.text);
	buf_clear(&text);
	return conf;
}

/* The first error, or the warnings, a line each. */
static void
pass_on(const struct findings *f, bool failed, struct buf *warnings,
    struct err *err)
{
	for (size_t i = 0; i < f->n; i++) {
		if (failed && f->all[i].level == FINDING_ERROR) {
			(void)err_set(err, -EINVAL, "%s", f->all[i].text);
			return;
		}
		if (!failed && f->all[i].level == FINDING_WARNING)
			(void)buf_printf(warnings, "%s\n", f->all[i].text);
	}
}

struct conf *
conf_parse(struct span text, const char *file, const char *hostname,
    struct buf *warnings, struct err *err)
{
	struct findings f = { 0 };
	struct conf *conf = conf_parse_all(text, file, hostname, &f);

	pass_on(&f, conf == NULL, warnings, err);
	findings_clear(&f);
	return conf;
}

struct conf *
conf_read(const char *file, const char *hostname, struct buf *warnings,
    struct err *err)
{
	struct findings f = { 0 };
	struct conf *conf = conf_read_all(file, hostname, &f);

	pass_on(&f, conf == NULL, warnings, err);
	findings_clear(&f);
	return conf;
}
