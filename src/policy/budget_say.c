#include <stdio.h>
#include <time.h>

#include "policy/budget.h"

static const struct unit {
	const char *name;
	uint32_t seconds;
} units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };

void
budget_say_time(uint32_t seconds, struct buf *out)
{
	const struct unit *u = units;

	while (seconds % u->seconds != 0)
		u++;
	(void)buf_printf(out, "%u%s", seconds / u->seconds, u->name);
}

void
budget_say_moment(int64_t wall, struct buf *out)
{
	time_t t = (time_t)(wall / 1000);
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		(void)buf_append_text(out, text);
}

/* The two largest units of it, the last one rounded up. */
static void
say_wait(int64_t ms, struct buf *out)
{
	uint64_t s = ((uint64_t)ms + 999) / 1000;

	if (s < 120)
		(void)buf_printf(out, "%us", (unsigned)s);
	else if (s < 7200)
		(void)buf_printf(out, "%umin", (unsigned)((s + 59) / 60));
	else
		(void)buf_printf(out, "%uh", (unsigned)((s + 3599) / 3600));
}

static const char *
noun(enum conf_budget counter)
{
	static const char *const nouns[CONF_BUDGETS] = {
		[CONF_MESSAGES] = "messages",
		[CONF_RECIPIENTS] = "recipients",
		[CONF_NEW_RECIPIENTS] = "recipients it never wrote to before",
	};

	return nouns[counter];
}

void
budget_say(const struct budget_state *s, int64_t wall, struct buf *out)
{
	if (s->rate.seconds == 0) {
		(void)buf_append_text(out, "others wait before it");
		return;
	}
	(void)buf_printf(
	    out, "its budget is %u %s in ", s->rate.most, noun(s->counter));
	budget_say_time(s->rate.seconds, out);
	if (s->frees < 0) {
		(void)buf_append_text(
		    out, ", and a message with more of them has never room");
		return;
	}
	(void)buf_printf(out, ", of which %u are used; room again ", s->used);
	if (s->frees == 0) {
		(void)buf_append_text(out, "soon");
		return;
	}
	(void)buf_append_text(out, "in ");
	say_wait(s->frees, out);
	(void)buf_append_text(out, ", at ");
	budget_say_moment(wall + s->frees + 999, out);
}
