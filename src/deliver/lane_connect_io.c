/*
 * The beginning of a connection: one of the host's addresses, and TLS.
 *
 *   on_won        TCP; an address that fails leaves the race to the others, and
 *                 when none is left the lane ends (on_lost)
 *   on_secured    TLS (implicit, or after STARTTLS); a failure of optional TLS
 *                 connects again without; else as above
 */
#include "lane_parts_io.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "deliver/attempt.h"
#include "deliver/peers.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "race_io.h"
#include "sched/target.h"

static void on_won(struct stream *s, uint32_t address, void *arg);
static void on_failed(uint32_t address, const char *why, void *arg);
static void on_lost(bool no_descriptor, void *arg);
static void on_secured(enum stream_status status, void *arg);

/* --- addresses, and what is known of them --- */

const struct target_address *
lane_address(const struct lane_io *io)
{
	return &io->target->addresses[io->address];
}

void
peer_key(const struct target_address *a, char out[PEER_KEY_MAX])
{
	char ip[TARGET_ADDRESS_TEXT];

	target_address_text(&a->to.sa, ip);
	(void)snprintf(
	    out, PEER_KEY_MAX, "%s:%u", ip, ntohs(a->to.in.sin_port));
}

void
lane_remember(struct lane_io *io, uint32_t address, bool failed)
{
	char key[PEER_KEY_MAX];

	peer_key(&io->target->addresses[address], key);
	peers_set_failed(
	    io->worker->peers, key, failed, loop_now(io->worker->loop));
}

void
lane_learn(struct lane_io *io)
{
	enum chunking what = client_chunking(io->client);
	char key[PEER_KEY_MAX];

	if (what == CHUNKING_UNKNOWN)
		return;
	peer_key(lane_address(io), key);
	peers_learn_chunking(
	    io->worker->peers, key, what, loop_now(io->worker->loop));
}

/* --- the race --- */

void
lane_make_race(struct lane_io *io)
{
	struct race_events events = {
		.won = on_won, .failed = on_failed, .lost = on_lost, .arg = io
	};

	io->race = race_new(
	    io->worker->loop, io->target, io->host, io->worker->peers, &events);
}

void
lane_connect(struct lane_io *io)
{
	lane_enter(io, LANE_CONNECTING);
	lane_end_keep(&io->kept, &io->end);
	io->is_reading = io->was_ready = false;
	if (io->then == THEN_WITHOUT_TLS)
		race_go_again(io->race, io->address);
	else
		race_go(io->race);
}

static void
on_failed(uint32_t address, const char *why, void *arg)
{
	struct lane_io *io = arg;

	lane_end_keep(&io->kept, &io->end);
	lane_set_end(io, address, BLAME_HOST,
	    (struct words){ .status = SPAN("4.4.1"),
		.what = span_text(why),
		.stage = STAGE_CONNECT });
	lane_log_failed(io);
	lane_remember(io, address, true);
}

static void
on_lost(bool no_descriptor, void *arg)
{
	struct lane_io *io = arg;

	if (no_descriptor) {
		lane_set_end(io, io->address, BLAME_NONE,
		    (struct words){ .status = SPAN("4.3.0"),
			.what = SPAN("no descriptor left for a connection"),
			.stage = STAGE_CONNECT });
		io->end.no_descriptor = true;
	}
	lane_shut(io, THEN_END);
}

static struct ssl_st *
tls_session(struct lane_io *io)
{
	char key[400], host[ATTEMPT_HOST_MAX], name[ATTEMPT_HOST_MAX];
	bool verify = io->target->tls != TARGET_TLS_OPPORTUNISTIC;
	struct tls_client_options o = {
		.host = verify ? name : lane_address(io)->host,
		.verify = verify,
		.key = key,
	};

	target_certificate_name(lane_address(io)->host, name, sizeof name);
	target_host_text(lane_address(io), host, sizeof host);
	(void)snprintf(key, sizeof key, "%d %s", (int)io->target->tls, host);
	return tls_client_session(io->worker->tls, &o);
}

void
lane_start_tls(struct lane_io *io)
{
	stream_flush(io->stream);
	lane_enter(io, LANE_SECURING);
	lane_set_deadline(io, 0);
	stream_start_tls(io->stream, tls_session(io), on_secured, io);
}

static struct client_options
options_of(const struct lane_io *io)
{
	char key[PEER_KEY_MAX];

	peer_key(lane_address(io), key);
	return (struct client_options){
		.without_tls = io->then == THEN_WITHOUT_TLS,
		.chunking = peers_chunking(
		    io->worker->peers, key, loop_now(io->worker->loop)),
	};
}

static void
on_won(struct stream *s, uint32_t address, void *arg)
{
	struct lane_io *io = arg;
	struct client_event ev = { .type = CLIENT_CONNECTED };
	struct client_options options;

	io->stream = s;
	/* What failed without TLS may have been another address. */
	if (io->then == THEN_WITHOUT_TLS && address != io->address)
		io->then = THEN_CONNECT;
	io->address = address;
	options = options_of(io);
	io->client = client_new(io->target, &options);
	lane_set_limit(io);
	if (io->target->tls == TARGET_TLS_IMPLICIT)
		lane_start_tls(io);
	else
		lane_run(io, &ev);
}

/* The handshake failed; where TLS is optional, the lane does without. */
void
lane_miss_tls(struct lane_io *io, const char *why)
{
	bool is_optional = io->target->tls == TARGET_TLS_OPPORTUNISTIC;

	lane_set_end(io, io->address, is_optional ? BLAME_HOST : BLAME_CHANNEL,
	    (struct words){ .status = SPAN("4.7.5"),
		.what = span_text(why),
		.stage = STAGE_STARTTLS });
	if (!is_optional) {
		lane_leave_address(io);
		return;
	}
	FACT(TLS_FAILED, fact_string("host", lane_address(io)->host),
	    fact_string("reason", why), fact_word("next", "clear"));
	lane_shut(io, THEN_WITHOUT_TLS);
}

static void
on_secured(enum stream_status status, void *arg)
{
	struct lane_io *io = arg;
	bool implicit = io->target->tls == TARGET_TLS_IMPLICIT;
	struct client_event ev = { .type = implicit ? CLIENT_CONNECTED
						    : CLIENT_SECURED };
	const char *because = io->target->because;
	char why[300];

	if (status == STREAM_OK) {
		lane_run(io, &ev);
		return;
	}
	(void)snprintf(why, sizeof why, "TLS: %s%s%s%s",
	    stream_error(io->stream), because == NULL ? "" : " (required by ",
	    because == NULL ? "" : because, because == NULL ? "" : ")");
	lane_miss_tls(io, why);
}
