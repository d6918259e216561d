/* The parts of the relay, for the files that are it. */
#ifndef MAIN_RELAY_PRIV_H
#define MAIN_RELAY_PRIV_H

#include <stdbool.h>
#include <uv.h>

#include "aliases.h"
#include "base/buf.h"
#include "base/err.h"
#include "certificates.h"
#include "countries.h"
#include "desk/pages.h"
#include "io/trim.h"
#include "reload.h"

struct acceptor;
struct after;
struct control;
struct countries;
struct crew;
struct deadline;
struct envelope;
struct http_server;
struct ledger;
struct ledger_warning;
struct loop;
struct spool;
struct state;
struct suppressor;

struct relay {
	struct loop *loop; /* owned, as all of these */
	struct rooms rooms; /* those that take a new configuration */
	struct spool *spool;
	struct state *state;
	struct ledger *ledger;
	struct after *after; /* NULL: not open yet */
	struct suppressor *suppressor;
	struct countries *countries;
	struct crew *crew;
	struct control *control;
	struct http_server *http; /* NULL: none is configured */
	struct pages pages;
	struct deadline *stop_limit, *refresh;
	struct trim trim;
	struct certificates certificates;
	struct alias_watch alias_watch;
	struct country_watch country_watch;
	uv_signal_t signals[3];
	uint64_t opened_ms; /* when the spool was, monotonic */
	bool is_loaded; /* what it had before has arrived */
	bool stopping, stopped;
	bool failed; /* it stops because it cannot go on */
};

/* --- relay.c --- */

/* A stop is over when the last session and the last lane are. */
void relay_finish_if_idle(struct relay *r);
/* As SIGTERM does; a second time it is at once. */
void relay_stop(struct relay *r);
/* For the control socket; `arg` is the relay. */
int relay_reload(struct buf *trouble, void *arg);

/* --- open.c --- */

/* From the certificates to the listeners, by the configuration there is. */
int relay_open_road(struct relay *r, struct err *err);
/* What accounts have used is kept: no transaction is open any more. */
void relay_close_state(struct relay *r);

/* --- upkeep.c --- */

/* Each second. */
void relay_upkeep(struct relay *r);

/* --- wiring.c --- */

int relay_start_workers(struct relay *r, struct err *err);
void relay_wire_lanes(struct relay *r);
void relay_wire_suppression(struct relay *r);
void relay_wire_budgets(struct relay *r);
/* When the spool is open. */
void relay_wire_filters(struct relay *r);

/* --- sending.c --- */

/* Which domains accounts send from; wired to dispatch. After the state. */
void relay_open_domains(struct relay *r);
void relay_note_domain(struct relay *r, const struct envelope *env);

/* --- warnings.c --- */

/* To an address of the configuration, or an account's; NULL: nobody. */
void relay_send_to(
    struct relay *r, const char *to, struct span subject, struct span text);

void relay_warn(const struct ledger_warning *warning, void *relay);

#endif
