/*
 * talk: SMTP (RFC 5321) with the relay of this machine, at its socket for local users.
 * Waits as long as the relay takes, and ends with words for a person.
 */
#ifndef SENDMAIL_TALK_H
#define SENDMAIL_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct talk {
	int fd; /* owned */
	bool is_verbose; /* the owner's: shows the conversation */
	struct buf in; /* owned: what was read, and is not taken yet */
	size_t taken; /* of it, by the last reply */
	int code; /* of the last reply */
	struct span said; /* borrowed until the next reply: its lines */
	char hostname[256]; /* of the relay */
	char account[256]; /* who we are to it */
	bool is_anybody; /* any address may be ours */
	bool has_utf8, has_dsn; /* what it offers */
};

/* Only connects. 0, or a code of sysexits.h and `err`. */
int talk_connect(struct talk *t, const char *path, struct err *err);
/* Connects, and says EHLO. 0, or a code of sysexits.h and `err`. */
int talk_open(struct talk *t, const char *path, struct err *err);
/*
 * Sends a line (without its end) and reads the reply. 0 for 2xx and 3xx, or a code
 * of sysexits.h, and `err` has the reply's words.
 */
int talk_command(struct talk *t, struct span line, struct err *err);
/* Sends octets as they are. */
int talk_put(struct talk *t, struct span octets, struct err *err);
/* Only the reply. */
int talk_reply(struct talk *t, struct err *err);
void talk_close(struct talk *t);

#endif
