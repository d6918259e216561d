/*
 * postern spool import: files become messages, while no daemon uses the spool.
 *
 * Pairs that an export wrote (spool.c) are taken back with what was known of
 * each recipient of whom something is to be done; --from and --to give the envelope of plain
 * .eml files. All files are read before the first is stored, so that one that
 * is refused leaves the spool as it was.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "ctl/attributes.h"
#include "intake/draft.h"
#include "intake/intake_io.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "smtp/address.h"
#include "spool/content.h"
#include "spool/spool.h"
#include "tool.h"

struct import {
	struct spool *spool;
	struct loop *loop;
	const char *folder;
	char *from; /* owned, of plain files; NULL: none given */
	char **to; /* owned, each too */
	int nto;
	char **names; /* owned: what is to be imported, without ending */
	size_t nnames, next;
	unsigned long long done;
	int rc;
	struct err err;
	struct intake intake; /* of the one under way, as the rest */
	struct draft draft; /* its spans point into what follows */
	struct content *content; /* owned reference */
	struct progress *rows; /* owned, with their texts */
	uint32_t nrows;
	struct params params, *rcpt_params; /* owned; of each row */
	struct span *attrs; /* owned; of each row */
	size_t nall; /* recipients in the file */
	json_t *json;
	uint32_t flags;
};

static void import_next(void *arg);

/* Why a file cannot be a message as it is. */
enum flaw { FLAW_NONE, FLAW_CR, FLAW_NUL };

static const char *const flaw_words[] = {
	[FLAW_CR] = "a CR without LF, which no mail may have; "
		    "make it a line end, or remove it",
	[FLAW_NUL] = "a NUL, which no mail may have; "
		     "remove it, or encode that part as base64",
};

static enum flaw
find_flaw(struct span raw, size_t *line)
{
	*line = 1;
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (c == '\0')
			return FLAW_NUL;
		if (c == '\r' && (i + 1 == raw.len || raw.ptr[i + 1] != '\n'))
			return FLAW_CR;
		*line += c == '\n';
	}
	return FLAW_NONE;
}

/*
 * Of a file without flaw: LF, the line end of files, becomes CRLF; what is CRLF
 * stays. Learns what the envelope must say.
 */
