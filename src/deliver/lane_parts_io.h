/* lane_parts_io: what the files of a lane share. */
#ifndef DELIVER_LANE_PARTS_IO_H
#define DELIVER_LANE_PARTS_IO_H

#include "base/buf.h"
#include "deliver/client.h"
#include "deliver/lane_io.h"
#include "smtp/dot.h"
#include "spool/content.h"

struct deadline;
struct race;
struct signature;
struct stream;
struct target_address;
struct verdict;

enum lane_state {
	LANE_CONNECTING, /* there is no stream yet; the race has some */
	LANE_SECURING, /* a handshake */
	LANE_TALKING, /* the client waits for a reply */
	LANE_IDLE, /* waits for the next attempt */
	LANE_FETCHING, /* waits for content from the spool */
	LANE_CONVERTING, /* waits for content as the host takes it */
	LANE_SIGNING, /* waits for the message's signature */
	LANE_READING, /* waits for a piece of large content from the pool */
	LANE_SENDING, /* waits for the host to take what was sent */
	LANE_CLOSING, /* waits for the stream, and for what the pool still does */
};

/* When it is closed. */
enum lane_then {
	THEN_END,
	THEN_CONNECT, /* to the addresses that are left */
	THEN_WITHOUT_TLS, /* to the same address */
};

struct lane_io {
	struct list node; /* in worker->lanes */
	struct deliver_worker *worker; /* borrowed: outlives its lanes */
	struct target *target; /* owned reference */
	uint32_t host, address; /* of the target; the address in use */
	void *token;
	struct attempt *attempt; /* owned; NULL: none */
	enum lane_state state;
	enum lane_then then; /* of LANE_CLOSING */
	struct race *race; /* owned */
	struct client *client; /* owned; NULL between connections */
	struct stream *stream; /* owned; NULL between connections */
	struct deadline *deadline; /* owned; of a reply, or of idleness */
	struct deadline *limit; /* owned; of all of it */
	struct buf out;
	uint32_t messages; /* answered so far */
	bool was_ready; /* on this connection */
	bool is_reading; /* on_input() will come */
	bool pool_is_busy; /* on_content(), on_converted(), on_signed() or
			      on_read() will come */
	bool quit_asked;
	bool is_chunk; /* content leaves as it is, not stuffed (RFC 3030) */
	struct content_reader reader; /* how much of it was sent */
	struct dot_writer dot;
	/* Owned reference: the content as this host takes it; NULL: it leaves as
	   it is. */
	struct content *made;
	struct signature *signature; /* owned reference; NULL: unsigned */
	struct lane_end end; /* of this connection */
	struct lane_end kept; /* of the addresses before */
};

/* --- lane_io.c --- */

/* Nobody else assigns the state. */
void lane_enter(struct lane_io *io, enum lane_state to);
/* Tells the client, and does what it needs. */
void lane_run(struct lane_io *io, struct client_event *ev);
/* What a reply may take, and `more_ms`. */
void lane_set_deadline(struct lane_io *io, uint64_t more_ms);
/* What all of it may take that the client is at: the beginning, or an attempt. */
void lane_set_limit(struct lane_io *io);
/* The attempt is over, and so is what was made for it. */
void lane_forget_made(struct lane_io *io);
/* The content of the attempt as it leaves: signed, if there is a key, and given. */
void lane_sign(struct lane_io *io);
/* The attempt is answered by ourselves; the connection may be used again. */
void lane_answer_with(struct lane_io *io, const struct verdict *v);
/* What leaves: what came in, or what was made of it. */
struct content *lane_content(const struct lane_io *io);

/* --- lane_connect_io.c --- */

void lane_make_race(struct lane_io *io);
/* To the addresses that are left, or as io->then says. */
void lane_connect(struct lane_io *io);
void lane_start_tls(struct lane_io *io);
/* The handshake failed; where TLS is optional, the lane does without. */
void lane_miss_tls(struct lane_io *io, const char *why);
/* The address in use. */
const struct target_address *lane_address(const struct lane_io *io);
/* For other lanes of the worker: whether it failed, and what the client saw. */
void lane_remember(struct lane_io *io, uint32_t address, bool failed);
void lane_learn(struct lane_io *io);

/* --- lane_close_io.c --- */

void lane_set_end(
    struct lane_io *io, uint32_t address, enum blame blame, struct words w);
/* Of the reason that stands in io->end. */
void lane_log_failed(const struct lane_io *io);
/* For the reason that stands in io->end. */
void lane_shut(struct lane_io *io, enum lane_then then);
/* The same, and the connection came to nothing: another address may do better. */
void lane_leave_address(struct lane_io *io);
/* The connection is lost; the client knows what that means. */
void lane_lost(struct lane_io *io, const char *why);
/* A reason of ours; what was not answered stays so. */
void lane_break_off(struct lane_io *io, const char *status, const char *why);
/* The next connection, or the end. */
void lane_on_closed(void *lane_io);
/* A callback of the pool found the lane closing. */
void lane_pool_is_done(struct lane_io *io);

/* --- convert_io.c --- */

/* The content becomes what the host takes, and goes on with lane_sign(). */
void lane_convert(struct lane_io *io, enum client_form form);

/* --- content_io.c --- */

/* From the beginning, as the client's need says. */
void lane_start_content(struct lane_io *io, bool is_chunk);

/* --- addresses as peers.h knows them --- */

enum { PEER_KEY_MAX = 80 };
void peer_key(const struct target_address *a, char out[PEER_KEY_MAX]);

#endif
