#include "io/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/tls_peer.h"

enum {
	SESSIONS_KEPT = 1000,
	READ_AHEAD = 33 * 1024, /* two full records, and a little */
};

struct tls_server {
	atomic_int refs;
	SSL_CTX **contexts; /* owned; [0] is the default one */
	char **names; /* owned, for each context; NULL: none given */
	size_t ncontexts;
};

struct tls_client {
	SSL_CTX *context; /* for hosts that are verified */
	SSL_CTX *lenient; /* for those that would else get it in clear */
	struct map sessions; /* key -> struct kept, owned */
};

struct kept {
	char *key;
	SSL_SESSION *session;
};

static const unsigned char alpn_smtp[] = { 4, 's', 'm', 't', 'p' };

/* In words that say what to do; others as OpenSSL has them. */
static const struct {
	int library, reason;
	const char *words;
} reasons[] = {
	{ ERR_LIB_PEM, PEM_R_NO_START_LINE,
	    "has no block of the kind that is expected here (a request or a "
	    "CRL is none): expected the file that certbot and others write" },
	{ ERR_LIB_PEM, PEM_R_BAD_END_LINE,
	    "is not whole, a line -----END ...----- is missing: expected the "
	    "file as certbot and others write it, copy it again" },
	{ ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE,
	    "is damaged, its lines are no base64: expected the file as "
	    "certbot and others write it, copy it again" },
	{ ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL,
	    "the key is too short, expected RSA of 2048 bits or more, or "
	    "ECDSA" },
	{ ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL,
	    "a certificate of the chain has a key that is too short, expected "
	    "another chain of your authority" },
	{ ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK,
	    "signed with a hash that is too weak, expected SHA-256 or better" },
};

static const char *
words_for(unsigned long code)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (ERR_GET_LIB(code) == reasons[i].library &&
		    ERR_GET_REASON(code) == reasons[i].reason)
			return reasons[i].words;
	return ERR_reason_error_string(code);
}

static int
ssl_err(struct err *err, const char *what, const char *which)
{
	unsigned long code = ERR_get_error();
	const char *why = words_for(code);

	/* A file that cannot be opened is an error of the system. */
	if (ERR_SYSTEM_ERROR(code))
		why = strerror(ERR_GET_REASON(code));
	ERR_clear_error();
	return err_set(err, -EINVAL, "%s %s: %s", what, which,
	    why == NULL ? "not a PEM file of the right kind" : why);
}

/*
 * No finite-field group (RFC 7919): a key share of ffdhe8192 costs a server a
 * thousand times what it costs to send one. P-521 is six times as dear as
 * P-256, so that only we as a client offer it, last.
 */
static const char server_groups[] = "X25519:P-256:P-384";
static const char client_groups[] = "X25519:P-256:P-384:P-521";

static SSL_CTX *
make_context(const SSL_METHOD *method, const char *groups)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	long rc;

	assert(ctx != NULL);
	rc = SSL_CTX_set1_groups_list(ctx, groups);
	assert(rc == 1);
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_cipher_list(
	    ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL");
	/*
	 * AES-128 first: SHA-256 of the key schedule has instructions of its
	 * own in today's processors, SHA-384 takes a tenth of a handshake.
	 */
	(void)SSL_CTX_set_ciphersuites(ctx,
	    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
	    "TLS_CHACHA20_POLY1305_SHA256");
	(void)SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/*
	 * It reads right to where it decrypts. One record at a time takes more
	 * calls; what is behind a first one of four is moved three times.
	 */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
	return ctx;
}

static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, outlen, alpn_smtp, sizeof alpn_smtp,
		in, inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* By the name in the configuration, or by those in the certificate. */
static bool
is_for(const struct tls_server *t, size_t i, const char *name)
{
	return (t->names[i] != NULL && strcasecmp(t->names[i], name) == 0) ||
	       X509_check_host(SSL_CTX_get0_certificate(t->contexts[i]), name,
		   0, 0, NULL) == 1;
}

