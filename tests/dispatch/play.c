#include "tests/dispatch/play.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dispatch/rest.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "sched/site.h"
#include "sched/target.h"

enum { KIND_LEG, KIND_MESSAGE };

void
play_init(struct play *s)
{
	*s = (struct play){ .now = 5000,
		.wall = 1700000000000,
		.waits = { 60, 300, 900 },
		.leg_options = { .backoff = { NULL, 3 }, .expire = 432000000 },
		.message_options = { .expire = 432000000 } };
	s->leg_options.backoff.waits = s->waits;
	for (uint32_t i = 0; i < PLAY_RCPTS; i++)
		s->rows[i].rcpt = i;
}

static void
forget_message(struct play *s)
{
	if (s->message == NULL)
		return;
	message_free(s->message);
	s->message = NULL;
}

void
play_clear(struct play *s)
{
	for (uint32_t i = 0; i < PLAY_RCPTS; i++) {
		struct play_place *p = &s->places[i];

		reason_unref(s->row_reasons[i]);
		if (p->site == NULL)
			continue;
		if (s->message != NULL &&
		    turn_is_waiting(&s->message->legs[i].turn))
			turns_leave(
			    &p->channel->line, &s->message->legs[i].turn);
		site_free(p->site);
	}
	forget_message(s);
	heap_clear(&s->heap);
	leg_facts_clear(&s->facts);
	buf_clear(&s->out);
}

void
play_duration(struct buf *out, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" },
		{ 1000, "s" }, { 1, "ms" } };
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	if (ms == 0)
		i = 3;
	(void)buf_printf(out, "%llu%s", (unsigned long long)(ms / units[i].ms),
	    units[i].name);
}

struct reason *
play_reason(struct span said)
{
	struct words w = { .said = said };

	return span_is_empty(said) ? NULL : reason_new(&w);
}

static void
end_line(struct play *s)
{
	(void)buf_append_text(&s->out, "\r\n");
}

/* --- steps --- */

struct leg_event
play_event(const struct play *s, enum leg_event_type type)
{
	return (
	    struct leg_event){ .type = type, .now = s->now, .wall = s->wall };
}

static uint32_t
index_of(const struct play *s, const struct leg *leg)
{
	return (uint32_t)(leg - s->message->legs);
}

static void
join(struct play *s, struct leg *leg)
{
	static const char *const ranks[TURN_RANKS] = {
		[TURN_FRONT] = "front",
		[TURN_FIRST_HIGH] = "first-high",
		[TURN_RETRY_HIGH] = "retry-high",
		[TURN_FIRST] = "first",
		[TURN_RETRY] = "retry",
		[TURN_FIRST_LOW] = "first-low",
		[TURN_RETRY_LOW] = "retry-low",
	};

	turns_join(&leg->channel->line, &leg->turn,
	    span_text(s->message->env->account), leg_rank(leg));
	(void)buf_printf(&s->out, " %s", ranks[leg_rank(leg)]);
}

static void
write_need(struct play *s, struct leg *leg, enum leg_need need)
{
	static const char *const words[] = { "nothing", "wait", "rest", "route",
		"join", "carry", "withdraw", "end" };
	struct span domain = envelope_domain(s->message->env, leg->first);

	(void)buf_printf(
	    &s->out, "need: %.*s %s", SPAN_ARG(domain), words[need]);
	if (need == LEG_WAIT) {
		(void)buf_append_char(&s->out, ' ');
		play_duration(
		    &s->out, leg->due.at > s->now ? leg->due.at - s->now : 0);
	}
	if (need == LEG_JOIN)
		join(s, leg);
	if (need == LEG_CARRY)
		(void)buf_printf(&s->out, " host=%u",
		    (unsigned)s->places[index_of(s, leg)].host);
	end_line(s);
}

