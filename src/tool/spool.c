/*
 * postern spool: a spool read, written out and filled while no daemon uses it.
 *
 * An exported message is ID.eml, byte for byte, and ID.json, its envelope:
 *   {"id", "account", "sender", "arrived", "held", "warned",
 *    "recipients": [{"address", "state", "tries", "last", "due", "detail"}]}
 * (times in ms since 1970). An import takes such pairs back, with what was
 * known of each recipient that still waits; --from and --to give the envelope
 * of plain .eml files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "smtp/address.h"
#include "spool/content.h"
#include "spool/offline.h"
#include "spool/spool.h"
#include "tool.h"

enum { BLOCK = 65536 };

static const char usage[] =
    "spool check [--json] | spool export DIR | spool import DIR "
    "[--from ADDRESS --to ADDRESS ...]";

/* --- check --- */

static void
print_finding(enum log_level level, const char *line, void *arg)
{
	(void)arg;
	(void)fprintf(stderr, "%s: %s\n", log_level_name(level), line);
}

static int
visit_nothing(const struct envelope *env, const struct progress *rcpts,
    uint32_t flags, const struct content *content, void *arg)
{
	(void)env, (void)rcpts, (void)flags, (void)content, (void)arg;
	return 0;
}

static int
do_check(struct tool *t, const struct conf *conf)
{
	struct spool_summary s;
	struct err err;

	if (spool_inspect(
		conf->spool_directory, visit_nothing, NULL, &s, &err) != 0)
		return tool_fail(&err);
	if (t->json)
		tool_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
		    "segments", (json_int_t)s.segments, "segment_bytes",
		    (json_int_t)s.segment_bytes, "messages",
		    (json_int_t)s.messages, "recipients",
		    (json_int_t)s.recipients, "content_bytes",
		    (json_int_t)s.content_bytes, "damaged",
		    (json_int_t)s.damaged));
	else
		(void)printf("%llu segments, %llu bytes; %llu messages wait "
			     "for %llu recipients, %llu bytes of content; "
			     "%llu damaged\n",
		    (unsigned long long)s.segments,
		    (unsigned long long)s.segment_bytes,
		    (unsigned long long)s.messages,
		    (unsigned long long)s.recipients,
		    (unsigned long long)s.content_bytes,
		    (unsigned long long)s.damaged);
	return s.damaged > 0 ? EXIT_FAILED : EXIT_OK;
}

/* --- export --- */

struct export
{
	const char *folder;
	struct err err;
};

static json_t *
plain_text(const char *text, size_t len)
{
	json_t *o = json_stringn(text, len);
	char *clean;

	if (o != NULL)
		return o;
	/* Not UTF-8: a peer's words; the letters are kept. */
	clean = mem_dup(text, len);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)clean[i] > 126)
			clean[i] = '?';
	o = json_stringn(clean, len);
	free(clean);
	return o;
}

static json_t *
envelope_json(
    const struct envelope *env, const struct progress *rows, uint32_t flags)
{
	json_t *rcpts = json_array();

	for (uint32_t i = 0; i < env->nrcpt; i++)
		(void)json_array_append_new(rcpts,
		    json_pack("{s:s, s:s, s:i, s:I, s:I, s:o}", "address",
			env->rcpt[i], "state", rcpt_state_name(rows[i].state),
			"tries", (int)rows[i].tries, "last",
			(json_int_t)rows[i].last, "due",
			(json_int_t)rows[i].due, "detail",
			plain_text(rows[i].detail.ptr, rows[i].detail.len)));
	return json_pack("{s:s, s:s, s:s, s:I, s:b, s:b, s:o}", "id",
	    qid_format(env->id).text, "account", env->account, "sender",
	    env->sender, "arrived", (json_int_t)env->arrived, "held",
	    (flags & MESSAGE_HELD) != 0, "warned",
	    (flags & MESSAGE_WARNED) != 0, "recipients", rcpts);
}

