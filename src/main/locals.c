#include "locals.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/work.h"

enum { ROOT = 0, ENTRY_MAX = 16 * 1024 };

struct locals {
	struct loop *loop; /* borrowed: outlives what is on it */
	struct list asking; /* struct asking */
	bool is_closed;
	locals_cb cb;
	void *arg;
};

/* A user whose name the system is asked for. */
struct asking {
	struct list node;
	struct locals *locals; /* borrowed: freed after the last of them */
	int fd; /* owned; -1: nobody waits any more */
	void *token; /* the owner's */
	char *hostname; /* owned */
	uint32_t uid;
	char *name; /* owned, once it is known; NULL: there is none */
};

struct locals *
locals_new(struct loop *loop, locals_cb cb, void *arg)
{
	struct locals *l = MEM_NEW(struct locals);

	l->loop = loop;
	l->cb = cb;
	l->arg = arg;
	list_init(&l->asking);
	return l;
}

void
locals_close(struct locals *l, void (*forget)(void *token))
{
	if (l == NULL)
		return;
	l->is_closed = true;
	if (list_is_empty(&l->asking)) {
		free(l);
		return;
	}
	LIST_FOREACH (node, &l->asking) {
		struct asking *a = LIST_ENTRY(node, struct asking, node);

		(void)close(a->fd);
		a->fd = -1;
		forget(a->token);
	}
}

/* --- the name; in the pool, since it may come from a server --- */

static void
look_up(void *arg)
{
	struct asking *a = arg;
	struct passwd entry, *found = NULL;
	char *room = mem_alloc(ENTRY_MAX);

	if (getpwuid_r(a->uid, &entry, room, ENTRY_MAX, &found) == 0 &&
	    found != NULL && entry.pw_name[0] != '\0')
		a->name = mem_strdup(entry.pw_name);
	free(room);
}

static void
asking_free(struct asking *a)
{
	free(a->hostname);
	free(a->name);
	free(a);
}

static void
on_looked_up(void *arg)
{
	struct asking *a = arg;
	struct locals *l = a->locals;
	struct local_user user = { .uid = a->uid };
	char *account = NULL;

	list_remove(&a->node);
	if (l->is_closed) {
		asking_free(a);
		if (list_is_empty(&l->asking))
			free(l);
		return;
	}
	if (a->name != NULL)
		account = mem_printf("%s@%s", a->name, a->hostname);
	user.account = account;
	l->cb(a->fd, &user, a->token, l->arg);
	free(account);
	asking_free(a);
}

static void
ask(struct locals *l, int fd, const struct local_user *user,
    const char *hostname, void *token)
{
	struct asking *a = MEM_NEW(struct asking);

	a->locals = l;
	a->fd = fd;
	a->token = token;
	a->uid = user->uid;
	a->hostname = mem_strdup(hostname);
	list_append(&l->asking, &a->node);
	work_run(l->loop, look_up, on_looked_up, a);
}

void
locals_take(struct locals *l, int fd, const struct conf *conf, void *token)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof peer;
	struct local_user user = { 0 };
	const struct conf_account *account;
	char *root;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		peer.uid = (uid_t)-1;
	user.uid = peer.uid;
	user.is_root = peer.uid == ROOT;
	account = conf_account_of_uid(conf, user.uid);
	if (account != NULL) {
		user.account = account->name;
		l->cb(fd, &user, token, l->arg);
	} else if (user.is_root) {
		root = mem_printf("root@%s", conf->hostname);
		user.account = root;
		l->cb(fd, &user, token, l->arg);
		free(root);
	} else {
		ask(l, fd, &user, conf->hostname, token);
	}
}