void
play_step(struct play *s, struct leg *leg, const struct leg_event *ev)
{
	enum leg_state before = (enum leg_state)leg->state;
	struct channel *channel = leg->channel;
	enum leg_need need = leg_step(leg, ev, &s->leg_options, &s->facts);

	if (need == LEG_NOTHING)
		return;
	if (before == LEG_LINE && turn_is_waiting(&leg->turn))
		turns_leave(&channel->line, &leg->turn);
	if (need == LEG_REST || need == LEG_END || need == LEG_WITHDRAW)
		heap_drop(&s->heap, &leg->due);
	else
		heap_set(&s->heap, &leg->due, leg->due.at);
	write_need(s, leg, need);
}

static void
write_fact(struct play *s, const struct leg_fact *fact)
{
	static const char *const types[] = { "delivered", "deferred", "failed",
		"expired", "removed", NULL };
	const struct message *m = s->message;
	const struct recipient *r = &m->rcpts[fact->rcpt];
	struct words w = reason_words(r->reason);

	(void)buf_printf(&s->out, "fact: %s %s tries=%u step=%u",
	    m->env->rcpts[fact->rcpt].address,
	    fact->type != LEG_FACT_HELD	   ? types[fact->type]
	    : fact->leg->state == LEG_HELD ? "held"
					   : "released",
	    r->tries, r->step);
	if (r->state == RCPT_QUEUED) {
		(void)buf_append_text(&s->out, " due=");
		play_duration(&s->out, r->due > s->now ? r->due - s->now : 0);
	}
	if (w.said.len + w.what.len > 0)
		(void)buf_append_char(&s->out, ' ');
	words_join(&s->out, &w);
	end_line(s);
}

/* --- the message's needs --- */

static void
write_says(struct play *s, const char *what)
{
	const struct message *m = s->message;
	bool failed = message_has_failures(m);

	(void)buf_printf(&s->out, "says: %s", failed ? what : "confirm");
	s->ntold = 0;
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		if (!recipient_is_untold(&m->rcpts[i]) ||
		    recipient_has_failed(&m->rcpts[i]) != failed)
			continue;
		(void)buf_printf(&s->out, " %s", m->env->rcpts[i].address);
		s->told[s->ntold++] = i;
	}
	end_line(s);
}

static void
do_need(struct play *s, enum message_need need)
{
	struct message *m = s->message;

	if (m->due.at == MESSAGE_NEVER)
		heap_drop(&s->heap, &m->due);
	else
		heap_set(&s->heap, &m->due, m->due.at);
	switch (need) {
	case MESSAGE_NOTHING: break;
	case MESSAGE_REPORT: write_says(s, "report"); break;
	case MESSAGE_DROP:
		write_says(s, "drop");
		play_stored(s, true);
		break;
	case MESSAGE_WARN:
		(void)buf_append_text(&s->out, "says: warn\r\n");
		break;
	case MESSAGE_RELEASE:
		(void)buf_append_text(&s->out, "says: release\r\n");
		if ((m->flags & MESSAGE_HOLDS) != 0)
			break; /* by something else still */
		for (uint32_t i = 0; i < m->env->ngroups; i++) {
			struct leg_event ev = play_event(s, LEG_RELEASE);

			play_step(s, &m->legs[i], &ev);
		}
		play_settle(s);
		break;
	case MESSAGE_DONE:
		(void)buf_append_text(&s->out, "says: done\r\n");
		heap_drop(&s->heap, &m->due);
		forget_message(s);
		break;
	}
}

void
play_message_event(struct play *s, const struct message_event *ev)
{
	do_need(s, message_step(s->message, ev, &s->message_options));
}

/* --- a message comes in, and wakes --- */

static void
arm(struct play *s)
{
	struct message *m = s->message;

	m->due.kind = KIND_MESSAGE;
	if (m->due.at != MESSAGE_NEVER)
		heap_set(&s->heap, &m->due, m->due.at);
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		m->legs[i].due.kind = KIND_LEG;
		if (m->legs[i].state == LEG_WAITING)
			heap_set(&s->heap, &m->legs[i].due, m->legs[i].due.at);
	}
}

/* It rests whenever it can: what a dialogue shows is the same. */
static void
rest(struct play *s)
{
	if (s->message == NULL || !message_can_rest(s->message))
		return;
	heap_clear(&s->heap);
	s->message = message_wake_take(message_rest_take(s->message));
	arm(s);
}