static int
write_content(const char *path, const struct content *content, struct err *err)
{
	FILE *f = fopen(path, "wxe");
	char *block;
	uint64_t at = 0;
	int64_t n = 1;

	if (f == NULL)
		return err_errno(err, "create %s", path);
	block = mem_alloc(BLOCK);
	while (n > 0 && at < content_size(content)) {
		n = content_read(content, at, block, BLOCK, err);
		if (n > 0 && fwrite(block, 1, (size_t)n, f) != (size_t)n)
			n = err_errno(err, "write %s", path);
		at += n > 0 ? (uint64_t)n : 0;
	}
	free(block);
	if (fclose(f) != 0 && n >= 0)
		n = err_errno(err, "write %s", path);
	return n < 0 ? (int)n : 0;
}

static int
export_one(const struct envelope *env, const struct progress *rows,
    uint32_t flags, const struct content *content, void *arg)
{
	struct export *x = arg;
	struct qid qid = qid_format(env->id);
	char *eml = mem_printf("%s/%s.eml", x->folder, qid.text);
	char *json = mem_printf("%s/%s.json", x->folder, qid.text);
	json_t *o = envelope_json(env, rows, flags);
	int rc = write_content(eml, content, &x->err);

	if (rc == 0 &&
	    (o == NULL || json_dump_file(o, json, JSON_INDENT(1)) != 0))
		rc = err_errno(&x->err, "write %s", json);
	json_decref(o);
	free(eml);
	free(json);
	return rc;
}

static int
do_export(const struct conf *conf, const char *folder)
{
	struct export x = { .folder = folder };
	struct spool_summary s;
	struct err err;
	int rc;

	if (mkdir(folder, 0700) == -1 && errno != EEXIST) {
		(void)err_errno(&err, "make %s", folder);
		return tool_fail(&err);
	}
	rc = spool_inspect(conf->spool_directory, export_one, &x, &s, &err);
	if (rc != 0)
		return tool_fail(x.err.text[0] == '\0' ? &err : &x.err);
	(void)printf("%llu messages exported, %llu damaged\n",
	    (unsigned long long)s.messages, (unsigned long long)s.damaged);
	return s.damaged > 0 ? EXIT_FAILED : EXIT_OK;
}

/* --- import --- */

struct import {
	struct spool *spool;
	struct loop *loop;
	const char *folder;
	const char *from; /* of plain files; NULL: none given */
	char **to;
	int nto;
	char **names; /* owned: what is to be imported, without ending */
	size_t nnames, next;
	unsigned long long done;
	int rc;
	struct err err;
	struct envelope *env; /* owned, of the one under way, as the rest */
	struct content *content;
	struct progress *rows;
	json_t *json;
	uint32_t flags;
};

static void import_next(void *arg);

/* LF becomes CRLF; what is CRLF stays. Learns what the envelope must say. */
static void
canonical(struct span raw, struct buf *out, uint32_t *flags)
{
	bool at_start = true;

	*flags = ENVELOPE_NO_DOTS;
	out->max = raw.len * 2 + 2;
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (at_start && c == '.')
			*flags &= ~(uint32_t)ENVELOPE_NO_DOTS;
		if ((unsigned char)c > 127)
			*flags |= ENVELOPE_8BIT;
		at_start = c == '\n';
		if (c == '\r')
			continue;
		if (c == '\n')
			(void)buf_append_char(out, '\r');
		(void)buf_append_char(out, c);
	}
	if (!at_start)
		(void)buf_append(out, "\r\n", 2);
}

static int
read_file(const char *path, struct buf *out, struct err *err)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *room;
	size_t n;

	if (f == NULL)
		return err_errno(err, "open %s", path);
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)fclose(f);
		return err_set(err, -EINVAL, "%s: not a file", path);
	}
	out->max = (size_t)st.st_size + 1;
	room = buf_reserve(out, (size_t)st.st_size + 1);
	n = fread(room, 1, (size_t)st.st_size, f);
	buf_added(out, n);
	(void)fclose(f);
	return 0;
}

static int
take_content(struct import *im, const char *path, uint32_t *flags)
{
	struct buf raw = { 0 }, body = { 0 }, none = { 0 };
	int rc = read_file(path, &raw, &im->err);

	if (rc == 0) {
		canonical(buf_span(&raw), &body, flags);
		im->content = content_new_take(&none, &body);
	}
	buf_clear(&raw);
	return rc;
}

static struct span
member(const json_t *o, const char *key)
{
	return span_text(json_string_value(json_object_get(o, key)));
}

static bool
is_address(struct span text)
{
	struct address a;

	return address_parse(text, &a) == ADDRESS_OK;
}

