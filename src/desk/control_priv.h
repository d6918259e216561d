/* The parts of the desk, for the files that serve its verbs. */
#ifndef DESK_CONTROL_PRIV_H
#define DESK_CONTROL_PRIV_H

#include <jansson.h>
#include <stdint.h>

#include "base/list.h"
#include "ctl/verbs.h"
#include "desk/control.h"

struct ctl_later;
struct ctl_server;
struct message;
struct scan;

struct control {
	struct loop *loop; /* borrowed: the relay's, as all here */
	struct dispatch *dispatch;
	struct spool *spool;
	struct crew *crew;
	struct suppressor *suppressor;
	struct keys *keys;
	struct domains *domains;
	struct list domain_looks; /* struct domain_look: they wait for it */
	struct aliases *const *aliases; /* as they are now */
	struct list explains; /* struct explaining: they wait for something */
	struct auth *auth;
	struct ledger *ledger;
	struct state *state;
	struct conf *const *conf; /* as it is now */
	struct ctl_server *server; /* owned */
	struct list shows; /* struct show: words are read for them */
	struct list looks; /* struct looking: their account is read */
	uint64_t started;
	int (*reload)(struct buf *trouble, void *arg);
	void *reload_arg;
};

/* One request. */
struct ask {
	struct control *control; /* borrowed */
	const json_t *request; /* borrowed */
	enum verb_id verb;
	struct ctl_later *later; /* borrowed: for who answers later, once */
};

/* --- control.c --- */

json_t *error_answer(const char *text);
/* No message with that id waits; or it may, and is not read yet after the start. */
json_t *no_such_message(const struct control *c);
/*
 * While messages of before the start are still read: how far that is, "3 of 70
 * segments", in the text's room. False: they are there.
 */
enum { LOADING_SIZE = 64 };
bool control_is_loading(const struct control *c, char text[LOADING_SIZE]);
/* A list that is not whole says so, as "loading". */
void control_add_loading(const struct control *c, json_t *answer);
/* Takes the answer. */
void answer_later(struct ctl_later *later, json_t *answer);
/* A scan for the request; else the error's answer. scan_clear() in any case. */
json_t *ask_scan(const struct ask *ask, struct scan *s);
/* The only id that it names; NULL: it names none, or no message that waits. */
struct message *ask_message(const struct ask *ask);

/*
 * The verbs: the answer, or NULL when it comes later.
 * --- account.c, explain.c, steer.c, contents.c, summary.c, sessions.c, tracing.c,
 * suppressing.c ---
 */
json_t *do_explain(const struct ask *ask);
json_t *do_account_show(const struct ask *ask);
json_t *do_account_steer(const struct ask *ask);
json_t *do_account_purge(const struct ask *ask);
json_t *do_steer(const struct ask *ask);
json_t *do_show(const struct ask *ask);
json_t *do_cat(const struct ask *ask);
json_t *do_summary(const struct ask *ask);
json_t *do_sessions(const struct ask *ask);
json_t *do_sessions_end(const struct ask *ask);
json_t *do_trace(const struct ask *ask);
json_t *do_suppress_list(const struct ask *ask);
json_t *do_suppress_add(const struct ask *ask);
json_t *do_suppress_remove(const struct ask *ask);

/* --- explain.c --- */

/* The relay ends: nobody is answered any more. */
void explain_forget(struct control *c);

/* --- domains.c --- */

/* What is known of the domains that the account sends from. */
json_t *describe_domains(const struct control *c, const char *account);
json_t *do_domain(const struct ask *ask);
/* The relay ends: nobody is answered any more. */
void domains_verbs_forget(struct control *c);

/* --- account.c --- */

/* The relay ends: nobody is answered any more. */
void account_forget(struct control *c);

#endif
