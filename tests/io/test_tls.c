#include "pair.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "io/tls_peer.h"

START_TEST(the_newest_version_is_chosen)
{
	begin(true);
	ck_assert_str_eq(stream_tls_version(a.stream), "TLSv1.3");
	ck_assert_str_eq(stream_tls_version(b.stream), "TLSv1.3");
	ck_assert(
	    span_starts(span_text(stream_tls_cipher(a.stream)), SPAN("TLS_")));
	ck_assert_str_eq(
	    stream_tls_cipher(a.stream), stream_tls_cipher(b.stream));
	finish();
	begin(false);
	ck_assert_str_eq(stream_tls_version(a.stream), "");
	ck_assert_str_eq(stream_tls_cipher(a.stream), "");
	finish();
}
END_TEST

/* _i: 0 newest, 1 at most TLS 1.2 */
START_TEST(both_ends_bind_to_the_same_channel)
{
	unsigned char mine[64], theirs[64];
	SSL *ssl = client_session("relay.test", false, NULL);
	size_t len, other;
	const char *name;

	if (_i == 1)
		(void)SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	connect_pair();
	ck_assert_ptr_null(stream_tls_binding(a.stream, mine, &len));
	shake_hands(ssl);
	ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
	name = stream_tls_binding(a.stream, mine, &len);
	ck_assert_str_eq(name, _i == 1 ? "tls-unique" : "tls-exporter");
	ck_assert_uint_ge(len, 12);
	/* tls-unique: each side asks for the first Finished; ours answers as a
	   server, which takes the client's. */
	name = stream_tls_binding(b.stream, theirs, &other);
	ck_assert_str_eq(name, _i == 1 ? "tls-unique" : "tls-exporter");
	ck_assert_uint_eq(other, len);
	if (_i == 0)
		ck_assert_mem_eq(mine, theirs, len);
	finish();
}
END_TEST

static void
expect_refused(SSL *ssl)
{
	connect_pair();
	shake_hands(ssl);
	ck_assert(a.status == STREAM_BROKEN || b.status == STREAM_BROKEN);
	if (a.status == STREAM_OK) {
		end_ask(&a); /* in TLS 1.3 the client hears of it later */
		ck_assert(end_wait(&a) == STREAM_BROKEN);
	}
	ck_assert(stream_error(b.stream)[0] != '\0');
	finish();
}

START_TEST(old_versions_are_refused)
{
	SSL *ssl = client_session("relay.test", false, NULL);

	(void)SSL_set_min_proto_version(ssl, TLS1_VERSION);
	(void)SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
	SSL_set_security_level(ssl, 0);
	expect_refused(ssl);
}
END_TEST

START_TEST(ciphers_without_forward_secrecy_are_refused)
{
	SSL *ssl = client_session("relay.test", false, NULL);

	(void)SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	ck_assert_int_eq(SSL_set_cipher_list(ssl, "AES128-GCM-SHA256"
						  ":AES256-SHA"),
	    1);
	expect_refused(ssl);
}
END_TEST

/* What a host of old knows, and no more. */
static const struct {
	const char *ciphers;
	int version;
} old_hosts[] = {
	{ "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA", TLS1_2_VERSION },
	{ "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384", TLS1_2_VERSION },
	{ "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0",
	    TLS1_VERSION },
};

static void
shake_hands_with_old_host(SSL *ssl, int which)
{
	SSL *host = tls_server_session(server);

	(void)SSL_set_min_proto_version(host, TLS1_VERSION);
	(void)SSL_set_max_proto_version(host, old_hosts[which].version);
	ck_assert_int_eq(
	    SSL_set_cipher_list(host, old_hosts[which].ciphers), 1);
	/* Whether TLS 1.0 may be is the system's word; here it may. */
	if (old_hosts[which].version == TLS1_VERSION)
		SSL_set_security_level(ssl, 0);
	connect_pair();
	start_tls(&b, host);
	start_tls(&a, ssl);
	while (a.asks || b.asks)
		turn();
}

START_TEST(weak_ciphers_beat_clear_text)
{
	shake_hands_with_old_host(
	    client_session("relay.test", false, NULL), _i);
	ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
	ck_assert_str_eq(stream_tls_version(a.stream),
	    old_hosts[_i].version == TLS1_VERSION ? "TLSv1" : "TLSv1.2");
	finish();
}
END_TEST

