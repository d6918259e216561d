/*
 * options: what a program says that calls postern-sendmail as it would call
 * sendmail. Words that only steer a sendmail's own queue say nothing here.
 */
#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include <stdbool.h>

struct options {
	enum { MODE_SEND, MODE_SMTP, MODE_VERSION, MODE_NOTHING } mode;
	const char *conf; /* -C; NULL: the usual one */
	const char *sender; /* -f, -r; NULL: the account's own; "": nobody */
	const char *name; /* -F; NULL: the system knows */
	const char *ret, *envid; /* -R, -V (RFC 3461); NULL: not said */
	const char *notify; /* -N; NULL: not said */
	bool takes_recipients; /* -t: from the header */
	bool ignores_dots; /* -i, -oi */
	bool is_verbose; /* -v */
	char *const *rcpts; /* borrowed: what is left of argv */
	int nrcpts;
};

/* 0, or EX_USAGE after words on standard error. */
int options_read(int argc, char *argv[], struct options *out);

#endif