/* The recipients that still wait, with what was known of them. */
static int
take_rcpts(struct import *im, struct span *rcpts, uint32_t *n)
{
	const json_t *all = json_object_get(im->json, "recipients");
	const json_t *r;
	size_t i;

	json_array_foreach(all, i, r)
	{
		struct span state = member(r, "state");

		if (!span_is_empty(state) && !span_equal(state, SPAN("queued")))
			continue;
		rcpts[*n] = member(r, "address");
		if (!is_address(rcpts[*n]))
			return err_set(&im->err, -EINVAL,
			    "recipient %zu is no address", i + 1);
		im->rows[*n] = (struct progress){
			.rcpt = *n,
			.tries = (uint32_t)json_integer_value(
			    json_object_get(r, "tries")),
			.last = json_integer_value(json_object_get(r, "last")),
			.due = json_integer_value(json_object_get(r, "due")),
			.detail = member(r, "detail"),
		};
		(*n)++;
	}
	return 0;
}

static int
take_pair(struct import *im, const char *path, struct envelope_parts *p,
    struct span **rcpts)
{
	json_error_t why;
	size_t most;

	im->json = json_load_file(path, 0, &why);
	if (im->json == NULL)
		return err_set(
		    &im->err, -EINVAL, "%s:%d: %s", path, why.line, why.text);
	most = json_array_size(json_object_get(im->json, "recipients"));
	*rcpts = mem_zalloc(most, sizeof **rcpts);
	im->rows = mem_zalloc(most, sizeof *im->rows);
	p->account = member(im->json, "account");
	p->sender = member(im->json, "sender");
	p->arrived = json_integer_value(json_object_get(im->json, "arrived"));
	if (json_is_true(json_object_get(im->json, "held")))
		im->flags |= MESSAGE_HELD;
	if (json_is_true(json_object_get(im->json, "warned")))
		im->flags |= MESSAGE_WARNED;
	if (p->arrived <= 0)
		p->arrived = wall_now();
	if (!span_is_empty(p->sender) && !is_address(p->sender))
		return err_set(&im->err, -EINVAL,
		    "%s: the sender is no "
		    "address",
		    path);
	return take_rcpts(im, *rcpts, &p->nrcpt);
}

static int
take_given(struct import *im, const char *path, struct envelope_parts *p,
    struct span **rcpts)
{
	if (im->from == NULL || im->nto == 0)
		return err_set(&im->err, -EINVAL,
		    "%s: no .json beside it; "
		    "give its envelope with --from and --to",
		    path);
	*rcpts = mem_zalloc((size_t)im->nto, sizeof **rcpts);
	im->rows = NULL;
	p->arrived = wall_now();
	p->sender = p->account = span_text(im->from);
	for (int i = 0; i < im->nto; i++)
		(*rcpts)[p->nrcpt++] = span_text(im->to[i]);
	return 0;
}

static void
forget_one(struct import *im)
{
	free(im->env);
	im->env = NULL;
	content_unref(im->content);
	im->content = NULL;
	free(im->rows);
	im->rows = NULL;
	json_decref(im->json);
	im->json = NULL;
	im->flags = 0;
}

static void
on_imported(enum spool_status status, void *arg)
{
	struct import *im = arg;

	if (status != SPOOL_OK) {
		im->rc = err_set(&im->err, -EIO, "%s: could not be stored",
		    im->names[im->next - 1]);
	} else {
		im->done++;
		if (im->rows != NULL)
			spool_progress(
			    im->spool, im->env->id, im->rows, im->env->nrcpt);
		if (im->flags != 0)
			spool_set_flags(im->spool, im->env->id, im->flags);
	}
	forget_one(im);
	import_next(im);
}

static int
import_one(struct import *im, const char *name)
{
	char *eml = mem_printf("%s/%s.eml", im->folder, name);
	char *json = mem_printf("%s/%s.json", im->folder, name);
	struct envelope_parts parts = { 0 };
	struct span *rcpts = NULL;
	struct spool_entry *entry;
	int rc = take_content(im, eml, &parts.flags);

	if (rc == 0)
		rc = access(json, R_OK) == 0
			 ? take_pair(im, json, &parts, &rcpts)
			 : take_given(im, eml, &parts, &rcpts);
	if (rc == 0 && parts.nrcpt > 0) {
		entry = spool_entry_open(im->spool, im->loop);
		parts.id = spool_entry_id(entry);
		parts.size = content_size(im->content);
		parts.rcpt = rcpts;
		im->env = envelope_new(&parts);
		spool_commit(entry, im->env, im->content, on_imported, im);
		rc = 1; /* on its way */
	}
	free(rcpts);
	free(eml);
	free(json);
	return rc;
}

