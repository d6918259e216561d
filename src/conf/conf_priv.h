/*
 * conf_priv: what the files of this folder share: the table of options, the
 * tree that libConfuse makes of a text, and the state of one reading.
 */
#ifndef CONF_PRIV_H
#define CONF_PRIV_H

#include <confuse.h>
#include <stdatomic.h>

#include "base/findings.h"
#include "conf/conf.h"

enum { CONF_FILE_MAX = 1 << 20 };

/* What conf_ref() counts; `conf` is what all others see. */
struct conf_box {
	struct conf conf;
	atomic_uint refs;
};

struct reading {
	const char *file; /* borrowed, for messages */
	cfg_t *tree; /* owned */
	struct conf *conf; /* owned */
	struct findings *findings; /* borrowed */
	size_t errors; /* so far */
	/* The text's form is wrong: what comes behind is not there. */
	bool is_partial;
};

enum option_flags {
	OPTION_LIST = 1,
	OPTION_NEEDED = 2, /* the section is wrong without it */
	OPTION_FILLED = 4, /* a list that may not be empty */
	OPTION_PATH = 16, /* of a file: from / */
	OPTION_LATER = 8, /* accepted, but nothing here obeys it yet */
};

/* One key: its name, default, bounds and where it is stored. */
struct option {
	const char *section, *name;
	unsigned flags;
	const char *fallback; /* as written; a list's are parted by spaces */
	/* False when the text is not what `expected` says. */
	bool (*store)(const struct option *o, struct span text, void *base);
	size_t at; /* offset in what the section fills */
	uint64_t least, most;
	const char *expected;
};

struct section {
	const char *name, *parent; /* "" is the file itself */
	bool titled; /* may come more than once */
	/* A key that one leaves out is the one's that is called default; there
	   always is such a one, written or not. */
	bool inherits;
	/* What the options fill; NULL: the title is wrong. */
	void *(*begin)(struct conf *conf, const char *title);
	const char *expected; /* of the title */
	/* What several options say together; 0 or a negative code. */
	int (*check)(struct reading *r, cfg_t *cfg, void *filled);
};

extern const struct option conf_options[];
extern const size_t conf_noptions;
extern const struct section conf_sections[];
extern const size_t conf_nsections;

/* A value as it was written, and where. */
struct value {
	int line;
	char *text;
};

/*
 * The text as sections of `struct value`. False and `err` when its form is
 * wrong or a key is unknown: *tree has what stands before, then. cfg_free() it.
 */
bool
tree_parse(struct span text, const char *file, cfg_t **tree, struct err *err);
size_t tree_count(cfg_t *cfg, const char *key);
const struct value *tree_value(cfg_t *cfg, const char *key, size_t i);
/* Whether the key was written at all, even as an empty list. */
bool tree_has(cfg_t *cfg, const char *key);
/* The line of a key's first value, else that of the section's end. */
int tree_line(cfg_t *cfg, const char *key);

/*
 * A heap copy with every comment made blank, so that only line ends and the
 * rest remain. Cut off, and `err`, at bytes that libConfuse would skip silently;
 * *whole says whether it was not.
 */
char *
clean_text(struct span text, const char *file, bool *whole, struct err *err);

/* Appends what to do about an error of libConfuse's in that line. */
void advice_on(const char *what, const char *section, struct span text,
    int line, struct buf *out);
/* The known name that differs least, or NULL when none is near. */
const char *
advice_nearest(struct span word, const char *const *names, size_t n);

/* A finding "FILE:LINE: key: message"; returns a negative code. */
int conf_fail(struct reading *r, int line, const char *key, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
/* For what is no error, and yet not what somebody wrote it for. */
void conf_warn(struct reading *r, int line, const char *key, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
/* What concerns the whole: defaults of sections, duplicates, order. */
int conf_check_all(struct reading *r);
int conf_check_listen(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_sni(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_limits(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_deliver(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_log(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_tls(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_auth(struct reading *r, cfg_t *cfg, void *filled);
void conf_forget_oauth(struct conf *conf);
int conf_check_oauth(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_account(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_queue(struct reading *r, cfg_t *cfg, void *filled);
int conf_check_route(struct reading *r, cfg_t *cfg, void *filled);

int conf_check_filter(struct reading *r, cfg_t *cfg, void *filled);

/*
 * "unix:/run/x.sock", "inet:127.0.0.1:11332", "inet:11332@127.0.0.1" and the like,
 * as Postfix and Sendmail write them. False: it is none.
 */
bool conf_parse_filter_socket(struct span text, struct conf_filter *out);
/* Letters, digits and hyphens in labels (RFC 1123 2.1), 253 at most. */
bool conf_domain_is_valid(struct span name);
/* A heap copy in lower case. */
char *conf_lower(struct span text);
/* The order of accounts and routes: ASCII case folded, NULL last. */
int conf_compare(struct span a, struct span b);

void conf_clear(struct conf *conf);

/* The title of the section for all that have none; in any case of letters. */
bool conf_is_default(const char *title);

#endif
