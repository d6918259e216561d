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

#include "base/log.h"
#include "base/mem.h"
#include "conf_priv.h"

int
conf_fail(struct reading *r, int line, const char *key, const char *format, ...)
{
	char what[384];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	return err_set(
	    r->err, -EINVAL, "%s:%d: %s: %s", r->file, line, key, what);
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

static int
read_option(struct reading *r, const struct option *o, cfg_t *cfg, void *filled)
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
	if (n > 0 && (o->flags & OPTION_LATER))
		(void)buf_printf(r->warnings,
		    "%s:%d: %s: accepted, but not yet built: has no effect\n",
		    r->file, tree_line(cfg, o->name), key);
	if (n > 0)
		return 0;
	if (o->flags & OPTION_NEEDED)
		return conf_fail(
		    r, cfg->line, key, "is missing, expected %s", o->expected);
	if (!tree_has(cfg, o->name))
		store_default(o, filled);
	else if (o->flags & OPTION_FILLED)
		return conf_fail(
		    r, cfg->line, key, "is empty, expected %s", o->expected);
	return 0;
}

static int read_sections(struct reading *r, const char *parent, cfg_t *cfg);

/* `cfg` is NULL for a section that was not written: all defaults. */
static int
read_section(struct reading *r, const struct section *s, cfg_t *cfg)
{
	const char *title = s->titled ? cfg_title(cfg) : NULL;
	void *filled = s->begin(r->conf, title);
	int rc = 0;

	if (filled == NULL)
		return conf_fail(r, cfg->line, s->name,
		    "%s is wrong, expected %s",
		    log_quote(span_to(span_text(title), 80)), s->expected);
	for (size_t i = 0; i < conf_noptions && rc == 0; i++)
		if (strcmp(conf_options[i].section, s->name) == 0)
			rc = read_option(r, &conf_options[i], cfg, filled);
	if (rc == 0 && s->check != NULL && cfg != NULL)
		rc = s->check(r, cfg, filled);
	if (rc == 0)
		rc = read_sections(r, s->name, cfg);
	return rc;
}

static int
read_sections(struct reading *r, const char *parent, cfg_t *cfg)
{
	for (size_t i = 0; i < conf_nsections; i++) {
		const struct section *s = &conf_sections[i];
		size_t n;
		int rc = 0;

		if (s->parent == NULL || strcmp(s->parent, parent) != 0)
			continue;
		n = tree_count(cfg, s->name);
		if (n == 0 && !s->titled)
			rc = read_section(r, s, NULL);
		if (n > 1 && !s->titled)
			rc = conf_fail(r, cfg_getnsec(cfg, s->name, 1)->line,
			    s->name, "is written twice, expected once");
		for (size_t k = 0; k < n && rc == 0; k++)
			rc = read_section(
			    r, s, cfg_getnsec(cfg, s->name, (unsigned)k));
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
take_hostname(struct reading *r, const char *hostname)
{
	if (r->conf->hostname != NULL)
		return 0;
	if (hostname == NULL || !conf_domain_is_valid(span_text(hostname)))
		return conf_fail(r, r->tree->line, "hostname",
		    "is not set, and the system's name %s is no domain name",
		    log_quote_text(hostname == NULL ? "" : hostname));
	r->conf->hostname = conf_lower(span_text(hostname));
	return 0;
}

/* RFC 5321 2.3.5: only a full name is said to others. */
static void
warn_of_hostname(struct reading *r)
{
	if (strchr(r->conf->hostname, '.') == NULL)
		(void)buf_printf(r->warnings,
		    "%s:%d: hostname: %s has no dot, expected a full name such "
		    "as %s.example.com: receiving hosts refuse it in EHLO\n",
		    r->file, tree_line(r->tree, "hostname"), r->conf->hostname,
		    r->conf->hostname);
}

struct conf *
conf_parse(struct span text, const char *file, const char *hostname,
    struct buf *warnings, struct err *err)
{
	struct conf_box *box;
	struct reading r = { .file = file, .warnings = warnings, .err = err };
	int rc;

	r.tree = tree_parse(text, file, err);
	if (r.tree == NULL)
		return NULL;
	box = MEM_NEW(struct conf_box);
	atomic_init(&box->refs, 1);
	r.conf = &box->conf;
	r.conf->file = mem_strdup(file);
	rc = read_section(&r, &conf_sections[0], r.tree);
	if (rc == 0)
		rc = take_hostname(&r, hostname);
	if (rc == 0)
		warn_of_hostname(&r);
	if (rc == 0)
		rc = conf_check_all(&r);
	(void)cfg_free(r.tree);
	if (rc == 0)
		return r.conf;
	conf_unref(r.conf);
	buf_clear(warnings); /* the error is what counts; nobody clears them */
	return NULL;
}

static int
read_all(int fd, struct buf *text, struct err *err)
{
	for (;;) {
		char *room = buf_reserve(text, 1 << 16);
		ssize_t n;

		if (room == NULL)
			return err_set(
			    err, -EFBIG, "larger than %d bytes", CONF_FILE_MAX);
		n = read(fd, room, 1 << 16);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_errno(err, "read");
		if (n == 0)
			return 0;
		buf_added(text, (size_t)n);
	}
}

struct conf *
conf_read(const char *file, const char *hostname, struct buf *warnings,
    struct err *err)
{
	struct buf text = { .max = CONF_FILE_MAX + (1 << 16) };
	struct conf *conf = NULL;
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	if (fd == -1) {
		(void)err_errno(err, "%s", file);
		return NULL;
	}
	rc = read_all(fd, &text, err);
	(void)close(fd);
	if (rc == 0)
		conf =
		    conf_parse(buf_span(&text), file, hostname, warnings, err);
	else
		(void)err_wrap(err, rc, "%s", file);
	buf_clear(&text);
	return conf;
}