START_TEST(a_verified_host_gets_no_weak_ciphers)
{
	SSL *ssl = client_session("relay.test", true, NULL);

	/* The certificate shall not be the reason. */
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	shake_hands_with_old_host(ssl, _i);
	ck_assert(a.status == STREAM_BROKEN);
	finish();
}
END_TEST

/* ALPN: what the client says, and whether it may. */
static const struct {
	const char *protocols; /* in wire form */
	bool fine;
} alpns[] = {
	{ "\x04smtp", true },
	{ "\x08http/1.1\x04smtp", true },
	{ "\x08http/1.1", false },
	{ "\x02h2\x08http/1.1", false },
	{ "\x04imap", false },
};

START_TEST(a_request_for_another_protocol_ends_here)
{
	SSL *ssl = client_session("relay.test", false, NULL);
	const unsigned char *chosen;
	unsigned len;

	ck_assert_int_eq(
	    SSL_set_alpn_protos(ssl, (const unsigned char *)alpns[_i].protocols,
		(unsigned)strlen(alpns[_i].protocols)),
	    0);
	if (!alpns[_i].fine) {
		expect_refused(ssl);
		return;
	}
	connect_pair();
	shake_hands(ssl);
	ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
	SSL_get0_alpn_selected(ssl, &chosen, &len);
	ck_assert(
	    span_equal(span_make((const char *)chosen, len), SPAN("smtp")));
	finish();
}
END_TEST

/* Whether a new connection could be resumed. */
static bool
is_kept(const char *key)
{
	SSL *ssl = client_session("relay.test", false, key);
	bool kept = SSL_get_session(ssl) != NULL;

	SSL_free(ssl);
	return kept;
}

/* Nothing but the server's words: some clients wait for these alone. */
START_TEST(no_ticket_comes_before_it_is_sent)
{
	connect_pair();
	shake_hands(client_session("relay.test", false, "one"));
	end_ask(&a);
	end_put(&b, "220 hello\r\n");
	ck_assert(end_wait(&a) == STREAM_OK);
	ck_assert(!is_kept("one"));
	stream_consume(a.stream, stream_input(a.stream).len);
	end_ask(&a);
	stream_send_ticket(b.stream);
	end_put(&b, "250 hello\r\n");
	ck_assert(end_wait(&a) == STREAM_OK);
	ck_assert(is_kept("one"));
	finish();
}
END_TEST

static const struct {
	const char *group;
	bool is_taken;
} groups[] = { { "X25519", true }, { "P-256", true }, { "P-384", true },
	{ "P-521", false }, { "ffdhe2048", false }, { "ffdhe3072", false },
	{ "ffdhe8192", false }, { "X448", false } };

/* What a key share may cost us is bounded by the groups that we take. */
START_TEST(dear_groups_are_refused)
{
	SSL *ssl;

	connect_pair();
	ssl = client_session("relay.test", false, NULL);
	ck_assert_int_eq(SSL_set1_groups_list(ssl, groups[_i].group), 1);
	shake_hands(ssl);
	ck_assert_int_eq(a.status == STREAM_OK, groups[_i].is_taken);
	ck_assert_int_eq(b.status == STREAM_OK, groups[_i].is_taken);
	finish();
}
END_TEST

START_TEST(a_session_is_resumed_for_the_same_key_only)
{
	static const char *const keys[] = { "one", "one", "two", NULL };
	static const bool resumed[] = { false, true, false, false };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		connect_pair();
		shake_hands(client_session("relay.test", false, keys[i]));
		ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
		ck_assert_msg(stream_is_resumed(a.stream) == resumed[i],
		    "connection %zu", i);
		/* The ticket comes with the first bytes. */
		end_ask(&a);
		stream_send_ticket(b.stream);
		end_put(&b, "220 hello\r\n");
		ck_assert(end_wait(&a) == STREAM_OK);
		finish();
	}
}
END_TEST

START_TEST(a_trusted_certificate_is_verified)
{
	connect_pair();
	shake_hands(client_session("relay.test", true, NULL));
	ck_assert_msg(a.status == STREAM_OK, "%s", stream_error(a.stream));
	ck_assert(b.status == STREAM_OK);
	finish();
}
END_TEST

