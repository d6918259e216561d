/*
 * tool: what the sub-commands of postern(1) share. Each is a function from
 * arguments (its own name first) to an exit code: 0 done, 1 failed, 2 used
 * wrongly.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "ctl/verbs.h"

struct conf;

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct tool {
	const char *conf_file;
	bool json; /* --json was given */
	bool from_stdin; /* --stdin was given */
	bool force; /* --force was given */
};

typedef int (*tool_fn)(struct tool *t, int argc, char **argv);

int tool_user(struct tool *t, int argc, char **argv);
int tool_dkim(struct tool *t, int argc, char **argv);
int tool_check(struct tool *t, int argc, char **argv);
int tool_spool(struct tool *t, int argc, char **argv);
/* What a running relay is asked; behind the verb's own words. */
int tool_ask(struct tool *t, enum verb_id verb, int argc, char **argv);

/*
 * `postern spool import`, from the folder on. EXIT_USAGE has not been told yet.
 */
int tool_import(const struct conf *conf, int argc, char **argv);

/* "postern: what" on standard error; returns EXIT_FAILED. */
int tool_fail(const struct err *err);
int tool_usage(const char *text);
/* The configuration; NULL after having said why. */
struct conf *tool_conf(struct tool *t);
/* Prints it on one line, and frees it. */
void tool_print_json(json_t *o);
/* A long array as it comes: the row that n others are before, and its end. */
void tool_print_row(const json_t *row, size_t n);
void tool_print_end(size_t n);
/* "1 message", "2 messages", for a line of text. */
const char *tool_count(long long n, const char *one, char *out, size_t size);
#define COUNT(n, one) tool_count((long long)(n), (one), (char[48]){ 0 }, 48)
/* "3d4h", "5m12s": short, for tables. */
const char *tool_duration(long long seconds, char out[32]);

#endif