/* RFC 6066 section 3: a name nobody here has gets the default certificate. */
static int
select_certificate(SSL *ssl, int *alert, void *arg)
{
	struct tls_server *t = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	for (size_t i = 1; i < t->ncontexts; i++) {
		if (is_for(t, i, name)) {
			(void)SSL_set_SSL_CTX(ssl, t->contexts[i]);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* Whether a PEM file has a block of that kind: "CERTIFICATE", "PRIVATE KEY". */
static bool
has_block(const char *file, const char *kind)
{
	char line[256];
	bool found = false;
	FILE *f = fopen(file, "re");

	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		found = strncmp(line, "-----BEGIN ", 11) == 0 &&
			(kind == NULL || strstr(line, kind) != NULL);
	if (f != NULL)
		(void)fclose(f);
	return found;
}

/* The mistakes that OpenSSL has but a riddle for. 0: it is none of them. */
static int
blame(const struct conf_certificate *c, bool is_key, struct err *err)
{
	const char *what = is_key ? "tls.key" : "tls.certificate";
	const char *file = is_key ? c->key : c->certificate;

	if (access(file, R_OK) == -1)
		return 0;
	if (!has_block(file, NULL))
		return err_set(err, -EINVAL,
		    "%s %s: is not PEM (no line -----BEGIN ...), expected the "
		    "file that certbot and others write; DER: openssl %s "
		    "-inform der -in %s -out NEW",
		    what, file, is_key ? "pkey" : "x509", file);
	if (has_block(file, is_key ? "PRIVATE KEY" : "CERTIFICATE"))
		return 0;
	if (has_block(c->certificate, "PRIVATE KEY") &&
	    has_block(c->key, "CERTIFICATE"))
		return err_set(err, -EINVAL,
		    "tls.certificate %s: is the key, and tls.key %s is the "
		    "certificate: swap them",
		    c->certificate, c->key);
	return err_set(err, -EINVAL, "%s %s: has no %s in it, expected one",
	    what, file, is_key ? "PRIVATE KEY" : "CERTIFICATE");
}

static int
say_mismatch(const struct conf_certificate *c, struct err *err)
{
	ERR_clear_error();
	return err_set(err, -EINVAL,
	    "tls.key %s: does not belong to the certificate %s, expected the "
	    "one that it was made with",
	    c->key, c->certificate);
}

/*
 * A context has a place for each type of key. A key of another type than the
 * certificate's is no mismatch for OpenSSL: that key has a place of its own, and
 * no certificate in it.
 */
static int
load_files(SSL_CTX *ctx, const struct conf_certificate *c, struct err *err)
{
	if (file_is_readable("tls.certificate", c->certificate, err) != 0 ||
	    file_is_readable("tls.key", c->key, err) != 0)
		return -EINVAL;
	if (SSL_CTX_use_certificate_chain_file(ctx, c->certificate) != 1)
		return blame(c, false, err) != 0
			   ? -EINVAL
			   : ssl_err(err, "tls.certificate", c->certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, c->key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_error()) ==
		    X509_R_KEY_VALUES_MISMATCH)
			return say_mismatch(c, err);
		return blame(c, true, err) != 0
			   ? -EINVAL
			   : ssl_err(err, "tls.key", c->key);
	}
	return SSL_CTX_check_private_key(ctx) == 1 ? 0 : say_mismatch(c, err);
}

/* Nobody is there to be asked for it, and a loop would wait for him. */
static int
refuse_pass_phrase(char *out, int size, int for_writing, void *was_asked)
{
	(void)out, (void)size, (void)for_writing;
	*(bool *)was_asked = true;
	return -1;
}

static int
load_certificate(
    SSL_CTX *ctx, const struct conf_certificate *c, struct err *err)
{
	bool was_asked = false;
	int rc;

	SSL_CTX_set_default_passwd_cb(ctx, refuse_pass_phrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &was_asked);
	rc = load_files(ctx, c, err);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	if (rc == 0 || !was_asked)
		return rc;
	return err_set(err, -EINVAL,
	    "tls.key %s: is encrypted, expected a key without a pass phrase: "
	    "openssl pkey -in %s -out NEW, mode 0600",
	    c->key, c->key);
}

int
tls_look(const struct conf_certificate *c, const char *host,
    struct tls_facts *facts, struct err *err)
{
	SSL_CTX *ctx = make_context(TLS_server_method(), server_groups);
	int rc = load_certificate(ctx, c, err), seconds = 0;

	*facts = (struct tls_facts){ 0 };
	if (rc == 0) {
		X509 *cert = SSL_CTX_get0_certificate(ctx);

		(void)ASN1_TIME_diff(&facts->days_left, &seconds, NULL,
		    X509_get0_notAfter(cert));
		facts->days_left -= seconds < 0;
		facts->has_begun =
		    X509_cmp_current_time(X509_get0_notBefore(cert)) < 0;
		facts->has_name =
		    X509_check_host(cert, host, 0,
			X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
	}
	SSL_CTX_free(ctx);
	return rc;
}

/* --- RSA and ECDSA side by side --- */

static int
key_type(SSL_CTX *ctx)
{
	return EVP_PKEY_base_id(
	    X509_get0_pubkey(SSL_CTX_get0_certificate(ctx)));
}

/* Whether a name of the one certificate is one of the other's. */
static bool
share_a_name(X509 *one, X509 *other)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(one, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			found = X509_check_host(other,
				    (const char *)ASN1_STRING_get0_data(
					name->d.dNSName),
				    (size_t)ASN1_STRING_length(name->d.dNSName),
				    0, NULL) == 1;
	}
	GENERAL_NAMES_free(names);
	return found;
}

/*
 * For one name there may be a certificate with a key of each type: the client's
 * signature algorithms choose. Its own stays the one that a context is asked for.
 */
static int
add_others(struct tls_server *t, const struct conf *conf, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->ncontexts; i++) {
		SSL_CTX *ctx = t->contexts[i];
		X509 *own = SSL_CTX_get0_certificate(ctx);
		bool any = false;

		for (size_t k = 0; rc == 0 && k < t->ncontexts; k++) {
			SSL_CTX *other = t->contexts[k];

			if (k == i || key_type(other) == key_type(ctx) ||
			    !share_a_name(own, SSL_CTX_get0_certificate(other)))
				continue;
			rc = load_files(ctx, &conf->certificates[k], err);
			any = true;
			break;
		}
		if (rc == 0 && any)
			rc = load_files(ctx, &conf->certificates[i], err);
	}
	return rc;
}

