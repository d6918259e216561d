/*
 * command: a line of RFC 5321 4.1.1 cut into verb and arguments, and the
 * parameters (esmtp-param, 4.1.2) behind a path.
 */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "base/span.h"

enum {
	/* RFC 5321 4.5.3.1.4 asks for 512, extensions add; AUTH (RFC 4954
	   section 4) asks for 12288. */
	COMMAND_LINE_MAX = 12288,
};

enum command_line_status {
	COMMAND_LINE_OK,
	COMMAND_LINE_MORE, /* no whole line yet; `in` untouched */
	COMMAND_LINE_TOO_LONG, /* more than COMMAND_LINE_MAX without an end */
	COMMAND_LINE_BARE, /* a bare CR, bare LF or NUL in it; taken */
};

/* Takes one line, without its CRLF, from the front of *in. */
enum command_line_status command_take_line(struct span *in, struct span *line);

struct command {
	struct span verb; /* letters, as written */
	struct span args; /* behind it, without blanks at both ends */
};

void command_parse(struct span line, struct command *out);

struct command_param {
	struct span keyword, value; /* value empty, has_value false: alone */
	bool has_value;
};

/*
 * Takes the next " KEYWORD[=value]" from *rest: 1 taken, 0 the end, -1 not one.
 */
int command_next_param(struct span *rest, struct command_param *out);

#endif
