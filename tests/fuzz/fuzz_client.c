/*
 * The sending side: the bytes are the host's, cut into pieces; the first byte
 * says how, the second what the target wants. Whatever the host says, commands
 * are lines, and each recipient has an outcome when the attempt is over.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/client.h"
#include "sched/target.h"
#include "mail/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct client *client;
	struct envelope *env;
	struct attempt *attempt; /* NULL: none under way */
	bool at_hand; /* the content */
	enum client_need need;
};

static void
step(struct world *w, struct client_event *ev, struct span *in)
{
	struct buf out = { .max = 16 << 20 };
	struct span all;

	ev->in = in;
	w->need = client_step(w->client, ev, &out);
	all = buf_span(&out);
	assert(all.len == 0 || (all.len >= 2 && all.ptr[all.len - 1] == '\n' &&
				   all.ptr[all.len - 2] == '\r'));
	buf_clear(&out);
}

static void
end_attempt(struct world *w)
{
	for (uint32_t i = 0; i < w->attempt->nrcpt; i++)
		assert(w->attempt->rcpts[i].outcome != OUTCOME_NONE);
	attempt_free(w->attempt);
	w->attempt = NULL;
}

/* Does what is needed until input is. False: it is over. */
static bool
settle(struct world *w, struct span *in)
{
	static const uint32_t both[] = { 0, 1 };

	while (w->need != CLIENT_INPUT) {
		struct client_event ev = { 0 };

		switch (w->need) {
		case CLIENT_CLOSE: return false;
		case CLIENT_INPUT: break;
		case CLIENT_TLS: ev.type = CLIENT_SECURED; break;
		case CLIENT_CONTENT:
		case CLIENT_CHUNK: ev.type = CLIENT_SENT; break;
		case CLIENT_READY:
			if (w->attempt != NULL)
				end_attempt(w);
			w->attempt = attempt_new(w->env, NULL, both, 2);
			ev.type = CLIENT_GIVEN;
			ev.attempt = w->attempt;
			ev.size = 100;
			ev.at_hand = w->at_hand;
			break;
		}
		step(w, &ev, in);
	}
	return true;
}

static struct target *
make_target(uint8_t how)
{
	struct target *t = target_new();

	t->hostname = mem_strdup("relay.test");
	t->tls = how % 3;
	t->chunking = (how & 32) == 0;
	if (t->tls != TARGET_TLS_OPPORTUNISTIC && (how & 128)) {
		t->login = mem_strdup("me");
		secret_set(&t->password, "secret", 6);
	}
	return t;
}

static void
talk(struct world *w, const uint8_t *data, size_t size, size_t piece)
{
	struct client_event ev = { .type = CLIENT_CONNECTED };
	struct buf pending = { .max = 16 << 20 };
	struct span in = { "", 0 };

	step(w, &ev, &in);
	while (size > 0 && settle(w, &in)) {
		size_t n = size < piece ? size : piece;

		(void)buf_append(&pending, data, n);
		data += n;
		size -= n;
		in = buf_span(&pending);
		ev.type = CLIENT_GOT;
		step(w, &ev, &in);
		(void)settle(w, &in);
		buf_consume(&pending, buf_len(&pending) - in.len);
		in = buf_span(&pending);
	}
	client_lost(w->client, SPAN("gone"));
	/* What the client did not take is untouched; the rest is answered. */
	if (w->attempt != NULL && !attempt_is_untouched(w->attempt))
		end_attempt(w);
	else
		attempt_free(w->attempt);
	buf_clear(&pending);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rcpts[] = { SPAN("x@c.test"), SPAN("y@c.test") };
	struct envelope_parts parts = { .sender = SPAN("a@b.test"),
		.rcpt = rcpts,
		.nrcpt = 2,
		.size = 100 };
	struct target *target;
	struct world w = { 0 };

	if (size < 2)
		return 0;
	target = make_target(data[1]);
	w.client = client_new(target, &(struct client_options){ 0 });
	w.at_hand = (data[1] & 64) != 0;
	w.env = envelope_new(&parts);
	talk(&w, data + 2, size - 2, data[0] + 1u);
	client_free(w.client);
	free(w.env);
	target_unref(target);
	return 0;
}
