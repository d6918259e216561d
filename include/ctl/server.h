/*
 * ctl server: the control socket (mode 0600; who may open it may steer the
 * relay). A request is one line of JSON, {"do": "...", ...}; the answer is one
 * line of JSON. The handler makes the answer; this file only carries lines. A
 * connection may ask many times.
 */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct ctl_server;
struct loop;

enum { CTL_REQUEST_MAX = 65536, CTL_ANSWER_MAX = 8 << 20 };

/*
 * One request to one answer, on the loop's thread. Appends the answer (no line
 * end inside, none behind) to `answer`, or keeps `later` and calls
 * ctl_answer() once with it.
 */
struct ctl_later;
typedef bool (*ctl_handler)(struct span request, struct buf *answer,
    struct ctl_later *later, void *arg);

/* A socket that nobody listens on any more is replaced; a live one is not. */
struct ctl_server *ctl_server_open(struct loop *loop, const char *path,
    ctl_handler handler, void *arg, struct err *err);
/* Who asks: the peer's user, as the kernel says; -1: it did not. */
long ctl_uid(const struct ctl_later *later);
/* That user's name; "": it has none in /etc/passwd. Valid while it asks. */
const char *ctl_user(struct ctl_later *later);
/* The answer to a request for which the handler returned false. */
void ctl_answer(struct ctl_later *later, struct span answer);
/* Closes connections too, and removes the socket. */
void ctl_server_close(struct ctl_server *s);

#endif
