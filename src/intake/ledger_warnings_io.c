/* What is told of an account: to the log, and on its loop to who wants to hear. */
#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "ledger_priv.h"
#include "standings_io.h"

struct warned {
	struct parcel parcel;
	struct ledger *ledger;
	char *account; /* owned */
	struct budget_state state;
	bool is_braked;
	struct brake_view brake;
};

void
ledger_on_warning(struct ledger *l, struct loop *loop,
    void (*warn)(const struct ledger_warning *warning, void *arg), void *arg)
{
	l->loop = loop;
	l->warn = warn;
	l->warn_arg = arg;
}

static void
open_warned(struct parcel *p)
{
	struct warned *w = (struct warned *)(void *)p;
	struct ledger *l = w->ledger;
	struct ledger_warning warning = { w->account, w->state, w->is_braked,
		w->brake };

	if (w->is_braked && l->standings != NULL)
		standings_save(l->standings, l->loop, NULL, NULL);
	l->warn(&warning, l->warn_arg);
	free(w->account);
	free(w);
}

static void
post_warning(struct ledger *l, const struct ledger_warning *what)
{
	struct warned *w;

	if (l->loop == NULL)
		return;
	w = MEM_NEW(struct warned);
	w->parcel.open = open_warned;
	w->ledger = l;
	w->account = mem_strdup(what->account);
	w->state = what->state;
	w->is_braked = what->is_braked;
	w->brake = what->brake;
	mailbox_post(l->loop, &w->parcel);
}

static void
warn(struct ledger *l, const char *account, const struct budget_state *state)
{
	FACT(BUDGET_WARNING, fact_string("user", account),
	    fact_word("budget", conf_budget_name(state->counter)),
	    fact_s("window", state->rate.seconds),
	    fact_number("used", state->used),
	    fact_number("most", state->rate.most));
	post_warning(
	    l, &(struct ledger_warning){ .account = account, .state = *state });
}

/* Under the lock. */
void
ledger_tell_fallen(struct ledger *l, struct ledger_account *a, int64_t now)
{
	struct ledger_warning w = { .account = a->name, .is_braked = true };

	if (!a->has_fallen)
		return;
	a->has_fallen = false;
	a->has_order = true; /* and is kept so */
	ledger_set_standing(l, a, LEDGER_BRAKED);
	brake_look(&a->brake, now, &w.brake);
	FACT(BRAKED, fact_string("user", a->name),
	    fact_number("new", w.brake.now[BRAKE_NEW]),
	    fact_number("new_limit", w.brake.limit[BRAKE_NEW]),
	    fact_number("unknown", w.brake.now[BRAKE_UNKNOWN]),
	    fact_number("unknown_limit", w.brake.limit[BRAKE_UNKNOWN]),
	    fact_number("forged", w.brake.now[BRAKE_FORGED]),
	    fact_number("places", w.brake.now[BRAKE_PLACES]),
	    fact_number("pace", w.brake.now[BRAKE_PACE]));
	ledger_mark(l, a);
	post_warning(l, &w);
}

/* Under the lock, which a warning does not need for long: there is one a window. */
void
ledger_look_for_warnings(struct ledger *l, struct ledger_account *a,
    const struct conf_account *conf, int64_t now)
{
	struct budget_state state;

	ledger_tell_fallen(l, a, now);
	for (unsigned i = 0; i < CONF_BUDGETS; i++)
		while (budget_warns(&a->budget, (enum conf_budget)i,
		    &conf->budgets[i], now, &state))
			warn(l, a->name, &state);
}