static void
canonical(struct span raw, struct buf *out, uint32_t *flags)
{
	bool at_start = true;

	*flags |= ENVELOPE_NO_DOTS;
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
	enum flaw flaw = FLAW_NONE;
	size_t line;

	/* Any octet may be in it, and stays (RFC 3030 section 3). */
	if (rc == 0 && (*flags & ENVELOPE_BINARY) != 0) {
		im->content = content_new_take(&none, &raw);
		return 0;
	}
	if (rc == 0)
		flaw = find_flaw(buf_span(&raw), &line);
	if (flaw != FLAW_NONE)
		rc = err_set(&im->err, -EINVAL, "%s:%zu: %s", path, line,
		    flaw_words[flaw]);
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

/* An address as it leaves; free() it. NULL: it is none. */
static char *
written(struct span text)
{
	struct buf out = { 0 };
	struct address a;

	if (address_parse(text, &a) != ADDRESS_OK)
		return NULL;
	address_write(&a, &out);
	(void)buf_append_char(&out, '\0');
	return buf_take(&out).data;
}

/* Makes a member that is an address what leaves. False: it is none. */
static bool
take_address(json_t *o, const char *key, struct span *out)
{
	char *text = written(member(o, key));
	bool fine =
	    text != NULL && json_object_set_new(o, key, json_string(text)) == 0;

	free(text);
	*out = member(o, key);
	return fine;
}

static uint32_t
number(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* What was said last; one reference. Older exports have it as one text. */
static struct reason *
take_words(const json_t *r)
{
	struct span detail = member(r, "detail");
	struct words w = { .status = member(r, "status"),
		.host = member(r, "host"),
		.what = member(r, "what"),
		.said = member(r, "said") };

	if (number(r, "stage") < STAGE_COUNT)
		w.stage = (enum stage)number(r, "stage");
	if (!span_is_empty(detail))
		w = words_read(detail);
	else if (json_object_get(r, "what") == NULL)
		return NULL;
	return reason_new(&w);
}

/* What a newer version knew: heap. Empty when it is no such thing. */
static struct span
take_other(const json_t *r)
{
	struct buf bytes = { 0 };
	struct span other;

	(void)digits_read(member(r, "other"), &bytes);
	other = buf_span(&bytes);
	if (!spool_tags_fit(other))
		other = SPAN("");
	other = span_make(span_dup(other), other.len);
	buf_clear(&bytes);
	return other;
}

/* Of whom something is still to be done. */
static bool
take_state(const json_t *r, enum rcpt_state *state)
{
	static const enum rcpt_state open[] = { RCPT_QUEUED, RCPT_FAILED,
		RCPT_EXPIRED, RCPT_RELAYED };
	struct span name = member(r, "state");

	*state = RCPT_QUEUED;
	if (span_is_empty(name))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		*state = open[i];
		if (span_equal(name, span_text(rcpt_state_name(*state))))
			return true;
	}
	return false;
}

/* An older export has no steps: they were the tries. */
static struct progress
take_row(const json_t *r, uint32_t rcpt, enum rcpt_state state)
{
	bool has_step = json_object_get(r, "step") != NULL;

	return (struct progress){
		.rcpt = rcpt,
		.state = state,
		.held = json_is_true(json_object_get(r, "held")),
		.tries = number(r, "tries"),
		.step = number(r, has_step ? "step" : "tries"),
		.last = json_integer_value(json_object_get(r, "last")),
		.due = json_integer_value(json_object_get(r, "due")),
		.stood = number(r, "stood"),
		.reason = take_words(r),
		.other = take_other(r),
	};
}

/*
 * The recipients that still wait, and those of whose failure the sender has not
 * been told, with what was known of them.
 */
static int
take_rcpts(struct import *im, struct span *rcpts, uint32_t *n)
{
	const json_t *all = json_object_get(im->json, "recipients");
	json_t *r;
	size_t i;

	json_array_foreach(all, i, r)
	{
		enum rcpt_state state;

		if (!take_state(r, &state))
			continue;
		if (!take_address(r, "address", &rcpts[*n]))
			return err_set(&im->err, -EINVAL,
			    "recipient %zu is no address", i + 1);
		if (!attributes_read(r, PARAM_OF_RCPT, &im->rcpt_params[*n]))
			return err_set(&im->err, -EINVAL, "recipient %zu: %s",
			    i + 1, im->rcpt_params[*n].wrong);
		im->attrs[*n] = buf_span(&im->rcpt_params[*n].attrs);
		im->rows[*n] = take_row(r, *n, state);
		im->nrows = ++*n;
	}
	return 0;
}

static int
take_pair(struct import *im, const char *path, struct envelope_parts *p,
    struct span **rcpts)
{
	static const struct {
		const char *key;
		uint32_t flag;
	} flags[] = { { "8bit", ENVELOPE_8BIT }, { "binary", ENVELOPE_BINARY },
		{ "report", ENVELOPE_REPORT }, { "utf8", ENVELOPE_UTF8 },
		{ "utf8_header", ENVELOPE_UTF8_HEADER } };
	json_error_t why;
	size_t most;

	im->json = json_load_file(path, 0, &why);
	if (im->json == NULL)
		return err_set(
		    &im->err, -EINVAL, "%s:%d: %s", path, why.line, why.text);
	most = json_array_size(json_object_get(im->json, "recipients"));
	im->nall = most;
	*rcpts = mem_zalloc(most, sizeof **rcpts);
	im->rows = mem_zalloc(most, sizeof *im->rows);
	im->rcpt_params = mem_zalloc(most, sizeof *im->rcpt_params);
	im->attrs = mem_zalloc(most, sizeof *im->attrs);
	p->account = member(im->json, "account");
	p->sender = member(im->json, "sender");
	p->arrived = json_integer_value(json_object_get(im->json, "arrived"));
	if (json_is_true(json_object_get(im->json, "held")))
		im->flags |= MESSAGE_HELD;
	if (json_is_true(json_object_get(im->json, "warned")))
		im->flags |= MESSAGE_WARNED;
	if (json_is_true(json_object_get(im->json, "future")))
		im->flags |= MESSAGE_FUTURE;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (json_is_true(json_object_get(im->json, flags[i].key)))
			p->flags |= flags[i].flag;
	if (p->arrived <= 0)
		p->arrived = wall_now();
	if (!span_is_empty(p->sender) &&
	    !take_address(im->json, "sender", &p->sender))
		return err_set(&im->err, -EINVAL,
		    "%s: the sender is no "
		    "address",
		    path);
	if (!attributes_read(im->json, PARAM_OF_MAIL, &im->params))
		return err_set(
		    &im->err, -EINVAL, "%s: %s", path, im->params.wrong);
	p->attrs = buf_span(&im->params.attrs);
	p->rcpt_attrs = im->attrs;
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
	draft_clear(&im->draft);
	content_unref(im->content);
	im->content = NULL;
	for (uint32_t i = 0; i < im->nrows; i++) {
		reason_unref(im->rows[i].reason);
		free((void *)(uintptr_t)im->rows[i].other.ptr);
	}
	params_clear(&im->params);
	for (size_t i = 0; im->rcpt_params != NULL && i < im->nall; i++)
		params_clear(&im->rcpt_params[i]);
	free(im->rcpt_params);
	im->rcpt_params = NULL;
	free(im->attrs);
	im->attrs = NULL;
	free(im->rows);
	im->rows = NULL;
	im->nrows = 0;
	json_decref(im->json);
	im->json = NULL;
	im->flags = 0;
}

static void
on_imported(const struct intake_answer *answer, void *arg)
{
	struct import *im = arg;

	if (answer->env == NULL) {
		im->rc = err_set(&im->err, -EIO, "%s: could not be stored",
		    im->names[im->next - 1]);
	} else {
		im->done++;
		free(answer->env);
	}
	forget_one(im);
	import_next(im);
}

/* Reads one and its envelope. Nobody waits for it: no recipients. */
static int
take_one(struct import *im, const char *name, struct envelope_parts *parts,
    struct span **rcpts)
{
	char *eml = mem_printf("%s/%s.eml", im->folder, name);
	char *json = mem_printf("%s/%s.json", im->folder, name);
	int rc = access(json, R_OK) == 0 ? take_pair(im, json, parts, rcpts)
					 : take_given(im, eml, parts, rcpts);

	if (rc == 0)
		rc = take_content(im, eml, &parts->flags);
	free(eml);
	free(json);
	return rc;
}

/* It comes in by the door of all messages, as it was. */
static void
take_in(struct import *im, const struct envelope_parts *p)
{
	struct draft *d = &im->draft;
	struct intake_answer now;

	d->origin = DRAFT_IMPORTED;
	d->account = p->account;
	d->arrived = p->arrived;
	d->flags = p->flags;
	(void)buf_append_span(&d->attrs, p->attrs);
	d->given = im->content;
	d->rows = im->rows;
	d->message_flags = im->flags;
	draft_set_written_sender(d, p->sender);
	for (uint32_t i = 0; i < p->nrcpt; i++)
		draft_add_written(d, p->rcpt[i],
		    p->rcpt_attrs == NULL ? SPAN("") : p->rcpt_attrs[i]);
	/* Addresses beyond ASCII say themselves what they need. */
	if (d->needs_utf8)
		d->flags |= ENVELOPE_UTF8;
	d->needs_utf8 |= (d->flags & ENVELOPE_UTF8) != 0;
	(void)draft_run(d, DRAFT_BEGINS);
	(void)intake_do(&im->intake, d, &now); /* at once */
	(void)draft_answered(d, now.refusal);
	(void)draft_run(d, DRAFT_ENDS);
	(void)intake_do(&im->intake, d, &now); /* never at once */
}

/* 1: on its way; 0: nothing to do; or negative. */
static int
import_one(struct import *im, const char *name)
{
	struct envelope_parts parts = { 0 };
	struct span *rcpts = NULL;
	int rc = take_one(im, name, &parts, &rcpts);

	if (rc == 0 && parts.nrcpt > 0) {
		parts.rcpt = rcpts;
		take_in(im, &parts);
		rc = 1;
	}
	free(rcpts);
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

/* All or nothing: what is mended and tried again must not be there twice. */
static int
look_through(struct import *im)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < im->nnames; i++) {
		struct envelope_parts parts = { 0 };
		struct span *rcpts = NULL;

		rc = take_one(im, im->names[i], &parts, &rcpts);
		free(rcpts);
		forget_one(im);
	}
	return rc;
}