/* Also when the one it learned from is gone, and where it came from too. */
START_TEST(a_second_client_trusts_as_the_first_does)
{
	struct tls_client *second;
	struct err err;

	ck_assert_int_eq(setenv("SSL_CERT_FILE", "/nonexistent", 1), 0);
	second = tls_client_new(client, &err);
	ck_assert_ptr_nonnull(second);
	for (int i = 0; i < 2; i++) {
		connect_pair();
		shake_hands(client_session("relay.test", true, NULL));
		ck_assert_msg(
		    a.status == STREAM_OK, "%d: %s", i, stream_error(a.stream));
		finish();
		if (i == 0) {
			tls_client_free(client);
			client = second;
		}
	}
}
END_TEST

START_TEST(sessions_are_not_shared)
{
	struct tls_client *first = client;
	struct err err;

	client = tls_client_new(first, &err);
	for (int i = 0; i < 3; i++) {
		connect_pair();
		shake_hands(client_session("relay.test", false, "key"));
		ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
		ck_assert_msg(stream_is_resumed(a.stream) == (i == 1),
		    "connection %d", i);
		end_ask(&a); /* for the ticket */
		stream_send_ticket(b.stream);
		end_put(&b, "220 hello\r\n");
		ck_assert(end_wait(&a) == STREAM_OK);
		finish();
		if (i == 1) {
			tls_client_free(client);
			client = first;
		}
	}
}
END_TEST

START_TEST(another_name_is_refused)
{
	connect_pair();
	shake_hands(client_session("other.test", true, NULL));
	ck_assert(a.status == STREAM_BROKEN);
	ck_assert_msg(strstr(stream_error(a.stream), "certificate: ") != NULL,
	    "%s", stream_error(a.stream));
	finish();
}
END_TEST

/* _i: 0 nobody trusts it, 1 it is over; verified, and not. */
START_TEST(a_bad_certificate_is_refused_when_it_matters)
{
	struct cert bad;

	cert_make(&bad, "relay.test", _i == 1 ? -10 : 10);
	tls_server_unref(server);
	server = make_server(&bad, 1);
	connect_pair();
	shake_hands(client_session("relay.test", true, NULL));
	ck_assert(a.status == STREAM_BROKEN);
	ck_assert_msg(strstr(stream_error(a.stream), "certificate: ") != NULL,
	    "%s", stream_error(a.stream));
	finish();
	begin(true); /* opportunistic: better than clear text */
	finish();
	cert_remove(&bad);
}
END_TEST

START_TEST(the_name_asked_for_chooses_the_certificate)
{
	static const char *const names[] = { "mail.test", "MAIL.test",
		"relay.test", "unknown.test" };
	static const char *const want[] = { "mail.test", "mail.test",
		"relay.test", "relay.test" };
	struct cert certs[2] = { cert };

	cert_make(&certs[1], "mail.test", 10);
	tls_server_unref(server);
	server = make_server(certs, 2);
	ck_assert_int_eq(tls_server_days_left(server), 10);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		SSL *ssl = client_session(names[i], false, NULL);
		X509 *peer;

		connect_pair();
		shake_hands(ssl);
		ck_assert(a.status == STREAM_OK);
		peer = SSL_get0_peer_certificate(ssl);
		ck_assert_msg(X509_check_host(peer, want[i], 0, 0, NULL) == 1,
		    "%s", names[i]);
		finish();
	}
	cert_remove(&certs[1]);
}
END_TEST

