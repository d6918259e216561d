/*
 * stream: one TCP connection, in clear or through TLS, without blocking. What
 * came in stands in one buffer that the owner reads from; what goes out is
 * gathered and leaves when the owner flushes or reads. An idle stream holds no
 * buffer at all.
 *
 * Callbacks come on the loop's thread, once for each asking call, never before
 * that call returned, and never after stream_close().
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/span.h"

struct loop;
struct ssl_st;
struct tls_peer;
struct stream;

enum stream_status {
	STREAM_OK,
	STREAM_END, /* the peer closed in good order */
	STREAM_BROKEN, /* reset, TLS error, close without close_notify */
};

typedef void (*stream_cb)(enum stream_status status, void *arg);

/* Takes a connected, non-blocking descriptor. */
struct stream *stream_new(struct loop *loop, int fd);
/*
 * Connects; the callback says whether (STREAM_OK) or not. Must be closed in
 * either case. There is no time-out here: close it. NULL: the system has no
 * descriptor, or no memory, for one more.
 */
struct stream *stream_connect(struct loop *loop, const struct sockaddr *to,
    socklen_t len, stream_cb cb, void *arg);

/*
 * Of a stranger's stream events wait while the loop's time for strangers is
 * over (io/loop.h). A new one is no stranger's.
 */
void stream_set_stranger(struct stream *s, bool is_stranger);
/*
 * Calls back when the input buffer holds more bytes than now. Output is sent
 * first; while a peer does not take it, nothing is read.
 */
void stream_read(struct stream *s, stream_cb cb, void *arg);
/* Whether the peer has sent anything at all. */
bool stream_has_heard(const struct stream *s);
/* What is in the input buffer; consume it with stream_consume(). */
struct span stream_input(const struct stream *s);
void stream_consume(struct stream *s, size_t len);

/* Copies to the output, or sends at once what is large. */
void stream_put(struct stream *s, struct span bytes);
/* Sends what has been gathered, as far as the peer takes it. */
void stream_flush(struct stream *s);
/* Calls back when all output has left (or the stream broke). */
void stream_drain(struct stream *s, stream_cb cb, void *arg);
/*
 * Of a stream that broke: whether there is more input, which the peer sent
 * before it hung up on what it did not read. It may say why.
 */
bool stream_last_words(struct stream *s);

/*
 * Takes the session; output that is waiting leaves in clear first. All input
 * that was read in clear is forgotten (RFC 3207 4.2); the owner looks before.
 */
void
stream_start_tls(struct stream *s, struct ssl_st *ssl, stream_cb cb, void *arg);
bool stream_has_tls(const struct stream *s);
/*
 * To a client that it serves: with the next output leaves what a later
 * connection can be resumed by (RFC 8446 4.6.1). Not before the client spoke:
 * some wait for words and take what comes first to be that. Nothing without
 * TLS 1.3.
 */
void stream_send_ticket(struct stream *s);
bool stream_is_resumed(const struct stream *s);
/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; "" without TLS. */
const char *stream_tls_version(const struct stream *s);
const char *stream_tls_cipher(const struct stream *s);
/* The certificate that the other side showed. */
void stream_peer(const struct stream *s, struct tls_peer *out);
/* Whether there is a channel binding to be had; derives nothing. */
bool stream_can_bind(const struct stream *s);
/* RFC 9266 (1.3) or RFC 5929 tls-unique: its name, and bytes into `out`. */
const char *
stream_tls_binding(const struct stream *s, unsigned char out[64], size_t *len);
/* The same of tls-server-end-point, as tls.h says; 0 without TLS. */
size_t stream_tls_end_point(const struct stream *s, unsigned char out[64]);
/* Why the last call failed. Never NULL. */
const char *stream_error(const struct stream *s);

/*
 * Sends what waits (for some seconds at the most), closes, calls back once and
 * is gone then. May be called from anywhere, once.
 */
void stream_close(struct stream *s, void (*closed)(void *arg), void *arg);

#endif