static void
load_nothing(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *arg)
{
	(void)rows, (void)flags, (void)arg;
	free(env);
}

static int
run(const struct conf *conf, struct import *im)
{
	struct spool_options o = { .kind = SPOOL_JOURNAL,
		.directory = conf->spool_directory,
		.reserve_percent = conf->spool_reserve };
	struct spool_events on = { .message = load_nothing };
	int rc = list_names(im);

	if (rc == 0)
		rc = look_through(im);
	if (rc != 0)
		return tool_fail(&im->err);
	im->spool = spool_open(&o, &on, &im->err);
	if (im->spool == NULL)
		return tool_fail(&im->err);
	im->loop = loop_new();
	intake_init(&im->intake, im->spool, im->loop, on_imported, im);
	import_next(im);
	loop_run(im->loop);
	loop_free(im->loop);
	spool_close(im->spool);
	(void)printf("%s imported\n", COUNT(im->done, "message"));
	return im->rc != 0 ? tool_fail(&im->err) : EXIT_OK;
}

/* --from A --to B --to C behind the folder. */
static bool
take_envelope(struct import *im, int argc, char **argv)
{
	for (int i = 0; i < argc; i += 2) {
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "--from") == 0) {
			free(im->from);
			im->from = argv[i + 1][0] == '\0'
				       ? mem_strdup("")
				       : written(span_text(argv[i + 1]));
			if (im->from == NULL)
				return false;
		} else if (strcmp(argv[i], "--to") == 0) {
			im->to[im->nto] = written(span_text(argv[i + 1]));
			if (im->to[im->nto++] == NULL)
				return false;
		} else {
			return false;
		}
	}
	return true;
}

int
tool_import(const struct conf *conf, int argc, char **argv)
{
	struct import im = { .folder = argv[0] };
	int rc = EXIT_USAGE;

	im.to = mem_zalloc((size_t)argc, sizeof *im.to);
	if (take_envelope(&im, argc - 1, argv + 1))
		rc = run(conf, &im);
	for (size_t i = 0; i < im.nnames; i++)
		free(im.names[i]);
	free(im.names);
	for (int i = 0; i < im.nto; i++)
		free(im.to[i]);
	free(im.to);
	free(im.from);
	return rc;
}
