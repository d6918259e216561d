/*
 * postern spool: a spool read and written out while no daemon uses it (import.c
 * fills one).
 *
 * An exported message is ID.eml, byte for byte, and ID.json, its envelope:
 *   {"id", "account", "sender", "arrived", "held", "warned", "future", "8bit",
 *    "report", "utf8", "utf8_header",
 *    "recipients": [{"address", "state", "held", "tries", "step", "last", "due",
 *                    "stood", "status", "host", "stage", "what", "said"}]},
 * and in the message and in a recipient "parameters" (ctl/attributes.h)
 * (times in ms since 1970, "stood" in seconds, as in mail/progress.h; the last
 * five are the words that were said last; what a newer version knows of a
 * recipient is in "other", as it lies).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "ctl/attributes.h"
#include "facts/fact.h"
#include "facts/write.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/content.h"
#include "spool/offline.h"
#include "tool.h"

enum { BLOCK = 65536 };

static const char usage[] =
    "spool check [--json] | spool export DIR | spool import DIR "
    "[--from ADDRESS --to ADDRESS ...]";

/* --- check --- */

static void
print_finding(const struct fact *fact, void *arg)
{
	struct buf line = { 0 };

	(void)arg;
	fact_write_text(fact, &line);
	(void)fprintf(stderr, "%s: %.*s\n",
	    log_level_name(fact_level(fact->kind)), SPAN_ARG(buf_span(&line)));
	buf_clear(&line);
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
		(void)printf(
		    "%s, %llu bytes; %s for %s, %llu bytes of content; "
		    "%llu damaged\n",
		    COUNT(s.segments, "segment"),
		    (unsigned long long)s.segment_bytes,
		    COUNT(s.messages, "message"),
		    COUNT(s.recipients, "recipient"),
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
rcpt_json(const char *address, struct span attrs, const struct progress *row)
{
	struct reason *whole = reason_whole(row->reason);
	struct words w = reason_words(whole);
	json_t *o = json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I}",
	    "address", address, "state", rcpt_state_name(row->state), "held",
	    row->held, "tries", (json_int_t)row->tries, "step",
	    (json_int_t)row->step, "last", (json_int_t)row->last, "due",
	    (json_int_t)row->due, "stood", (json_int_t)row->stood);

	attributes_show(o, attrs);
	if (row->other.len > 0)
		(void)json_object_set_new(o, "other", digits_show(row->other));
	if (whole == NULL)
		return o;
	(void)json_object_set_new(
	    o, "status", plain_text(w.status.ptr, w.status.len));
	(void)json_object_set_new(
	    o, "host", plain_text(w.host.ptr, w.host.len));
	(void)json_object_set_new(o, "stage", json_integer(w.stage));
	(void)json_object_set_new(
	    o, "what", plain_text(w.what.ptr, w.what.len));
	(void)json_object_set_new(
	    o, "said", plain_text(w.said.ptr, w.said.len));
	reason_unref(whole);
	return o;
}

static json_t *
envelope_json(
    const struct envelope *env, const struct progress *rows, uint32_t flags)
{
	json_t *rcpts = json_array(), *o;

	for (uint32_t i = 0; i < env->nrcpt; i++)
		(void)json_array_append_new(
		    rcpts, rcpt_json(env->rcpts[i].address,
			       envelope_rcpt_attrs(env, i), &rows[i]));
	o = json_pack(
	    "{s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, "
	    "s:o}",
	    "id", qid_format(env->id).text, "account", env->account, "sender",
	    env->sender, "arrived", (json_int_t)env->arrived, "held",
	    (flags &
		(MESSAGE_HELD | MESSAGE_QUARANTINED | MESSAGE_UNFILTERED)) != 0,
	    "warned", (flags & MESSAGE_WARNED) != 0, "future",
	    (flags & MESSAGE_FUTURE) != 0, "8bit",
	    (env->flags & ENVELOPE_8BIT) != 0, "binary",
	    (env->flags & ENVELOPE_BINARY) != 0, "report",
	    (env->flags & ENVELOPE_REPORT) != 0, "utf8",
	    (env->flags & ENVELOPE_UTF8) != 0, "utf8_header",
	    (env->flags & ENVELOPE_UTF8_HEADER) != 0, "recipients", rcpts);
	attributes_show(o, envelope_attrs(env));
	return o;
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
	(void)printf("%s exported, %llu damaged\n",
	    COUNT(s.messages, "message"), (unsigned long long)s.damaged);
	return s.damaged > 0 ? EXIT_FAILED : EXIT_OK;
}

/* --- which --- */

static int
run(struct tool *t, const struct conf *conf, int argc, char **argv)
{
	int rc;

	if (strcmp(argv[1], "check") == 0 && argc == 2)
		return do_check(t, conf);
	if (strcmp(argv[1], "export") == 0 && argc == 3)
		return do_export(conf, argv[2]);
	if (strcmp(argv[1], "import") != 0 || argc < 3)
		return tool_usage(usage);
	rc = tool_import(conf, argc - 2, argv + 2);
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
	(void)umask(077); /* mail is nobody else's to read */
	log_set_level(LOG_WARN);
	facts_set_log(print_finding, NULL);
	rc = run(t, conf, argc, argv);
	facts_set_log(NULL, NULL);
	conf_unref(conf);
	return rc;
}