struct tls_server *
tls_server_new(const struct conf *conf, struct err *err)
{
	struct tls_server *t = MEM_NEW(struct tls_server);

	t->refs = 1;
	t->contexts = mem_zalloc(conf->ncertificates, sizeof(SSL_CTX *));
	t->names = mem_zalloc(conf->ncertificates, sizeof(char *));
	for (size_t i = 0; i < conf->ncertificates; i++) {
		SSL_CTX *ctx = make_context(TLS_server_method(), server_groups);

		if (conf->certificates[i].name != NULL)
			t->names[i] = mem_strdup(conf->certificates[i].name);
		t->contexts[t->ncontexts++] = ctx;
		SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
		(void)SSL_CTX_set_tlsext_servername_callback(
		    ctx, select_certificate);
		(void)SSL_CTX_set_tlsext_servername_arg(ctx, t);
		/* One goes when the session says so: stream_send_ticket(). */
		(void)SSL_CTX_set_num_tickets(ctx, 0);
		(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		(void)SSL_CTX_set_session_id_context(
		    ctx, (const unsigned char *)"postern", 7);
		if (load_certificate(ctx, &conf->certificates[i], err) != 0 ||
		    tls_peer_ask(ctx, conf, err) != 0) {
			tls_server_unref(t);
			return NULL;
		}
	}
	if (add_others(t, conf, err) != 0) {
		tls_server_unref(t);
		return NULL;
	}
	return t;
}

struct tls_server *
tls_server_ref(struct tls_server *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
tls_server_unref(struct tls_server *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	for (size_t i = 0; i < t->ncontexts; i++) {
		SSL_CTX_free(t->contexts[i]);
		free(t->names[i]);
	}
	free(t->names);
	free(t->contexts);
	free(t);
}

int
tls_server_days_left(const struct tls_server *t)
{
	int least = 100000;

	for (size_t i = 0; i < t->ncontexts; i++) {
		X509 *cert = SSL_CTX_get0_certificate(t->contexts[i]);
		int days = 0, seconds = 0;

		if (ASN1_TIME_diff(
			&days, &seconds, NULL, X509_get0_notAfter(cert)) != 1)
			continue;
		if (seconds < 0)
			days--;
		least = days < least ? days : least;
	}
	return least;
}

SSL *
tls_server_session(struct tls_server *t)
{
	SSL *ssl;

	assert(t->ncontexts > 0);
	ssl = SSL_new(t->contexts[0]);
	assert(ssl != NULL);
	SSL_set_accept_state(ssl);
	return ssl;
}

static void
kept_free(struct kept *k)
{
	free(k->key);
	SSL_SESSION_free(k->session);
	free(k);
}

static void
forget_sessions(struct tls_client *t)
{
	size_t at = 0;
	struct kept *k;

	while ((k = map_next(&t->sessions, &at)) != NULL)
		kept_free(k);
	map_clear(&t->sessions);
}

/* The key stands in the SSL's app data, as a heap string freed with it. */
static int key_index = -1;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
free_key(
    void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
	free(ptr);
}

static void
make_key_index(void)
{
	key_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_key);
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_client *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const char *key = SSL_get_ex_data(ssl, key_index);
	struct kept *k;

	if (key == NULL || !SSL_SESSION_is_resumable(session))
		return 0;
	if (t->sessions.count >= SESSIONS_KEPT)
		forget_sessions(t);
	k = MEM_NEW(struct kept);
	k->key = mem_strdup(key);
	k->session = session;
	(void)SSL_SESSION_up_ref(session);
	{
		struct kept *old = map_remove(&t->sessions, span_text(key));

		if (old != NULL)
			kept_free(old);
	}
	(void)map_put(&t->sessions, span_text(k->key), k);
	return 0;
}

/* A store is counted by reference, and has a lock of its own. */
static int
trust(SSL_CTX *ctx, const struct tls_client *like, struct err *err)
{
	if (like != NULL)
		SSL_CTX_set1_cert_store(
		    ctx, SSL_CTX_get_cert_store(like->context));
	else if (SSL_CTX_set_default_verify_paths(ctx) != 1)
		return ssl_err(err, "trusted certificates", "of the system");
	return 0;
}

static SSL_CTX *
make_client_context(struct tls_client *t)
{
	SSL_CTX *ctx = make_context(TLS_client_method(), client_groups);

	(void)SSL_CTX_set_app_data(ctx, t);
	(void)SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return ctx;
}

/*
 * RFC 7435: what is not verified may as well be weak, for the other choice is clear
 * text. Old versions, CBC, keys without forward secrecy, a server that has not heard
 * of RFC 5746 (nothing is renegotiated here): each still keeps out who only listens.
 * OpenSSL's security level, which is the system's to set, has the last word.
 */
static void
be_lenient(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	(void)SSL_CTX_set_cipher_list(ctx,
	    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:DHE+AES:"
	    "HIGH:MEDIUM:!aNULL:!eNULL");
	(void)SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
}

struct tls_client *
tls_client_new(const struct tls_client *like, struct err *err)
{
	struct tls_client *t = MEM_NEW(struct tls_client);

	(void)pthread_once(&key_once, make_key_index);
	t->context = make_client_context(t);
	t->lenient = make_client_context(t);
	be_lenient(t->lenient);
	if (trust(t->context, like, err) != 0) {
		tls_client_free(t);
		return NULL;
	}
	return t;
}

void
tls_client_free(struct tls_client *t)
{
	if (t == NULL)
		return;
	forget_sessions(t);
	SSL_CTX_free(t->context);
	SSL_CTX_free(t->lenient);
	free(t);
}

/* RFC 6066 3: an address is no name to ask for. */
static bool
is_numeric(const char *host)
{
	unsigned char address[16];

	return host[0] == '[' || inet_pton(AF_INET, host, address) == 1 ||
	       inet_pton(AF_INET6, host, address) == 1;
}

SSL *
tls_client_session(struct tls_client *t, const struct tls_client_options *o)
{
	SSL *ssl = SSL_new(o->verify ? t->context : t->lenient);
	struct kept *k;

	assert(ssl != NULL);
	SSL_set_connect_state(ssl);
	if (o->host != NULL && !is_numeric(o->host))
		(void)SSL_set_tlsext_host_name(ssl, o->host);
	if (o->verify) {
		SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
		SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
					   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
		(void)SSL_set1_host(ssl, o->host);
	}
	if (o->key != NULL) {
		(void)SSL_set_ex_data(ssl, key_index, mem_strdup(o->key));
		k = map_get(&t->sessions, span_text(o->key));
		if (k != NULL)
			(void)SSL_set_session(ssl, k->session);
	}
	return ssl;
}

/* Before 1.3, without the extended master secret (RFC 7627), none binds. */
bool
tls_can_bind(const SSL *ssl)
{
	return SSL_version(ssl) >= TLS1_3_VERSION ||
	       SSL_get_extms_support((SSL *)(uintptr_t)ssl) == 1;
}

const char *
tls_binding(SSL *ssl, unsigned char out[64], size_t *len)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(ssl) >= TLS1_3_VERSION) {
		if (SSL_export_keying_material(ssl, out, 32, label,
			sizeof label - 1, (const unsigned char *)"", 0, 1) != 1)
			return NULL;
		*len = 32;
		return "tls-exporter";
	}
	/* RFC 5929 section 3: the first Finished of the handshake. */
	*len = SSL_session_reused(ssl) ? SSL_get_finished(ssl, out, 64)
				       : SSL_get_peer_finished(ssl, out, 64);
	return "tls-unique";
}