void
play_stored(struct play *s, bool is_stored)
{
	struct message_event ev = { .type = is_stored ? MESSAGE_TOLD
						      : MESSAGE_NOT_TOLD,
		.now = s->now,
		.rcpts = s->told,
		.nrcpts = s->ntold };

	play_message_event(s, &ev);
}

void
play_settle(struct play *s)
{
	struct message_event ev = { .type = MESSAGE_MOVED, .now = s->now };
	enum message_need need =
	    message_step(s->message, &ev, &s->message_options);

	for (uint32_t i = 0; i < s->facts.n; i++)
		write_fact(s, &s->facts.list[i]);
	s->facts.n = 0;
	do_need(s, need);
	rest(s);
}

void
play_add(struct play *s, const struct envelope_parts *parts)
{
	struct envelope_parts p = *parts;
	struct message_event ev = { .type = MESSAGE_MOVED, .now = s->now };
	struct message *m;

	p.id = 1;
	p.account = SPAN("ann");
	p.arrived = s->wall - (int64_t)s->age;
	m = message_new(envelope_new(&p), s->is_read_back ? s->rows : NULL,
	    s->flags, &s->leg_options, s->now, s->wall);
	s->message = m;
	if (s->is_read_back)
		m->due.at = s->now;
	arm(s);
	if (!s->is_read_back)
		play_message_event(s, &ev);
}

/* --- times --- */

static void
wake_leg(struct play *s, struct due *due)
{
	struct leg *leg = LIST_ENTRY(due, struct leg, due);
	struct leg_event ev = play_event(s, LEG_DUE);

	if (leg->state == LEG_LINE)
		ev.reason = channel_why(leg->channel, s->now);
	heap_drop(&s->heap, due);
	play_step(s, leg, &ev);
	if (leg_is_in_hand(leg) && leg->state != LEG_LEAVING)
		heap_set(&s->heap, &leg->due, leg->due.at);
	play_settle(s);
}

static void
wake_message(struct play *s, struct due *due)
{
	struct message_event ev = { .type = MESSAGE_DUE, .now = s->now };

	heap_drop(&s->heap, due);
	play_message_event(s, &ev);
	rest(s);
}

void
play_wait(struct play *s, uint64_t ms)
{
	uint64_t end = s->now + ms;
	struct due *first;

	/* A thousand things at one moment is a loop. */
	for (unsigned n = 0; n < 1000; n++) {
		first = heap_first(&s->heap);
		if (first == NULL || first->at > end) {
			s->wall += (int64_t)(end - s->now);
			s->now = end;
			return;
		}
		if (first->at > s->now) {
			s->wall += (int64_t)(first->at - s->now);
			s->now = first->at;
		}
		if (first->kind == KIND_LEG)
			wake_leg(s, first);
		else
			wake_message(s, first);
	}
	(void)buf_append_text(&s->out, "it goes round and round\r\n");
}

/* --- ways and lanes --- */

static struct target *
target_of(uint32_t hosts)
{
	struct target *t = target_new();
	char name[] = "mx0.test";

	for (uint16_t i = 0; i < hosts; i++) {
		name[2] = (char)('0' + i);
		target_add_host(t, span_text(name), i);
	}
	return t;
}

void
play_routed(struct play *s, struct leg *leg, uint32_t hosts)
{
	struct play_place *p = &s->places[index_of(s, leg)];
	struct leg_event ev = play_event(s, LEG_ROUTED);

	if (p->site == NULL)
		p->site = site_new("site", "site");
	p->channel = site_channel_take(p->site, "plan", target_of(hosts));
	ev.channel = p->channel;
	ev.hosts = channel_hosts(p->channel);
	ev.era = s->era;
	play_step(s, leg, &ev);
}

void
play_closed(struct play *s, struct leg *leg, struct reason *why)
{
	struct site_failure f = { &s->leg_options.backoff, why, s->now, 0 };

	channel_host_failed(leg->channel, 0, &f);
}

