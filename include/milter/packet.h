/*
 * packet: the pieces that a mail server and a filter exchange in the milter
 * protocol (version 6): a length of four bytes, a letter, and what belongs to the
 * letter. Both are strangers to each other's bytes: what is read here is bounded.
 * Pure.
 */
#ifndef MILTER_PACKET_H
#define MILTER_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	PACKET_HEAD = 4, /* bytes of the length */
	PACKET_MOST = 256 * 1024, /* of a filter's, letter and all */
	PACKET_BODY_MOST = 65535, /* bytes of the body in one of ours */
};

/* What we say. */
enum packet_command {
	PACKET_ABORT = 'A',
	PACKET_BODY = 'B',
	PACKET_CONNECT = 'C',
	PACKET_MACROS = 'D',
	PACKET_END = 'E',
	PACKET_HELO = 'H',
	PACKET_HEADER = 'L',
	PACKET_MAIL = 'M',
	PACKET_HEADER_END = 'N',
	PACKET_OPTIONS = 'O', /* the filter answers with the same letter */
	PACKET_QUIT = 'Q',
	PACKET_RCPT = 'R',
	PACKET_DATA = 'T',
};

/* What a filter says. */
enum packet_answer {
	PACKET_ADD_RCPT = '+',
	PACKET_DELETE_RCPT = '-',
	PACKET_ADD_RCPT_WITH = '2', /* with parameters of RCPT */
	PACKET_SHUTDOWN = '4',
	PACKET_ACCEPT = 'a',
	PACKET_REPLACE_BODY = 'b',
	PACKET_CONTINUE = 'c',
	PACKET_DISCARD = 'd',
	PACKET_CHANGE_FROM = 'e',
	PACKET_CONNECTION_FAILS = 'f',
	PACKET_ADD_HEADER = 'h',
	PACKET_INSERT_HEADER = 'i',
	PACKET_CHANGE_HEADER = 'm',
	PACKET_PROGRESS = 'p',
	PACKET_QUARANTINE = 'q',
	PACKET_REJECT = 'r',
	PACKET_SKIP = 's',
	PACKET_TEMPFAIL = 't',
	PACKET_REPLY = 'y',
};

/* What a filter may do, a bit each. */
enum packet_action {
	ACTION_ADD_HEADERS = 0x1,
	ACTION_CHANGE_BODY = 0x2,
	ACTION_ADD_RCPT = 0x4,
	ACTION_DELETE_RCPT = 0x8,
	ACTION_CHANGE_HEADERS = 0x10,
	ACTION_QUARANTINE = 0x20,
	ACTION_CHANGE_FROM = 0x40,
	ACTION_ADD_RCPT_WITH = 0x80,
	ACTION_NAME_MACROS = 0x100, /* which of them it wants */
	ACTIONS = 0x1ff, /* all that are offered */
};

/* How it is spoken, a bit each: what is not sent, and what is not answered. */
enum packet_protocol {
	PROTOCOL_NO_CONNECT = 0x1,
	PROTOCOL_NO_HELO = 0x2,
	PROTOCOL_NO_MAIL = 0x4,
	PROTOCOL_NO_RCPT = 0x8,
	PROTOCOL_NO_BODY = 0x10,
	PROTOCOL_NO_HEADERS = 0x20,
	PROTOCOL_NO_HEADER_END = 0x40,
	PROTOCOL_MUTE_HEADER = 0x80,
	PROTOCOL_NO_UNKNOWN = 0x100,
	PROTOCOL_NO_DATA = 0x200,
	PROTOCOL_SKIP = 0x400, /* PACKET_SKIP is understood */
	PROTOCOL_MUTE_CONNECT = 0x1000,
	PROTOCOL_MUTE_HELO = 0x2000,
	PROTOCOL_MUTE_MAIL = 0x4000,
	PROTOCOL_MUTE_RCPT = 0x8000,
	PROTOCOL_MUTE_DATA = 0x10000,
	PROTOCOL_MUTE_UNKNOWN = 0x20000,
	PROTOCOL_MUTE_HEADER_END = 0x40000,
	PROTOCOL_MUTE_BODY = 0x80000,
	PROTOCOL_LEADING_SPACE = 0x100000, /* a value begins behind the colon */
	PROTOCOLS = 0x1ff7ff, /* all that are offered */
};

struct packet {
	char letter;
	struct span data; /* borrowed: of the input */
};

enum packet_status { PACKET_OK, PACKET_MORE, PACKET_TOO_LONG, PACKET_EMPTY };
/* Takes a whole one from the front; otherwise nothing is taken. */
enum packet_status packet_read(struct span *in, struct packet *out);

/*
 * Takes what a packet's data consists of. False: it is not there, and the data is
 * not what it should be.
 */
bool packet_take_number(struct span *data, uint32_t *out);
/* Without the NUL that ends it, which must be there. */
bool packet_take_text(struct span *data, struct span *out);

/* Begins one; returns where it stands, for packet_end(). */
size_t packet_begin(struct buf *out, char letter);
void packet_put_number(struct buf *out, uint32_t n);
/* The text, up to a NUL in it, and a NUL. */
void packet_put_text(struct buf *out, struct span text);
void packet_end(struct buf *out, size_t at);
/* One of a letter and raw data. */
void packet_write(struct buf *out, char letter, struct span data);

#endif
