/*
 * history: what happened to messages in the last hours, as values in memory. A ring
 * of so many bytes: what is oldest goes when there is no room. Nothing is kept on
 * disk. Pure: time comes as an argument.
 */
#ifndef DISPATCH_HISTORY_H
#define DISPATCH_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct history;

enum trace_kind {
	TRACE_ACCEPTED,
	TRACE_DELIVERED,
	TRACE_DEFERRED,
	TRACE_FAILED,
	TRACE_EXPIRED,
	TRACE_REMOVED,
	TRACE_OPERATOR,
	TRACE_KINDS
};
const char *trace_kind_name(enum trace_kind kind);

/* Texts of an entry; those that do not apply are empty. */
enum trace_text {
	TRACE_SID,
	TRACE_ACCOUNT,
	TRACE_SENDER,
	TRACE_RCPT, /* who it is about; ACCEPTED: the first of all */
	TRACE_MESSAGE_ID,
	TRACE_HOST,
	TRACE_TLS,
	TRACE_STATUS,
	TRACE_REPLY,
	TRACE_USER, /* OPERATOR: whose hand it was */
	TRACE_DID, /* OPERATOR: the verb */
	TRACE_TEXTS
};
const char *trace_text_name(enum trace_text text);

struct trace_entry {
	enum trace_kind kind;
	uint64_t id; /* the message's */
	int64_t at; /* wall clock, ms */
	uint64_t size; /* ACCEPTED: bytes of content */
	uint64_t delay; /* DELIVERED: ms since it arrived */
	uint64_t next; /* DEFERRED: ms until the next attempt */
	uint32_t nrcpt; /* ACCEPTED */
	uint32_t tries;
	struct span text[TRACE_TEXTS];
};

/* Of a text so many bytes are kept. */
enum { TRACE_TEXT_MAX = 400 };

struct history *history_new(size_t bytes);
void history_free(struct history *h);
/* Copies it. */
void history_add(struct history *h, const struct trace_entry *entry);
/*
 * The next one, the oldest first: *at starts at 0. False: there is none. Its spans
 * are valid until the next history_add().
 */
bool
history_next(const struct history *h, uint64_t *at, struct trace_entry *out);
/* When the oldest that is kept happened; 0: there is none. */
int64_t history_since(const struct history *h);
size_t history_count(const struct history *h);

#endif