/* One after the other; a message of which nobody waits any more is left out. */
static void
import_next(void *arg)
{
	struct import *im = arg;
	int rc = 0;

	while (im->rc == 0 && rc == 0 && im->next < im->nnames) {
		rc = import_one(im, im->names[im->next++]);
		if (rc <= 0)
			forget_one(im);
	}
	if (rc < 0)
		im->rc = rc;
	if (rc <= 0)
		loop_stop(im->loop);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
list_names(struct import *im)
{
	DIR *dir = opendir(im->folder);
	struct dirent *entry;

	if (dir == NULL)
		return err_errno(&im->err, "open %s", im->folder);
	while ((entry = readdir(dir)) != NULL) {
		struct span name = span_text(entry->d_name);

		if (name.len < 5 || !span_ends_nocase(name, SPAN(".eml")))
			continue;
		im->names = mem_realloc(
		    im->names, (im->nnames + 1) * sizeof *im->names);
		im->names[im->nnames++] = span_dup(span_to(name, name.len - 4));
	}
	(void)closedir(dir);
	if (im->nnames > 1)
		qsort(im->names, im->nnames, sizeof *im->names, by_name);
	return 0;
}

static void
load_nothing(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *arg)
{
	(void)rows, (void)flags, (void)arg;
	free(env);
}

static int
do_import(const struct conf *conf, struct import *im)
{
	struct spool_options o = { .directory = conf->spool_directory,
		.reserve_percent = conf->spool_reserve };
	int rc = list_names(im);

	if (rc != 0)
		return tool_fail(&im->err);
	im->spool = journal_open(&o, load_nothing, NULL, &im->err);
	if (im->spool == NULL)
		return tool_fail(&im->err);
	im->loop = loop_new();
	import_next(im);
	loop_run(im->loop);
	loop_free(im->loop);
	spool_close(im->spool);
	for (size_t i = 0; i < im->nnames; i++)
		free(im->names[i]);
	free(im->names);
	(void)printf("%llu messages imported\n", im->done);
	return im->rc != 0 ? tool_fail(&im->err) : EXIT_OK;
}

/* --- which --- */

/* --from A --to B --to C behind the folder. */
static bool
take_envelope(struct import *im, int argc, char **argv)
{
	for (int i = 0; i < argc; i += 2) {
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "--from") == 0 &&
		    (argv[i + 1][0] == '\0' ||
			is_address(span_text(argv[i + 1]))))
			im->from = argv[i + 1];
		else if (strcmp(argv[i], "--to") == 0 &&
			 is_address(span_text(argv[i + 1])))
			im->to[im->nto++] = argv[i + 1];
		else
			return false;
	}
	return true;
}

static int
run(struct tool *t, const struct conf *conf, int argc, char **argv)
{
	struct import im = { 0 };
	int rc = EXIT_USAGE;

	if (strcmp(argv[1], "check") == 0 && argc == 2)
		return do_check(t, conf);
	if (strcmp(argv[1], "export") == 0 && argc == 3)
		return do_export(conf, argv[2]);
	if (strcmp(argv[1], "import") != 0 || argc < 3)
		return tool_usage(usage);
	im.folder = argv[2];
	im.to = mem_zalloc((size_t)argc, sizeof *im.to);
	if (take_envelope(&im, argc - 3, argv + 3))
		rc = do_import(conf, &im);
	free(im.to);
	return rc == EXIT_USAGE ? tool_usage(usage) : rc;
}

int
tool_spool(struct tool *t, int argc, char **argv)
{
	struct conf *conf;
	int rc;

	if (argc < 2)
		return tool_usage(usage);
	conf = tool_conf(t);
	if (conf == NULL)
		return EXIT_FAILED;
	log_set_level(LOG_WARN);
	log_set_writer(print_finding, NULL);
	rc = run(t, conf, argc, argv);
	log_set_writer(NULL, NULL);
	conf_unref(conf);
	return rc;
}
