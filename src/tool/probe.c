/* It waits for each step: the sending side's core is the relay's own. */
#include "probe.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "deliver/attempt.h"
#include "deliver/client.h"
#include "io/tls.h"
#include "mail/envelope.h"
#include "sched/target.h"
#include "smtp/dot.h"

enum { PATIENCE_S = 20, READ_SIZE = 16384, INPUT_MAX = 1 << 17 };

struct probe {
	const struct target *target; /* borrowed */
	const struct target_address *address; /* borrowed */
	const struct probe_message *message; /* borrowed; NULL: none */
	int fd;
	struct tls_client *tls; /* owned; NULL until it is wanted */
	SSL *ssl; /* owned; NULL: in the clear */
	struct client *client; /* owned */
	struct buf in, out;
};

static int
reach(struct probe *p, struct sockaddr_storage *local, struct err *err)
{
	const struct sockaddr *to = &p->address->to.sa;
	struct timeval patience = { .tv_sec = PATIENCE_S };
	socklen_t len = to->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in);

	p->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->fd == -1)
		return err_errno(err, "socket");
	(void)setsockopt(
	    p->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(
	    p->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(p->fd, to, len) == -1)
		return errno == EINPROGRESS
			   ? err_set(err, -ETIMEDOUT, "no answer in %d s",
				 PATIENCE_S)
			   : err_errno(err, "connect");
	len = sizeof *local;
	(void)getsockname(p->fd, (struct sockaddr *)local, &len);
	return 0;
}

static int
shake_hands(struct probe *p, struct err *err)
{
	char name[256], why[256];
	struct tls_client_options o = {
		.host = name,
		.verify = p->target->tls != TARGET_TLS_OPPORTUNISTIC,
	};
	int rc;

	target_certificate_name(p->address->host, name, sizeof name);
	p->tls = tls_client_new(NULL, err);
	if (p->tls == NULL)
		return -1;
	p->ssl = tls_client_session(p->tls, &o);
	(void)SSL_set_fd(p->ssl, p->fd);
	rc = SSL_do_handshake(p->ssl);
	if (rc == 1)
		return 0;
	tls_error_text(p->ssl, rc, why, sizeof why);
	return err_set(err, -1, "TLS: %s", why);
}

static int
put(struct probe *p, struct err *err)
{
	while (buf_len(&p->out) > 0) {
		struct span s = buf_span(&p->out);
		ssize_t n = p->ssl != NULL
				? SSL_write(p->ssl, s.ptr, (int)s.len)
				: send(p->fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n <= 0)
			return err_set(err, -1, "the host closed it");
		buf_consume(&p->out, (size_t)n);
	}
	return 0;
}

static int
get(struct probe *p, struct err *err)
{
	char *room = buf_reserve(&p->in, READ_SIZE);
	ssize_t n;

	if (room == NULL)
		return err_set(err, -1, "the host says too much");
	errno = 0;
	n = p->ssl != NULL ? SSL_read(p->ssl, room, READ_SIZE)
			   : recv(p->fd, room, READ_SIZE, 0);
	if (n <= 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(err, -ETIMEDOUT, "no reply in %d s", PATIENCE_S);
	if (n <= 0)
		return err_set(err, -1, "the host closed it");
	buf_added(&p->in, (size_t)n);
	return 0;
}

static enum client_need
step(struct probe *p, enum client_event_type type)
{
	struct span in = buf_span(&p->in);
	struct client_event ev = { .type = type, .in = &in };
	size_t before = in.len;
	enum client_need need;

	if (type == CLIENT_GIVEN) {
		ev.attempt = p->message->attempt;
		ev.size = p->message->content.len;
	}
	need = client_step(p->client, &ev, &p->out);
	buf_consume(&p->in, before - in.len);
	return need;
}

static int
say_end(struct probe *p, struct err *err)
{
	const struct client_end *end = client_end(p->client);

	return err_set(err, -1, "%s%s%s", end->what,
	    end->said == NULL || end->said[0] == '\0' ? "" : ": ",
	    end->said == NULL ? "" : end->said);
}

static void
put_content(struct probe *p)
{
	struct dot_writer w = { 0 };

	(void)dot_write(&w, p->message->content, &p->out);
	(void)dot_write_end(&w, &p->out);
}

/* Until the host is ready for a message, and has answered the one there is. */
static int
talk(struct probe *p, struct err *err)
{
	enum client_event_type event = CLIENT_CONNECTED;
	bool is_given = false;

	for (;;) {
		enum client_need need = step(p, event);

		if (put(p, err) != 0)
			return -1;
		switch (need) {
		case CLIENT_INPUT:
			if (get(p, err) != 0)
				return -1;
			event = CLIENT_GOT;
			continue;
		case CLIENT_TLS:
			if (shake_hands(p, err) != 0)
				return -1;
			event = CLIENT_SECURED;
			continue;
		case CLIENT_READY:
			if (p->message == NULL || is_given) {
				(void)step(p, CLIENT_QUIT);
				return put(p, err);
			}
			is_given = true;
			event = CLIENT_GIVEN;
			continue;
		case CLIENT_CONTENT:
			put_content(p);
			if (put(p, err) != 0)
				return -1;
			event = CLIENT_SENT;
			continue;
		case CLIENT_CLOSE: return say_end(p, err);
		case CLIENT_CHUNK: /* not where CHUNKING_LACKS was said */
			return err_set(err, -1, "asked for a chunk");
		}
	}
}

int
probe_host(const struct target *t, const struct target_address *a,
    const struct probe_message *message, struct sockaddr_storage *local,
    struct err *err)
{
	struct client_options o = { .chunking = CHUNKING_LACKS };
	struct probe p = {
		.target = t, .address = a, .message = message, .fd = -1
	};
	int rc;

	p.in.max = INPUT_MAX;
	p.client = client_new(t, &o);
	rc = reach(&p, local, err);
	if (rc == 0 && t->tls == TARGET_TLS_IMPLICIT)
		rc = shake_hands(&p, err);
	if (rc == 0)
		rc = talk(&p, err);
	SSL_free(p.ssl);
	tls_client_free(p.tls);
	client_free(p.client);
	buf_clear(&p.in);
	buf_clear(&p.out);
	if (p.fd != -1)
		(void)close(p.fd);
	return rc;
}
