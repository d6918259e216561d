/*
 * locals: connections of this machine's users at a socket of ours. The kernel says
 * who somebody is; the configuration, or the list of users, which account that is.
 */
#ifndef MAIN_LOCALS_H
#define MAIN_LOCALS_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct locals;
struct loop;

struct local_user {
	uint32_t uid;
	/* Borrowed for the call; NULL: the system knows no such user (any more). */
	const char *account;
	bool is_root; /* any address may be its own */
};

/* The descriptor is the callee's. */
typedef void (*locals_cb)(
    int fd, const struct local_user *user, void *token, void *arg);

struct locals *locals_new(struct loop *loop, locals_cb cb, void *arg);
/*
 * Takes the descriptor. An account's section with the user's number names the
 * account; else it is the login's name at our host name, which the system may have
 * to be asked for: then the callback comes later, else within the call.
 */
void
locals_take(struct locals *l, int fd, const struct conf *conf, void *token);
/*
 * No callback comes any more: `forget` is called for the tokens of those that
 * wait. Frees it, at the latest when its loop has nothing left to do. NULL is
 * allowed.
 */
void locals_close(struct locals *l, void (*forget)(void *token));

#endif