bool
play_take(struct play *s, struct leg *leg, uint32_t most)
{
	struct play_place *p = &s->places[index_of(s, leg)];
	struct leg_event ev = play_event(s, LEG_TAKEN);
	struct turns_place any = { 0 };
	struct message *m = s->message;
	uint32_t n = 0;

	if (leg->state != LEG_LINE ||
	    turns_take(&p->channel->line, &any) != &leg->turn)
		return false;
	if (leg->era != s->era) { /* its turn, but the way may be another */
		ev.type = LEG_REROUTE;
		play_step(s, leg, &ev);
		return true;
	}
	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE && n < most;
	     i = m->env->rcpts[i].next)
		if (leg_wants(leg, i, s->now)) {
			m->rcpts[i].is_out = 1;
			n++;
		}
	p->host = (uint32_t)channel_choose(p->channel, leg->tried, s->now, 0);
	ev.lane = &p->lane;
	play_step(s, leg, &ev);
	return n > 0;
}

void
play_back(struct play *s, struct leg *leg, const struct play_end *end)
{
	struct play_place *p = &s->places[index_of(s, leg)];
	struct leg_event ev = play_event(s, LEG_BACK);
	struct leg_result results[PLAY_RCPTS];
	struct message *m = s->message;
	struct reason *bounced = play_reason(SPAN("by hand"));

	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next) {
		uint32_t at = ev.nresults < end->n ? ev.nresults : end->n - 1;

		if (m->rcpts[i].is_out)
			results[ev.nresults++] = (struct leg_result){ i,
				end->outcomes[at], end->reason };
	}
	ev.results = results;
	ev.reason = bounced;
	ev.host = 1u << p->host;
	ev.blames_host = end->blames_host;
	ev.is_unreached = end->is_unreached;
	ev.lacks_dsn = end->lacks_dsn;
	ev.lacks_by = end->lacks_by;
	ev.has_next_host =
	    channel_has_other(p->channel, leg->tried | ev.host, s->now);
	ev.has_other_host =
	    channel_has_untried(p->channel, leg->tried | ev.host);
	play_step(s, leg, &ev);
	reason_unref(bounced);
	play_settle(s);
}

void
play_remove_untold(struct play *s)
{
	message_forget_untold(s->message);
}

/* --- what must always hold --- */

static const char *
leg_wrong(const struct leg *leg)
{
	bool out = leg->state == LEG_LANE || leg->state == LEG_LEAVING;
	bool has_channel = out || leg->state == LEG_LINE;
	const struct message *m = leg->message;
	bool queued = false;

	if ((leg->lane != NULL) != out)
		return "its lane";
	if ((leg->channel != NULL) != has_channel)
		return "its channel";
	if (turn_is_waiting(&leg->turn) != (leg->state == LEG_LINE))
		return "its place in line";
	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next) {
		queued |= m->rcpts[i].state == RCPT_QUEUED;
		if (m->rcpts[i].is_out && !out)
			return "a recipient is out without a lane";
	}
	if (queued == (leg->state == LEG_OVER))
		return "whether it is over";
	if (leg->due.place == 0 && leg->state != LEG_HELD &&
	    leg->state != LEG_LEAVING && leg->state != LEG_OVER)
		return "nothing wakes it";
	if (leg->wish != WISH_NONE && leg->state != LEG_LEAVING)
		return "its wish";
	return NULL;
}

const char *
play_wrong(const struct play *s)
{
	const struct message *m = s->message;
	uint32_t open = 0, in_hand = 0, untold = 0;

	if (m == NULL)
		return NULL;
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		const char *wrong = leg_wrong(&m->legs[i]);

		if (wrong != NULL)
			return wrong;
		open += m->legs[i].state != LEG_OVER;
		in_hand += leg_is_in_hand(&m->legs[i]);
	}
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		untold += recipient_is_untold(&m->rcpts[i]);
	if (open != m->open)
		return "how many legs are open";
	if (in_hand != m->in_hand)
		return "how many legs are in hand";
	return untold != m->untold ? "how many are untold" : NULL;
}