START_TEST(a_key_that_does_not_fit_is_an_error)
{
	struct cert other;
	struct conf_certificate mixed;
	struct conf conf = { .certificates = &mixed, .ncertificates = 1 };
	struct err err;

	cert_make(&other, "other.test", 10);
	mixed = (struct conf_certificate){ .certificate = cert.certificate,
		.key = other.key };
	ck_assert_ptr_null(tls_server_new(&conf, &err));
	ck_assert_ptr_nonnull(strstr(err.text, other.key) != NULL
				  ? strstr(err.text, other.key)
				  : strstr(err.text, cert.certificate));
	mixed.key = (char *)(uintptr_t) "/nonexistent/key.pem";
	ck_assert_ptr_null(tls_server_new(&conf, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/key.pem"));
	cert_remove(&other);
}
END_TEST

static int
write_old_form(FILE *f, const EVP_PKEY *key, const EVP_CIPHER *cipher,
    const char *phrase, int len, pem_password_cb *cb, void *arg)
{
	BIO *bio = BIO_new_fp(f, BIO_NOCLOSE);
	int rc = PEM_write_bio_PrivateKey_traditional(
	    bio, key, cipher, (const unsigned char *)phrase, len, cb, arg);

	(void)BIO_free(bio);
	return rc;
}

/* Nobody is asked for it: at a terminal everything would wait. */
START_TEST(an_encrypted_key_is_an_error_that_says_so)
{
	struct conf_certificate c = { .certificate = cert.certificate,
		.key = cert.key };
	struct conf conf = { .certificates = &c, .ncertificates = 1 };
	EVP_PKEY *key;
	struct err err;
	FILE *f;

	f = fopen(cert.key, "r");
	ck_assert_ptr_nonnull(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void)fclose(f);
	ck_assert_ptr_nonnull(key);
	f = fopen(cert.key, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(
	    (_i == 0 ? PEM_write_PKCS8PrivateKey : write_old_form)(
		f, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL),
	    1);
	(void)fclose(f);
	EVP_PKEY_free(key);
	ck_assert_ptr_null(tls_server_new(&conf, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "is encrypted"));
	ck_assert_ptr_nonnull(strstr(err.text, cert.key));
}
END_TEST

/* --- the handshake on a stream --- */

START_TEST(what_was_read_in_clear_is_forgotten)
{
	connect_pair();
	b.asks = true;
	stream_read(b.stream, on_answer, &b);
	end_put(&a, "STARTTLS\r\nMAIL FROM:<x@evil.test>\r\n");
	ck_assert(end_wait(&b) == STREAM_OK);
	stream_consume(b.stream, 10);
	end_put(&b, "220 go on\r\n");
	end_ask(&a);
	ck_assert(end_wait(&a) == STREAM_OK);
	shake_hands(client_session("relay.test", false, NULL));
	ck_assert(b.status == STREAM_OK);
	ck_assert_uint_eq(stream_input(b.stream).len, 0);
	end_ask(&b);
	end_put(&a, "NOOP\r\n");
	ck_assert(end_wait(&b) == STREAM_OK);
	ck_assert(span_equal(buf_span(&b.got), SPAN("NOOP\r\n")));
	finish();
}
END_TEST

static const char *const no_hello[] = {
	"EHLO client.test\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff",
	"\x15\x03\x03\x00\x02\x02\x28",
};

START_TEST(what_is_no_handshake_breaks_it)
{
	connect_pair();
	start_tls(&b, tls_server_session(server));
	stream_put(a.stream,
	    span_make(no_hello[_i], _i == 2   ? 10
				    : _i == 3 ? 7
					      : strlen(no_hello[_i])));
	stream_flush(a.stream);
	ck_assert(end_wait(&b) == STREAM_BROKEN);
	ck_assert(stream_error(b.stream)[0] != '\0');
	finish();
}
END_TEST

START_TEST(a_peer_that_goes_during_the_handshake_breaks_it)
{
	connect_pair();
	start_tls(&b, tls_server_session(server));
	end_close(&a);
	ck_assert(end_wait(&b) == STREAM_BROKEN);
	finish();
}
END_TEST

START_TEST(a_handshake_can_be_given_up)
{
	connect_pair();
	start_tls(&b, tls_server_session(server));
	(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	end_close(&b);
	end_wait_closed(&b);
	ck_assert_uint_eq(b.answers, 0);
	finish();
}
END_TEST

START_TEST(renegotiation_is_refused)
{
	SSL *ssl = client_session("relay.test", false, NULL);

	(void)SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	connect_pair();
	shake_hands(ssl);
	ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
	(void)SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
	ck_assert_int_eq(SSL_renegotiate(ssl), 1);
	(void)SSL_do_handshake(ssl);
	end_read_all(&b);
	end_read_all(&a);
	for (int i = 0; i < 20 && a.asks && b.asks; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	/* A warning says no; the handshake does not get done. */
	ck_assert(SSL_renegotiate_pending(ssl) == 1 || !a.asks || !b.asks);
	finish();
}
END_TEST

/* OpenSSL has a place for each type of key, and finds no fault with two. */
START_TEST(a_key_of_another_type_is_an_error)
{
	struct conf_certificate c = { .certificate = cert.certificate,
		.key = cert.key };
	struct conf conf = { .certificates = &c, .ncertificates = 1 };
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct tls_facts facts;
	struct err err = { "" };
	FILE *f = fopen(cert.key, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	EVP_PKEY_free(key);
	ck_assert_ptr_null(tls_server_new(&conf, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "does not belong"));
	ck_assert_int_lt(tls_look(&c, "relay.test", &facts, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "does not belong"));
}
END_TEST

/* A pipe would be waited for, and a device read for ever. */
START_TEST(what_is_no_file_is_not_opened)
{
	struct conf_certificate c = { .certificate = cert.certificate,
		.key = (char[]){ "/dev/zero" } };
	struct tls_facts facts;
	struct err err = { "" };

	ck_assert_int_lt(tls_look(&c, "relay.test", &facts, &err), 0);
	ck_assert_str_eq(
	    err.text, "tls.key /dev/zero: is no file, expected a file");
	ck_assert_int_lt(tls_peer_look("/dev/zero", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "is no file"));
}
END_TEST

START_TEST(a_look_tells_days_and_name)
{
	struct conf_certificate c = { .line = 0 };
	struct tls_facts facts;
	struct cert fresh, old;
	struct err err;

	cert_make(&fresh, "mail.test", 10);
	cert_make(&old, "mail.test", -10);
	c.certificate = fresh.certificate;
	c.key = fresh.key;
	ck_assert_int_eq(tls_look(&c, "MAIL.test", &facts, &err), 0);
	ck_assert(facts.has_begun && facts.has_name);
	ck_assert_int_ge(facts.days_left, 9);
	ck_assert_int_le(facts.days_left, 10);
	ck_assert_int_eq(tls_look(&c, "other.test", &facts, &err), 0);
	ck_assert(!facts.has_name);
	/* The key is the other's, then the certificate is, too. */
	c.key = old.key;
	ck_assert_int_lt(tls_look(&c, "mail.test", &facts, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "does not belong"));
	c.certificate = old.certificate;
	ck_assert_int_eq(tls_look(&c, "mail.test", &facts, &err), 0);
	ck_assert_int_lt(facts.days_left, 0);
	c.certificate = old.key;
	c.key = old.certificate;
	ck_assert_int_lt(tls_look(&c, "mail.test", &facts, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "swap them"));
	cert_remove(&fresh);
	cert_remove(&old);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, pair_setup, pair_teardown);
	tcase_add_test(tc, the_newest_version_is_chosen);
	tcase_add_loop_test(tc, both_ends_bind_to_the_same_channel, 0, 2);
	tcase_add_test(tc, old_versions_are_refused);
	tcase_add_test(tc, ciphers_without_forward_secrecy_are_refused);
	tcase_add_loop_test(
	    tc, weak_ciphers_beat_clear_text, 0, (int)ARRAY_LEN(old_hosts));
	tcase_add_loop_test(tc, a_verified_host_gets_no_weak_ciphers, 0,
	    (int)ARRAY_LEN(old_hosts));
	tcase_add_loop_test(tc, a_request_for_another_protocol_ends_here, 0,
	    (int)ARRAY_LEN(alpns));
	tcase_add_test(tc, no_ticket_comes_before_it_is_sent);
	tcase_add_loop_test(
	    tc, dear_groups_are_refused, 0, (int)ARRAY_LEN(groups));
	tcase_add_test(tc, a_session_is_resumed_for_the_same_key_only);
	tcase_add_test(tc, a_trusted_certificate_is_verified);
	tcase_add_test(tc, a_second_client_trusts_as_the_first_does);
	tcase_add_test(tc, sessions_are_not_shared);
	tcase_add_test(tc, another_name_is_refused);
	tcase_add_loop_test(
	    tc, a_bad_certificate_is_refused_when_it_matters, 0, 2);
	tcase_add_test(tc, the_name_asked_for_chooses_the_certificate);
	tcase_add_test(tc, a_key_that_does_not_fit_is_an_error);
	tcase_add_loop_test(
	    tc, an_encrypted_key_is_an_error_that_says_so, 0, 2);
	tcase_add_test(tc, what_was_read_in_clear_is_forgotten);
	tcase_add_loop_test(
	    tc, what_is_no_handshake_breaks_it, 0, (int)ARRAY_LEN(no_hello));
	tcase_add_test(tc, a_peer_that_goes_during_the_handshake_breaks_it);
	tcase_add_test(tc, a_handshake_can_be_given_up);
	tcase_add_test(tc, renegotiation_is_refused);
	tcase_add_test(tc, a_key_of_another_type_is_an_error);
	tcase_add_test(tc, what_is_no_file_is_not_opened);
	tcase_add_test(tc, a_look_tells_days_and_name);
}

SUITE_MAIN("tls", fill)