size_t
tls_end_point(const SSL *ssl, unsigned char out[64])
{
	const X509 *cert = SSL_get_certificate(ssl);
	const EVP_MD *md;
	unsigned len = 0;
	int hash = NID_undef;

	if (cert == NULL || X509_get_signature_info((X509 *)(uintptr_t)cert,
				&hash, NULL, NULL, NULL) != 1)
		return 0;
	/* Hashes that are no good any more are not those of the binding. */
	if (hash == NID_md5 || hash == NID_sha1)
		hash = NID_sha256;
	md = EVP_get_digestbynid(hash);
	if (md == NULL || X509_digest(cert, md, out, &len) != 1)
		return 0;
	return len;
}

void
tls_error_text(const SSL *ssl, int rc, char *out, unsigned long size)
{
	int saved = errno, kind = SSL_get_error(ssl, rc);
	unsigned long code = ERR_peek_last_error();
	long verify = SSL_get_verify_result(ssl);

	if (verify != X509_V_OK && SSL_get_verify_mode(ssl) != 0)
		(void)snprintf(out, size, "certificate: %s",
		    X509_verify_cert_error_string(verify));
	else if (code != 0)
		(void)snprintf(out, size, "%s",
		    ERR_reason_error_string(code) == NULL
			? "TLS error"
			: ERR_reason_error_string(code));
	else if (kind == SSL_ERROR_SYSCALL && saved != 0)
		(void)snprintf(out, size, "%s", strerror(saved));
	else
		(void)snprintf(out, size, "connection closed");
	ERR_clear_error();
}
