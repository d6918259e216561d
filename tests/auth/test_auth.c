/*
 * Exchanges through the public face: a loop, the real libsasl2, and a client
 * that is a script. SCRAM's client side is computed here, so that neither side
 * of libsasl2 is checked by the other.
 */
#include "tests/lib/suite.h"

#include <malloc.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "smtp/base64.h"
#include "src/auth/auth_priv.h"
#include "state/state.h"

static char folder[64], path[128];
static struct conf *conf;
static struct auth *auth;
static struct loop *loop;

static struct conf *
make_conf(const char *more)
{
	char text[1024];
	struct buf warnings = { 0 };
	struct err err = { "" };
	struct conf *c;

	(void)snprintf(text, sizeof text,
	    "hostname = relay.test\nauth { users = %s iterations = 4096\n"
	    "%s%s }\nstate { directory = %s/state }\n",
	    path,
	    strstr(more, "mechanisms") == NULL
		? "mechanisms = { SCRAM-SHA-256-PLUS, SCRAM-SHA-256, PLAIN, "
		  "LOGIN }\n"
		: "",
	    more, folder);
	c = conf_parse(span_text(text), "test.conf", NULL, &warnings, &err);
	ck_assert_msg(c != NULL, "%s", err.text);
	buf_clear(&warnings);
	return c;
}

static void
change(enum users_change_kind what, const char *name, const char *password)
{
	struct users_change c = { .what = what,
		.name = name,
		.password = span_text(password),
		.iterations = 4096 };
	struct err err = { "" };

	ck_assert_msg(users_change(path, &c, &err) == 0, "%s", err.text);
}

/* Each look at another time: none is left out. */
static void
refresh(void)
{
	static uint64_t now = 1;

	auth_refresh(auth, now++);
}

static void
open_auth(const char *more)
{
	struct err err = { "" };

	conf = make_conf(more);
	auth = auth_new(conf, &err);
	ck_assert_msg(auth != NULL, "%s", err.text);
	loop = loop_new();
}

/* Accounts of fewer iterations, so that a hundred logins take no time. */
static void
write_users(void)
{
	static const char *const names[] = { "ann@a.test", "bob", "sus" };
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct user u = { .iterations = 4096, .salt_len = 16 };
		struct buf line = { 0 };

		random_fill(u.salt, u.salt_len);
		ck_assert(user_derive(&u, SPAN("secret")));
		user_format(&u, &line);
		(void)fprintf(f, "%s %.*s%s\n", names[i],
		    SPAN_ARG(buf_span(&line)), i == 2 ? " suspended" : "");
		buf_clear(&line);
	}
	(void)fclose(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void
setup(void)
{
	(void)strcpy(folder, "/tmp/test_auth.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/users", folder);
	write_users();
	auth = NULL;
	loop = NULL;
	conf = NULL;
}

static void
close_auth(void)
{
	if (loop != NULL) {
		loop_stop(loop);
		loop_run(loop);
		loop_free(loop);
	}
	auth_free(auth);
	conf_unref(conf);
	loop = NULL;
	auth = NULL;
	conf = NULL;
}

static void
teardown(void)
{
	char lock[160];

	close_auth();
	(void)snprintf(lock, sizeof lock, "%s.lock", path);
	(void)unlink(lock);
	(void)unlink(path);
	(void)snprintf(lock, sizeof lock, "%s/state/login-key", folder);
	(void)unlink(lock);
	(void)snprintf(lock, sizeof lock, "%s/state", folder);
	(void)rmdir(lock);
	(void)rmdir(folder);
}

/* One exchange, and what came last. */
struct talk {
	struct auth_exchange *x;
	bool is_answered;
	enum auth_result result;
	char challenge[1024], login[300], detail[300];
	char key[80], send_as[80];
	size_t challenge_len;
	uint64_t tried;
	struct auth_ticket ticket;
};

static void
on_answer(const struct auth_answer *a, void *arg)
{
	struct talk *t = arg;

	ck_assert(!t->is_answered);
	t->is_answered = true;
	t->result = a->result;
	ck_assert_uint_lt(a->challenge.len, sizeof t->challenge);
	t->challenge_len = a->challenge.len;
	if (a->challenge.len > 0)
		memcpy(t->challenge, a->challenge.ptr, a->challenge.len);
	t->challenge[a->challenge.len] = '\0';
	(void)snprintf(t->login, sizeof t->login, "%.*s", SPAN_ARG(a->login));
	(void)snprintf(t->key, sizeof t->key, "%.*s", SPAN_ARG(a->key));
	(void)snprintf(
	    t->send_as, sizeof t->send_as, "%.*s", SPAN_ARG(a->send_as));
	(void)snprintf(t->detail, sizeof t->detail, "%s%s%.*s",
	    a->detail == NULL ? "" : a->detail,
	    a->name.len > 0 && a->result == AUTH_BAD ? " name=" : "",
	    a->result == AUTH_BAD ? (int)a->name.len : 0, a->name.ptr);
	t->tried = a->tried;
	t->ticket = a->ticket;
}

static enum auth_result
wait_for(struct talk *t)
{
	while (!t->is_answered)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	t->is_answered = false;
	return t->result;
}

static void
end(struct talk *t)
{
	auth_close(t->x);
	t->x = NULL;
}

static const char exporter[] = "0123456789abcdef0123456789abcdef";
static const char end_point[] = "the hash of our certificate";

static void
begin(struct talk *t, const char *mechanism, const char *binding,
    const char *initial, size_t len)
{
	struct auth_options o = {
		.mechanism = span_text(mechanism),
		.has_initial = initial != NULL,
		.initial = span_make(initial, len),
		.binding_name = binding,
		.binding =
		    binding == NULL ? span_text("") : span_text(exporter),
		.end_point =
		    binding == NULL ? span_text("") : span_text(end_point),
		.remote_ip = "192.0.2.1",
	};

	*t = (struct talk){ 0 };
	t->x = auth_start(auth, loop, &o, on_answer, t);
	ck_assert_ptr_nonnull(t->x);
	ck_assert(!t->is_answered);
}

#define BEGIN(t, mechanism, initial)                                           \
	begin((t), (mechanism), NULL, (initial), sizeof(initial) - 1)

static const struct {
	const char *initial;
	size_t len;
	enum auth_result want;
	const char *login, *detail;
} plain[] = {
#define ROW(text) (text), sizeof(text) - 1
	{ ROW("\0ann@a.test\0secret"), AUTH_OK, "ann@a.test", "" },
	{ ROW("\0ANN@A.test\0secret"), AUTH_OK, "ann@a.test", "" },
	{ ROW("ann@a.test\0ann@a.test\0secret"), AUTH_OK, "ann@a.test", "" },
	{ ROW("\0ann@a.test\0Secret"), AUTH_BAD, "",
	    "wrong password name=ann@a.test" },
	{ ROW("\0ann@a.test\0secretx"), AUTH_BAD, "", "wrong password name=" },
	{ ROW("\0ann@a.test\0"), AUTH_BAD, "", "wrong password name=" },
	{ ROW("\0nobody\0secret"), AUTH_BAD, "",
	    "no such account name=nobody" },
	{ ROW("\0sus\0secret"), AUTH_BAD, "",
	    "the account is suspended name=sus" },
	{ ROW("\0sus\0wrong"), AUTH_BAD, "",
	    "the account is suspended name=sus" },
	{ ROW("bob\0ann@a.test\0secret"), AUTH_BAD, "", "SASL(-13): " },
	{ ROW("ann@a.test"), AUTH_MALFORMED, "", "" },
	{ ROW("\0ann@a.test"), AUTH_MALFORMED, "", "" },
	{ ROW("\0ann@a.test\0secret\0more"), AUTH_MALFORMED, "", "" },
	{ ROW("\0ann@a.test\0secret\0"), AUTH_MALFORMED, "", "" },
	{ ROW("\0\0\0"), AUTH_MALFORMED, "", "" },
	{ ROW("\0\0secret"), AUTH_BAD, "", "" },
	{ ROW("\0a\x01\"\0secret"), AUTH_BAD, "",
	    "no such account name=a\x01\"" },
#undef ROW
};

START_TEST(plain_takes_one_message)
{
	struct talk t;

	open_auth("");
	begin(&t, "PLAIN", NULL, plain[_i].initial, plain[_i].len);
	(void)wait_for(&t);
	ck_assert_msg(
	    t.result == plain[_i].want, "%d: %d %s", _i, t.result, t.detail);
	ck_assert_str_eq(t.login, plain[_i].login);
	ck_assert_msg(
	    strncmp(t.detail, plain[_i].detail, strlen(plain[_i].detail)) == 0,
	    "%d: %s", _i, t.detail);
	ck_assert_uint_eq(t.challenge_len, 0);
	end(&t);
}
END_TEST

START_TEST(plain_without_initial_response_is_asked_for)
{
	struct talk t;

	open_auth("");
	begin(&t, "PLAIN", NULL, NULL, 0);
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	ck_assert_uint_eq(t.challenge_len, 0);
	auth_step(t.x, SPAN("\0bob\0secret"));
	ck_assert(!t.is_answered);
	ck_assert_int_eq(wait_for(&t), AUTH_OK);
	ck_assert_str_eq(t.login, "bob");
	end(&t);
}
END_TEST

/* In the library such a name would leak: see is_too_long(). */
START_TEST(names_of_many_bytes_are_bad)
{
	static const char *const mechanisms[] = { "PLAIN", "LOGIN",
		"SCRAM-SHA-256" };
	char initial[3000];
	struct talk t;

	memset(initial, 'x', sizeof initial);
	if (_i == 0)
		initial[0] = initial[2000] = '\0';
	open_auth("");
	begin(&t, mechanisms[_i], NULL, initial, sizeof initial);
	ck_assert_int_eq(wait_for(&t), AUTH_BAD);
	end(&t);
}
END_TEST

START_TEST(a_password_of_many_bytes_is_wrong)
{
	char initial[3000];
	struct talk t;

	memset(initial, 'x', sizeof initial);
	memcpy(initial, "\0bob\0secret", 11);
	open_auth("");
	begin(&t, "PLAIN", NULL, initial, sizeof initial);
	ck_assert_int_eq(wait_for(&t), AUTH_BAD);
	ck_assert_str_eq(t.detail, "wrong password name=bob");
	end(&t);
}
END_TEST

static const struct {
	const char *name, *password;
	bool initial;
	enum auth_result want;
} login[] = {
	{ "bob", "secret", false, AUTH_OK },
	{ "bob", "secret", true, AUTH_OK },
	{ "bob", "wrong", false, AUTH_BAD },
	{ "nobody", "secret", false, AUTH_BAD },
	{ "sus", "secret", false, AUTH_BAD },
};

START_TEST(login_takes_two_messages)
{
	struct talk t;

	open_auth("");
	begin(&t, "LOGIN", NULL, login[_i].initial ? login[_i].name : NULL,
	    login[_i].initial ? strlen(login[_i].name) : 0);
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	if (!login[_i].initial) {
		ck_assert_str_eq(t.challenge, "Username:");
		auth_step(t.x, span_text(login[_i].name));
		ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	}
	ck_assert_str_eq(t.challenge, "Password:");
	auth_step(t.x, span_text(login[_i].password));
	ck_assert_int_eq(wait_for(&t), login[_i].want);
	ck_assert_str_eq(t.login, login[_i].want == AUTH_OK ? "bob" : "");
	end(&t);
}
END_TEST

/* SCRAM's client, RFC 5802 section 3. */
struct scram {
	const char *mechanism, *gs2, *binding;
	const char *name, *password;
	const char *cbind; /* the binding data that the client puts into c= */
	enum auth_result want;
	const char *detail;
};

static void
field(const char *message, char name, char *out, size_t size)
{
	char key[4] = { ',', name, '=', '\0' };
	const char *at = strstr(message, key);
	size_t n;

	if (message[0] == name && message[1] == '=')
		at = message - 1;
	ck_assert_msg(at != NULL, "%s", message);
	at += 3;
	n = strcspn(at, ",");
	ck_assert_uint_lt(n, size);
	memcpy(out, at, n);
	out[n] = '\0';
}

static void
append_base64(struct buf *b, const void *data, size_t len)
{
	ck_assert(base64_encode(span_make(data, len), b));
}

static void
client_keys(const char *challenge, const char *password,
    unsigned char client[32], unsigned char stored[32],
    unsigned char server[32])
{
	char salt64[200], count[20];
	unsigned char salt[100], salted[32];
	size_t salt_len;
	struct span key = { (char *)salted, 32 };

	field(challenge, 's', salt64, sizeof salt64);
	field(challenge, 'i', count, sizeof count);
	ck_assert(base64_decode_into(
	    span_text(salt64), salt, sizeof salt, &salt_len));
	ck_assert_int_eq(PKCS5_PBKDF2_HMAC(password, -1, salt, (int)salt_len,
			     atoi(count), EVP_sha256(), 32, salted),
	    1);
	ck_assert(hmac_sha256(key, SPAN("Client Key"), client));
	ck_assert(hmac_sha256(key, SPAN("Server Key"), server));
	ck_assert_int_eq(
	    EVP_Digest(client, 32, stored, NULL, EVP_sha256(), NULL), 1);
}

/* The client's last message; `want` is the server's answer to a good one. */
static void
client_final(const struct scram *s, const char *bare, const char *challenge,
    struct buf *out, struct buf *want)
{
	unsigned char client[32], stored[32], server[32], mac[32];
	struct buf message = { 0 }, cbind = { 0 };
	char nonce[200];

	field(challenge, 'r', nonce, sizeof nonce);
	client_keys(challenge, s->password, client, stored, server);
	(void)buf_append_text(&cbind, s->gs2);
	(void)buf_append_text(&cbind, s->cbind);
	(void)buf_append_text(out, "c=");
	append_base64(out, buf_span(&cbind).ptr, buf_len(&cbind));
	(void)buf_printf(out, ",r=%s", nonce);
	(void)buf_printf(&message, "%s,%s,", bare, challenge);
	(void)buf_append_span(&message, buf_span(out));
	ck_assert(hmac_sha256(
	    span_make((char *)stored, 32), buf_span(&message), mac));
	for (size_t i = 0; i < 32; i++)
		client[i] ^= mac[i];
	(void)buf_append_text(out, ",p=");
	append_base64(out, client, 32);
	ck_assert(hmac_sha256(
	    span_make((char *)server, 32), buf_span(&message), mac));
	(void)buf_append_text(want, "v=");
	append_base64(want, mac, 32);
	buf_clear(&message);
	buf_clear(&cbind);
}

static enum auth_result
run_scram(const struct scram *s, struct talk *t)
{
	struct buf first = { 0 }, final = { 0 }, want = { 0 };
	char bare[300];
	enum auth_result result;

	(void)snprintf(
	    bare, sizeof bare, "n=%s,r=fyko+d2lbbFgONRv9qkxdawL", s->name);
	(void)buf_printf(&first, "%s%s", s->gs2, bare);
	begin(
	    t, s->mechanism, s->binding, buf_span(&first).ptr, buf_len(&first));
	result = wait_for(t);
	if (result == AUTH_CONTINUE) {
		client_final(s, bare, t->challenge, &final, &want);
		auth_step(t->x, buf_span(&final));
		result = wait_for(t);
	}
	if (result == AUTH_CONTINUE) {
		ck_assert(span_equal(span_text(t->challenge), buf_span(&want)));
		auth_step(t->x, SPAN(""));
		result = wait_for(t);
	}
	buf_clear(&first);
	buf_clear(&final);
	buf_clear(&want);
	return result;
}

#define S256 "SCRAM-SHA-256"
#define PLUS "SCRAM-SHA-256-PLUS"
#define EXP "tls-exporter"

static const struct scram scrams[] = {
	{ S256, "n,,", NULL, "bob", "secret", "", AUTH_OK, "" },
	{ S256, "n,,", NULL, "BOB", "secret", "", AUTH_OK, "" },
	{ S256, "n,a=bob,", NULL, "bob", "secret", "", AUTH_OK, "" },
	{ S256, "n,,", NULL, "ann@a.test", "secret", "", AUTH_OK, "" },
	{ S256, "n,,", NULL, "bob", "wrong", "", AUTH_BAD, "" },
	{ S256, "n,,", NULL, "nobody", "secret", "", AUTH_BAD,
	    "no such account name=nobody" },
	{ S256, "n,,", NULL, "sus", "secret", "", AUTH_BAD,
	    "the account is suspended name=sus" },
	{ S256, "n,a=ann@a.test,", NULL, "bob", "secret", "", AUTH_BAD, "" },
	/* A client without channel binding, where there is one. */
	{ S256, "n,,", EXP, "bob", "secret", "", AUTH_OK, "" },
	/* "You do not offer -PLUS": true without TLS data, a lie with it. */
	{ S256, "y,,", NULL, "bob", "secret", "", AUTH_OK, "" },
	{ S256, "y,,", EXP, "bob", "secret", "", AUTH_BAD, "" },
	{ PLUS, "p=tls-exporter,,", EXP, "bob", "secret", exporter, AUTH_OK,
	    "" },
	{ PLUS, "p=tls-unique,,", "tls-unique", "bob", "secret", exporter,
	    AUTH_OK, "" },
	{ PLUS, "p=tls-exporter,,", EXP, "bob", "wrong", exporter, AUTH_BAD,
	    "" },
	{ PLUS, "p=tls-exporter,,", EXP, "sus", "secret", exporter, AUTH_BAD,
	    "" },
	/* Somebody between: the two ends see different channels. */
	{ PLUS, "p=tls-exporter,,", EXP, "bob", "secret",
	    "0123456789abcdef0123456789abcdeF", AUTH_BAD, "" },
	{ PLUS, "p=tls-exporter,,", EXP, "bob", "secret", "", AUTH_BAD, "" },
	{ PLUS, "p=tls-unique,,", EXP, "bob", "secret", exporter, AUTH_BAD,
	    "" },
	/* Who has no other binding shows the certificate's. */
	{ PLUS, "p=tls-server-end-point,,", EXP, "bob", "secret", end_point,
	    AUTH_OK, "" },
	{ PLUS, "p=tls-server-end-point,,", EXP, "bob", "wrong", end_point,
	    AUTH_BAD, "" },
	{ PLUS, "p=tls-server-end-point,,", EXP, "bob", "secret", exporter,
	    AUTH_BAD, "" },
	{ PLUS, "p=tls-exporter,,", EXP, "bob", "secret", end_point, AUTH_BAD,
	    "" },
	{ PLUS, "p=tls-server-end-poinT,,", EXP, "bob", "secret", end_point,
	    AUTH_BAD, "" },
	{ PLUS, "n,,", EXP, "bob", "secret", "", AUTH_BAD, "" },
	{ PLUS, "y,,", EXP, "bob", "secret", "", AUTH_BAD, "" },
	{ PLUS, "p=tls-exporter,,", NULL, "bob", "secret", exporter, AUTH_BAD,
	    "" },
};

START_TEST(scram_proves_both_sides)
{
	const struct scram *s = &scrams[_i];
	enum auth_result got;
	struct talk t;

	open_auth("");
	got = run_scram(s, &t);
	ck_assert_msg(got == s->want, "%s %s %s: %d %s", s->mechanism, s->gs2,
	    s->name, got, t.detail);
	ck_assert_msg(strncmp(t.detail, s->detail, strlen(s->detail)) == 0,
	    "%s: %s", s->name, t.detail);
	if (got == AUTH_OK)
		ck_assert(
		    span_equal_nocase(span_text(t.login), span_text(s->name)));
	else
		ck_assert_str_eq(t.login, "");
	ck_assert_uint_eq(auth->remember.hits, 0);
	end(&t);
}
END_TEST

START_TEST(scram_says_y_where_plus_is_not_offered)
{
	static const struct scram s = { S256, "y,,", EXP, "bob", "secret", "",
		AUTH_OK, "" };
	struct talk t;

	open_auth("mechanisms = { SCRAM-SHA-256, PLAIN }");
	ck_assert_int_eq(run_scram(&s, &t), AUTH_OK);
	end(&t);
}
END_TEST

START_TEST(plus_alone_may_be_offered)
{
	static const struct scram s = { PLUS, "p=tls-exporter,,", EXP, "bob",
		"secret", exporter, AUTH_OK, "" };
	struct talk t;

	open_auth("mechanisms = { SCRAM-SHA-256-PLUS }");
	ck_assert_int_eq(run_scram(&s, &t), AUTH_OK);
	end(&t);
}
END_TEST

static const struct {
	const char *mechanism, *message;
} malformed[] = {
	{ S256, "x" },
	{ S256, "n,," },
	{ S256, "n,,n=bob" },
	{ S256, "n,,r=abcdefghijklm" },
	{ S256, "n,,n=,r=abcdefghijklm" },
	{ S256, "n,,m=x,n=bob,r=abcdefghijklm" },
	{ S256, "n,,n=b=3xb,r=abcdefghijklm" },
	{ S256, "q,,n=bob,r=abcdefghijklm" },
	{ S256, "n=bob,r=abcdefghijklm" },
};

START_TEST(scram_refuses_what_is_no_message)
{
	struct talk t;

	open_auth("");
	begin(&t, malformed[_i].mechanism, NULL, malformed[_i].message,
	    strlen(malformed[_i].message));
	(void)wait_for(&t);
	ck_assert_msg(t.result == AUTH_MALFORMED || t.result == AUTH_BAD,
	    "%s: %d %s", malformed[_i].message, t.result, t.detail);
	if (_i < 3)
		ck_assert_msg(t.result == AUTH_MALFORMED, "%s: %d %s",
		    malformed[_i].message, t.result, t.detail);
	end(&t);
}
END_TEST

static const char *const finals[] = {
	"",
	"x",
	"c=biws",
	"c=biws,r=other,p=AAAA",
	"c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=AAAA",
};

START_TEST(scram_refuses_a_last_message_that_is_none)
{
	static const char first[] = "n,,n=bob,r=fyko+d2lbbFgONRv9qkxdawL";
	struct talk t;

	open_auth("");
	BEGIN(&t, S256, first);
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	auth_step(t.x, span_text(finals[_i]));
	(void)wait_for(&t);
	ck_assert_msg(t.result == AUTH_MALFORMED || t.result == AUTH_BAD,
	    "%s: %d %s", finals[_i], t.result, t.detail);
	end(&t);
}
END_TEST

/* What SCRAM tells everybody before any proof. */
static void
ask_salt(const char *name, char salt[200], char count[20])
{
	char first[300];
	struct talk t;

	(void)snprintf(first, sizeof first, "n,,n=%s,r=abcdefghijklmnop", name);
	begin(&t, S256, NULL, first, strlen(first));
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	field(t.challenge, 's', salt, 200);
	field(t.challenge, 'i', count, 20);
	end(&t);
}

START_TEST(an_account_that_is_not_there_looks_like_one)
{
	char salt[200], again[200], other[200], count[20];

	change(USERS_ADD, "real", "secret");
	open_auth("");
	ask_salt("real", salt, count);
	ck_assert_str_eq(count, "4096");
	ck_assert_uint_eq(strlen(salt), 24);
	ask_salt("nobody", salt, count);
	ck_assert_str_eq(count, "4096");
	ck_assert_uint_eq(strlen(salt), 24);
	ask_salt("Nobody", again, count);
	ask_salt("nobody2", other, count);
	ck_assert_str_eq(salt, again);
	ck_assert_str_ne(salt, other);
	/* A suspended one keeps its salt. */
	ask_salt("real", salt, count);
	change(USERS_SUSPEND, "real", "");
	refresh();
	ask_salt("real", again, count);
	ck_assert_str_eq(salt, again);
}
END_TEST

static void
try_plain(struct talk *t, const char *name, const char *password)
{
	char initial[300];
	size_t n = strlen(name), len = n + strlen(password) + 2;

	initial[0] = '\0';
	memcpy(initial + 1, name, n + 1);
	memcpy(initial + n + 2, password, strlen(password));
	begin(t, "PLAIN", NULL, initial, len);
}

static enum auth_result
log_in(const char *name, const char *password)
{
	struct talk t;

	try_plain(&t, name, password);
	(void)wait_for(&t);
	end(&t);
	return t.result;
}

/* --- keys of accounts --- */

static char key_text[USER_KEY_TEXT_SIZE];

/* A key of bob's, narrowed so; key_text is it. */
static void
add_key(const char *label, const char *network, const char *expires)
{
	struct user_key k = { 0 };
	struct users_change c = {
		.what = USERS_KEY_ADD, .name = "bob", .label = label, .key = &k
	};
	struct err err = { "" };

	if (network != NULL)
		ck_assert_ptr_null(
		    user_key_set_network(&k, span_text(network)));
	if (expires != NULL)
		ck_assert_ptr_null(
		    user_key_set_expires(&k, span_text(expires)));
	ck_assert_ptr_null(user_key_set_send_as(&k, SPAN("x@b.test")));
	ck_assert_int_eq(user_key_make(&k, key_text, &err), 0);
	ck_assert_msg(users_change(path, &c, &err) == 0, "%s", err.text);
	user_key_clear(&k);
}

static void
remove_key(const char *label)
{
	struct users_change c = {
		.what = USERS_KEY_REMOVE, .name = "bob", .label = label
	};
	struct err err = { "" };

	ck_assert_msg(users_change(path, &c, &err) == 0, "%s", err.text);
}

static enum auth_result
try_login(struct talk *t, const char *name, const char *password)
{
	begin(t, "LOGIN", NULL, NULL, 0);
	ck_assert_int_eq(wait_for(t), AUTH_CONTINUE);
	auth_step(t->x, span_text(name));
	ck_assert_int_eq(wait_for(t), AUTH_CONTINUE);
	auth_step(t->x, span_text(password));
	return wait_for(t);
}

static enum auth_result
try_scram(struct talk *t, const char *name, const char *password)
{
	struct scram s = { S256, "n,,", NULL, name, password, "", AUTH_OK, "" };

	return run_scram(&s, t);
}

START_TEST(a_key_logs_in_as_its_account)
{
	static const char *const names[] = { "bob", "BOB", "bob#app",
		"Bob#APP" };
	const char *name = names[_i];
	bool is_named = strchr(name, '#') != NULL;
	struct talk t[3];

	add_key("other", NULL, NULL);
	add_key("App", NULL, NULL);
	open_auth("");
	/* On this thread alone: nothing of it has gone to the pool. */
	try_plain(&t[0], name, key_text);
	ck_assert_uint_eq(auth->line.running, 0);
	ck_assert_int_eq(wait_for(&t[0]), AUTH_OK);
	ck_assert_int_eq(try_login(&t[1], name, key_text), AUTH_OK);
	ck_assert_int_eq(
	    try_scram(&t[2], name, key_text), is_named ? AUTH_OK : AUTH_BAD);
	for (int i = 0; i < 3; i++) {
		end(&t[i]);
		if (t[i].result != AUTH_OK)
			continue;
		ck_assert_str_eq(t[i].login, "bob");
		ck_assert_str_eq(t[i].key, "App");
		ck_assert_str_eq(t[i].send_as, "x@b.test");
	}
	ck_assert_uint_eq(auth->remember.hits, 0);
	/* The password stays the account's alone. */
	ck_assert_int_eq(
	    try_login(&t[0], name, "secret"), is_named ? AUTH_BAD : AUTH_OK);
	end(&t[0]);
	ck_assert_str_eq(t[0].key, "");
	ck_assert_int_eq(
	    try_scram(&t[0], name, "secret"), is_named ? AUTH_BAD : AUTH_OK);
	end(&t[0]);
	/* Also where it was right a moment ago. */
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	ck_assert_int_eq(log_in(name, "secret"), is_named ? AUTH_BAD : AUTH_OK);
}
END_TEST

static const struct {
	const char *name, *detail;
	bool is_right; /* the key's text */
} no_keys[] = {
	{ "bob#app", "wrong password", false },
	{ "bob#other", "wrong password", true },
	{ "bob#none", "no such account", true },
	{ "bob#", "no such account", true },
	{ "ann@a.test", "wrong password", true },
	{ "ann@a.test#app", "no such account", true },
	{ "nobody", "no such account", true },
	{ "nobody#app", "no such account", true },
	{ "sus", "the account is suspended", true },
};

START_TEST(what_is_no_key_takes_the_long_way)
{
	char password[64];
	struct talk t;

	add_key("other", NULL, NULL);
	add_key("app", NULL, NULL);
	(void)snprintf(password, sizeof password, "%s%s", key_text,
	    no_keys[_i].is_right ? "" : "x");
	open_auth("delay = off");
	try_plain(&t, no_keys[_i].name, password);
	ck_assert_uint_eq(auth->line.running, 1);
	ck_assert_int_eq(wait_for(&t), AUTH_BAD);
	ck_assert_int_eq(
	    strncmp(t.detail, no_keys[_i].detail, strlen(no_keys[_i].detail)),
	    0);
	ck_assert_str_eq(t.key, "");
	end(&t);
	if (strcmp(no_keys[_i].name, "bob#") == 0)
		return;
	ck_assert_int_eq(try_scram(&t, no_keys[_i].name, password), AUTH_BAD);
	ck_assert_str_eq(t.login, "");
	end(&t);
}
END_TEST

START_TEST(a_key_of_a_suspended_account_takes_the_long_way)
{
	struct talk t;

	add_key("app", NULL, NULL);
	change(USERS_SUSPEND, "bob", "");
	open_auth("");
	for (int i = 0; i < 2; i++) {
		try_plain(&t, i == 0 ? "bob" : "bob#app", key_text);
		ck_assert_uint_eq(auth->line.running, 1);
		ck_assert_int_eq(wait_for(&t), AUTH_BAD);
		ck_assert_int_eq(
		    strncmp(t.detail, "the account is suspended", 24), 0);
		end(&t);
	}
}
END_TEST

static int64_t wall;

static int64_t
fake_wall(void)
{
	return wall;
}

/* begin() comes from 192.0.2.1. */
static const struct {
	const char *network, *expires;
	int64_t now; /* 1000000000 is 2001-09-09T01:46:40Z */
	const char *why_not;
} narrowed[] = {
	{ "192.0.2.0/24", NULL, 1, NULL },
	{ "2001:db8::/32,192.0.2.1", NULL, 1, NULL },
	{ "192.0.3.0/24", NULL, 1, "the key is not for this network" },
	{ NULL, "2001-09-09T01:46:40Z", 999999999, NULL },
	{ NULL, "2001-09-09T01:46:40Z", 1000000000, "the key has expired" },
	{ "192.0.2.0/24", "2001-09-09", 999993600 + 86399, NULL },
	{ "192.0.2.0/24", "2001-09-09", 999993600 + 86400,
	    "the key has expired" },
};

START_TEST(a_key_is_narrowed)
{
	const char *why = narrowed[_i].why_not;
	enum auth_result want = why == NULL ? AUTH_OK : AUTH_BAD;
	char salt[200], count[20], again[200];
	struct talk t;

	add_key("app", narrowed[_i].network, narrowed[_i].expires);
	open_auth("delay = off");
	auth->wall = fake_wall;
	wall = narrowed[_i].now * 1000;
	try_plain(&t, "bob", key_text);
	ck_assert_uint_eq(auth->line.running, why == NULL ? 0 : 1);
	ck_assert_int_eq(wait_for(&t), want);
	end(&t);
	ck_assert_int_eq(try_login(&t, "bob#app", key_text), want);
	end(&t);
	ck_assert_int_eq(try_scram(&t, "bob#app", key_text), want);
	if (why != NULL)
		ck_assert_int_eq(strncmp(t.detail, why, strlen(why)), 0);
	ck_assert_str_eq(t.key, "app");
	end(&t);
	/* What SCRAM tells of it before any proof is the same. */
	ask_salt("bob#app", salt, count);
	wall = 1;
	ask_salt("bob#app", again, count);
	ck_assert_str_eq(salt, again);
}
END_TEST

START_TEST(a_key_that_is_not_there_looks_like_one)
{
	char salt[200], count[20], again[200];
	FILE *f;

	/* Most accounts have more iterations than a key. */
	f = fopen(path, "w");
	(void)fclose(f);
	for (int i = 0; i < 3; i++) {
		struct users_change c = { .what = USERS_ADD,
			.name = i == 0	 ? "bob"
				: i == 1 ? "ann"
					 : "zoe",
			.password = SPAN("secret"),
			.iterations = 5000 };
		struct err err;

		ck_assert_int_eq(users_change(path, &c, &err), 0);
	}
	add_key("app", NULL, NULL);
	open_auth("");
	ask_salt("bob", salt, count);
	ck_assert_str_eq(count, "5000");
	ask_salt("nobody", salt, count);
	ck_assert_str_eq(count, "5000");
	ask_salt("bob#app", salt, count);
	ck_assert_str_eq(count, "4096");
	ask_salt("bob#none", salt, count);
	ck_assert_str_eq(count, "4096");
	ck_assert_uint_eq(strlen(salt), 24);
	ask_salt("BOB#NONE", again, count);
	ck_assert_str_eq(salt, again);
	ask_salt("nobody#app", again, count);
	ck_assert_str_eq(count, "4096");
	ck_assert_str_ne(salt, again);
}
END_TEST

START_TEST(a_login_by_key_holds_as_long_as_the_key)
{
	static const struct {
		enum users_change_kind what;
		const char *password;
		bool holds;
	} ways[] = {
		{ USERS_SUSPEND, "", false }, { USERS_REMOVE, "", false },
		{ USERS_PASSWD, "another", true },
		{ USERS_KEY_REMOVE, "app", false },
		{ USERS_KEY_REMOVE, "other", true },
		{ USERS_RENEW, "", true }, /* nothing is changed */
	};
	struct talk password, key;
	uint64_t now = 5000;

	add_key("other", NULL, NULL);
	add_key("app", NULL, "2001-09-09T01:46:40Z");
	open_auth("");
	auth->wall = fake_wall;
	wall = INT64_C(999999999000);
	try_plain(&password, "bob", "secret");
	ck_assert_int_eq(wait_for(&password), AUTH_OK);
	try_plain(&key, "bob", key_text);
	ck_assert_int_eq(wait_for(&key), AUTH_OK);
	ck_assert(auth_still_holds(auth, SPAN("bob"), &key.ticket, now));
	if (ways[_i].what == USERS_KEY_REMOVE)
		remove_key(ways[_i].password);
	else if (ways[_i].what != USERS_RENEW)
		change(ways[_i].what, "bob", ways[_i].password);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    auth_still_holds(auth, SPAN("bob"), &key.ticket, ++now),
		    ways[_i].holds);
	ck_assert_int_eq(
	    auth_still_holds(auth, SPAN("bob"), &password.ticket, ++now),
	    ways[_i].what >= USERS_RENEW);
	/* Until its time is over. */
	wall = INT64_C(1000000000000);
	ck_assert(!auth_still_holds(auth, SPAN("bob"), &key.ticket, ++now));
	end(&password);
	end(&key);
}
END_TEST

START_TEST(a_key_that_goes_while_its_login_is_under_way_fails)
{
	struct talk t;

	add_key("app", NULL, NULL);
	open_auth("");
	begin(&t, "LOGIN", NULL, NULL, 0);
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	auth_step(t.x, SPAN("bob"));
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	remove_key("app");
	auth_step(t.x, span_text(key_text));
	ck_assert_int_eq(wait_for(&t), AUTH_BAD);
	ck_assert_str_eq(t.key, "");
	end(&t);
}
END_TEST

/* --- what is kept of logins --- */

static struct state *state;

static void
open_kept(void)
{
	struct state_options o = { .batch_ms = 1, .again_ms = 1 };
	char directory[96];
	struct err err;

	open_auth("remember = 0 delay = off");
	auth->wall = fake_wall;
	(void)snprintf(directory, sizeof directory, "%s/state", folder);
	o.directory = directory;
	state = state_open(&o, &err);
	ck_assert_ptr_nonnull(state);
	auth_keep(auth, state);
}

static void
close_kept(void)
{
	state_close(state);
	close_auth();
}

static void
remove_state(void)
{
	static const char *const names[] = { "state.db", "state.db-wal",
		"state.db-shm" };
	char name[160];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(
		    name, sizeof name, "%s/state/%s", folder, names[i]);
		(void)unlink(name);
	}
}

static void
on_key(const struct auth_key *k, void *arg)
{
	(void)buf_printf(
	    arg, "%s %lld %s; ", k->key->label, (long long)k->used, k->client);
}

/* "app 1000 192.0.2.1; ", as it is once what was kept has been read. */
static void
await_keys(const char *want)
{
	for (int i = 0; i < 5000; i++) {
		struct buf text = { 0 };
		bool is_so;

		auth_each_key(auth, SPAN("Bob"), on_key, &text);
		is_so = span_equal(buf_span(&text), span_text(want));
		if (!is_so && i == 4999)
			ck_assert_msg(false, "got %.*s, want %s",
			    SPAN_ARG(buf_span(&text)), want);
		buf_clear(&text);
		if (is_so)
			return;
		(void)usleep(1000);
	}
}

static atomic_uint homes;
static atomic_bool homes_told;

static void
on_home(const struct state_home *home, void *arg)
{
	(void)arg;
	if (home == NULL)
		atomic_store(&homes_told, true);
	else
		(void)atomic_fetch_add(&homes, 1);
}

/* Those that are kept, however old they are. */
static unsigned
count_homes(void)
{
	atomic_store(&homes, 0);
	atomic_store(&homes_told, false);
	state_ask_homes(state, 0, 100, on_home, NULL);
	for (int i = 0; i < 5000 && !atomic_load(&homes_told); i++)
		(void)usleep(1000);
	ck_assert(atomic_load(&homes_told));
	return atomic_load(&homes);
}

START_TEST(when_a_key_was_used_is_kept)
{
	struct talk t;

	wall = INT64_C(4102444800000); /* behind the time that it is made at */
	add_key("app", NULL, NULL);
	open_kept();
	await_keys("app 0 ; ");
	ck_assert_int_eq(log_in("bob", key_text), AUTH_OK);
	await_keys("app 4102444800000 192.0.2.1; ");
	/* What fails, and the password, is no use of it. */
	wall += 1000;
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	ck_assert_int_eq(log_in("bob#app", "secret"), AUTH_BAD);
	ck_assert_int_eq(try_scram(&t, "bob#app", "secret"), AUTH_BAD);
	end(&t);
	await_keys("app 4102444800000 192.0.2.1; ");
	close_kept();
	open_kept();
	await_keys("app 4102444800000 192.0.2.1; ");
	wall += 1000;
	ck_assert_int_eq(try_scram(&t, "bob#app", key_text), AUTH_OK);
	end(&t);
	await_keys("app 4102444802000 192.0.2.1; ");
	/* To the minute. */
	close_kept();
	open_kept();
	await_keys("app 4102444800000 192.0.2.1; ");
	wall += 60000;
	ck_assert_int_eq(try_login(&t, "bob#app", key_text), AUTH_OK);
	end(&t);
	close_kept();
	open_kept();
	await_keys("app 4102444862000 192.0.2.1; ");
	/* It goes with its key. */
	close_kept();
	remove_key("app");
	open_kept();
	close_kept();
	wall = 1;
	add_key("app", NULL, NULL);
	open_kept();
	(void)count_homes(); /* what was kept of keys has been read by then */
	await_keys("app 0 ; ");
	close_kept();
	remove_state();
}
END_TEST

/* How long a login of bob from there would wait. */
static uint32_t
wait_of_bob(const char *address)
{
	struct guess who = { .peer = peer_of(address),
		.name = guessing_name(&auth->guessing, SPAN("bob")) };
	uint32_t wait;

	(void)pthread_mutex_lock(&auth->lock);
	wait = guessing_wait(&auth->guessing, &who, clock_us() / 1000);
	(void)pthread_mutex_unlock(&auth->lock);
	return wait;
}

/* By others, from somewhere else each time. */
static void
guess_at_bob(void)
{
	for (int i = 0; i < 40; i++) {
		struct guess who = { .name = guessing_name(
					 &auth->guessing, SPAN("bob")) };

		(void)pthread_mutex_lock(&auth->lock);
		guessing_failed(&auth->guessing, &who, clock_us() / 1000);
		(void)pthread_mutex_unlock(&auth->lock);
	}
}

START_TEST(where_an_account_is_at_home_is_kept)
{
	wall = INT64_C(1000000000000);
	open_kept();
	ck_assert_int_eq(log_in("BOB", "secret"), AUTH_OK);
	close_kept();
	wall += 29 * INT64_C(86400000);
	open_kept();
	guess_at_bob();
	/* Until it is read. */
	for (int i = 0; i < 5000 && wait_of_bob("192.0.2.1") > 0; i++)
		(void)usleep(1000);
	ck_assert_uint_eq(wait_of_bob("192.0.2.1"), 0);
	ck_assert_uint_eq(wait_of_bob("192.0.2.2"), 3000);
	close_kept();
	/* For a month. */
	wall += 2 * INT64_C(86400000);
	open_kept();
	guess_at_bob();
	close_kept();
	open_kept();
	guess_at_bob();
	ck_assert_uint_eq(wait_of_bob("192.0.2.1"), 3000);
	/* With the next one that is kept it goes. */
	ck_assert_uint_eq(count_homes(), 1);
	ck_assert_int_eq(log_in("ann@a.test", "secret"), AUTH_OK);
	close_kept();
	open_kept();
	ck_assert_uint_eq(count_homes(), 1);
	close_kept();
	remove_state();
}
END_TEST

START_TEST(logins_may_have_ended_when_there_is_news)
{
	add_key("a", NULL, "2001-09-09T01:46:40Z");
	add_key("b", NULL, "2001-09-09T01:46:42Z");
	open_auth("");
	auth->wall = fake_wall;
	wall = INT64_C(999999999000);
	ck_assert(auth_has_news(auth));
	for (int i = 0; i < 2; i++) {
		ck_assert(!auth_has_news(auth));
		wall = INT64_C(1000000000000) + i * 2000 - 1;
		ck_assert(!auth_has_news(auth));
		wall++;
		ck_assert(auth_has_news(auth));
		ck_assert(!auth_has_news(auth));
	}
	wall += 1000000;
	ck_assert(!auth_has_news(auth));
	change(USERS_SUSPEND, "ann@a.test", "");
	refresh();
	ck_assert(auth_has_news(auth));
	ck_assert(!auth_has_news(auth));
}
END_TEST

/* Whatever labels he makes up, it is bob's key that he guesses. */
START_TEST(who_guesses_keys_guesses_the_account)
{
	struct guess who = { .peer = peer_of("198.51.100.1") };
	char name[16];

	add_key("app", NULL, NULL);
	open_auth("delay = off");
	who.name = guessing_name(&auth->guessing, SPAN("Bob"));
	ck_assert_uint_eq(guessing_wait(&auth->guessing, &who, 1000), 0);
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof name, "bob#%c", "appx1234"[i]);
		ck_assert_int_eq(log_in(name, "pst_guess"), AUTH_BAD);
	}
	ck_assert_uint_gt(
	    guessing_wait(&auth->guessing, &who, loop_now(loop)), 0);
}
END_TEST

START_TEST(a_right_password_is_checked_once)
{
	open_auth("");
	ck_assert_int_eq(log_in("bob", "wrong"), AUTH_BAD);
	ck_assert_int_eq(log_in("bob", "wrong"), AUTH_BAD);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	ck_assert_uint_eq(auth->remember.hits, 0);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	ck_assert_int_eq(log_in("Bob", "secret"), AUTH_OK);
	ck_assert_uint_eq(auth->remember.hits, 2);
	ck_assert_int_eq(log_in("bob", "wrong"), AUTH_BAD);
	ck_assert_int_eq(log_in("ann@a.test", "secret"), AUTH_OK);
	ck_assert_uint_eq(auth->remember.hits, 2);
}
END_TEST

START_TEST(remember_zero_remembers_nothing)
{
	open_auth("remember = 0");
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	ck_assert_uint_eq(auth->remember.hits, 0);
}
END_TEST

START_TEST(a_changed_file_is_seen)
{
	open_auth("");
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	change(USERS_PASSWD, "bob", "fresh");
	change(USERS_ADD, "new", "one");
	/* A login looks, too (once a millisecond): who was added is let in. */
	atomic_store(&auth->looked_at, 0);
	ck_assert_int_eq(log_in("new", "one"), AUTH_OK);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_BAD);
	ck_assert_int_eq(log_in("bob", "fresh"), AUTH_OK);
	ck_assert_int_eq(log_in("new", "one"), AUTH_OK);
	change(USERS_SUSPEND, "bob", "");
	change(USERS_REMOVE, "new", "");
	refresh();
	ck_assert_int_eq(log_in("bob", "fresh"), AUTH_BAD);
	ck_assert_int_eq(log_in("new", "one"), AUTH_BAD);
	change(USERS_RESUME, "bob", "");
	refresh();
	ck_assert_int_eq(log_in("bob", "fresh"), AUTH_OK);
}
END_TEST

static unsigned errors;

static void
count_errors(const struct fact *fact, void *arg)
{
	(void)arg;
	errors += fact->kind == FACT_USERS_UNREADABLE;
}

START_TEST(a_broken_file_changes_nothing)
{
	FILE *f;

	open_auth("");
	errors = 0;
	facts_set_log(count_errors, NULL);
	f = fopen(path, "a");
	(void)fputs("broken\n", f);
	(void)fclose(f);
	refresh();
	refresh();
	ck_assert_uint_eq(errors, 1);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	(void)unlink(path);
	refresh();
	refresh();
	ck_assert_uint_eq(errors, 2);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	write_users();
	change(USERS_REMOVE, "bob", "");
	refresh();
	ck_assert_uint_eq(errors, 2);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_BAD);
	facts_set_log(NULL, NULL);
}
END_TEST

static int
reload(const struct conf *new, struct err *err)
{
	struct auth_next *next;

	/* What is only prepared changes nothing. */
	auth_discard(auth_prepare(auth, new, err));
	next = auth_prepare(auth, new, err);
	if (next == NULL)
		return -1;
	auth_take_next(auth, next);
	return 0;
}

START_TEST(a_reload_takes_another_file)
{
	struct conf *other;
	struct err err = { "" };
	char kept[sizeof path];

	open_auth("");
	(void)strcpy(kept, path);
	(void)snprintf(path, sizeof path, "%.60s/missing", folder);
	other = make_conf("");
	ck_assert_int_lt(reload(other, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "missing"));
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
	change(USERS_ADD, "eve", "one");
	ck_assert_int_eq(reload(other, &err), 0);
	conf_unref(other);
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_BAD);
	ck_assert_int_eq(log_in("eve", "one"), AUTH_OK);
	teardown();
	(void)strcpy(path, kept);
}
END_TEST

START_TEST(a_start_without_accounts_fails)
{
	struct conf *c;
	struct err err = { "" };

	(void)unlink(path);
	c = make_conf("");
	ck_assert_ptr_null(auth_new(c, &err));
	ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
	conf_unref(c);
}
END_TEST

START_TEST(an_exchange_may_end_at_any_time)
{
	struct talk talks[12];

	open_auth("");
	/* Some in the pool, the rest in line. */
	for (size_t i = 0; i < ARRAY_LEN(talks); i++)
		BEGIN(&talks[i], "PLAIN", "\0bob\0secret");
	if (_i == 1)
		(void)wait_for(&talks[0]);
	for (size_t i = 0; i < ARRAY_LEN(talks); i++) {
		/* An answer that was there already is no late one. */
		talks[i].is_answered = true;
		end(&talks[i]);
	}
	auth_close(NULL);
}
END_TEST

/* Names that no account has, as odd as they come. */
static const char *const odd_names[] = { "", " ", "    ", "@", "@a.test",
	"ann@", "ann@a@b", "\x01", "\xff\xfe", "ann@a.test ", " ann@a.test",
	"a/b", "\"ann\"", "ann@a.test\t", "." };

/* One login with the name, as far as the library lets it go. */
static void
try_name(const char *mechanism, const char *name)
{
	char text[256];
	struct talk t;
	size_t n;

	/* What was closed goes when the loop turns. */
	(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	if (strcmp(mechanism, "PLAIN") == 0) {
		n = (size_t)snprintf(
		    text, sizeof text, "%c%s%cpassword", 0, name, 0);
		begin(&t, mechanism, NULL, text, n);
	} else if (strcmp(mechanism, "LOGIN") == 0) {
		begin(&t, mechanism, NULL, NULL, 0);
		ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
		auth_step(t.x, span_text(name));
		if (wait_for(&t) == AUTH_CONTINUE) {
			auth_step(t.x, SPAN("password"));
			(void)wait_for(&t);
		}
		end(&t);
		return;
	} else {
		n = (size_t)snprintf(
		    text, sizeof text, "n,,n=%s,r=0123456789", name);
		begin(&t, mechanism, NULL, text, n);
	}
	ck_assert_int_ne(wait_for(&t), AUTH_OK);
	end(&t);
}

START_TEST(no_name_makes_the_library_leak)
{
	static const char *const mechanisms[] = { "PLAIN", "LOGIN",
		"SCRAM-SHA-256" };
	const char *mechanism = mechanisms[_i];
	size_t before;

	open_auth("delay = off remember = 0");
	for (size_t i = 0; i < ARRAY_LEN(odd_names); i++) {
		/* The first ones fill what each thread keeps. */
		for (int k = 0; k < 100; k++)
			try_name(mechanism, odd_names[i]);
		before = mallinfo2().uordblks;
		for (int k = 0; k < 200; k++)
			try_name(mechanism, odd_names[i]);
		/* Each leak was of hundreds of bytes. */
		ck_assert_msg(mallinfo2().uordblks < before + 20000,
		    "%s, name %zu: %zu bytes in 200", mechanism, i,
		    mallinfo2().uordblks - before);
	}
}
END_TEST

/* Of the same thing, counted once: what is tried has a number of its own. */
START_TEST(the_same_password_has_the_same_number_in_both_mechanisms)
{
	struct talk first, second, other;

	open_auth("");
	BEGIN(&first, "PLAIN", "\0ANN@a.test\0wrong");
	ck_assert_int_eq(wait_for(&first), AUTH_BAD);
	begin(&second, "LOGIN", NULL, NULL, 0);
	ck_assert_int_eq(wait_for(&second), AUTH_CONTINUE);
	auth_step(second.x, SPAN("ann@a.test"));
	ck_assert_int_eq(wait_for(&second), AUTH_CONTINUE);
	auth_step(second.x, SPAN("wrong"));
	ck_assert_int_eq(wait_for(&second), AUTH_BAD);
	BEGIN(&other, "PLAIN", "\0ann@a.test\0wronger");
	ck_assert_int_eq(wait_for(&other), AUTH_BAD);
	ck_assert_uint_ne(first.tried, 0);
	ck_assert_uint_eq(first.tried, second.tried);
	ck_assert_uint_ne(first.tried, other.tried);
	end(&first);
	end(&second);
	end(&other);
}
END_TEST

/* How the account is changed between a login and the next look at it. */
static const struct {
	const char *name;
	enum users_change_kind what;
	const char *password;
	bool holds;
} changes[] = {
	{ "bob", USERS_SUSPEND, NULL, false },
	{ "bob", USERS_REMOVE, NULL, false },
	{ "bob", USERS_PASSWD, "another", false },
	{ "ann@a.test", USERS_REMOVE, NULL, true },
	{ "new", USERS_ADD, "secret", true },
};

START_TEST(a_login_holds_as_long_as_its_account)
{
	uint64_t now = 5000;
	struct talk t;

	open_auth("");
	BEGIN(&t, "PLAIN", "\0bob\0secret");
	ck_assert_int_eq(wait_for(&t), AUTH_OK);
	ck_assert(auth_still_holds(auth, SPAN("bob"), &t.ticket, now));
	change(changes[_i].what, changes[_i].name, changes[_i].password);
	ck_assert_int_eq(
	    auth_still_holds(auth, SPAN("bob"), &t.ticket, now + 1),
	    changes[_i].holds);
	ck_assert_int_eq(
	    auth_still_holds(auth, SPAN("bob"), &t.ticket, now + 2),
	    changes[_i].holds);
	end(&t);
}
END_TEST

START_TEST(an_exchange_that_began_before_the_change_fails)
{
	struct talk t;

	open_auth("remember = 0");
	begin(&t, "LOGIN", NULL, NULL, 0);
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	auth_step(t.x, SPAN("bob"));
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	change(changes[_i].what, changes[_i].name, changes[_i].password);
	auth_step(t.x, SPAN("secret"));
	ck_assert_int_eq(wait_for(&t), changes[_i].holds ? AUTH_OK : AUTH_BAD);
	end(&t);
}
END_TEST

static uint32_t
iterations_of(const char *name)
{
	struct err err = { "" };
	struct users *users = users_read(path, &err);
	uint32_t n;

	ck_assert_msg(users != NULL, "%s", err.text);
	n = users_find(users, span_text(name))->iterations;
	users_free(users);
	return n;
}

START_TEST(a_good_login_renews_a_key_of_few_iterations)
{
	struct talk before, t;

	open_auth("remember = 0");
	BEGIN(&before, "PLAIN", "\0bob\0secret");
	ck_assert_int_eq(wait_for(&before), AUTH_OK);
	ck_assert_uint_eq(iterations_of("bob"), 4096);
	conf_unref(auth->conf);
	auth->conf = make_conf("remember = 0");
	auth->conf->auth_iterations = 5000;
	BEGIN(&t, "PLAIN", "\0bob\0wrong");
	ck_assert_int_eq(wait_for(&t), AUTH_BAD);
	end(&t);
	ck_assert_uint_eq(iterations_of("bob"), 4096);
	for (int i = 0; i < 2; i++) {
		BEGIN(&t, "PLAIN", "\0bob\0secret");
		ck_assert_int_eq(wait_for(&t), AUTH_OK);
		ck_assert(auth_still_holds(auth, SPAN("bob"), &t.ticket, 1000));
		end(&t);
		ck_assert_uint_eq(iterations_of("bob"), 5000);
	}
	ck_assert_uint_eq(iterations_of("ann@a.test"), 4096);
	/* No session takes it for a new password. */
	ck_assert(auth_still_holds(auth, SPAN("bob"), &before.ticket, 2000));
	change(USERS_PASSWD, "bob", "another");
	ck_assert(!auth_still_holds(auth, SPAN("bob"), &before.ticket, 3000));
	end(&before);
}
END_TEST

START_TEST(a_file_that_is_empty_of_a_sudden_logs_nobody_out)
{
	struct err err = { "" };
	struct talk t;
	FILE *f;

	open_auth("remember = 0");
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	refresh();
	BEGIN(&t, "PLAIN", "\0bob\0secret");
	ck_assert_int_eq(wait_for(&t), AUTH_OK);
	end(&t);
	ck_assert_int_eq(reload(conf, &err), 0);
	BEGIN(&t, "PLAIN", "\0bob\0secret");
	ck_assert_int_eq(wait_for(&t), AUTH_BAD);
	end(&t);
}
END_TEST

START_TEST(the_last_account_may_be_removed)
{
	struct talk t;

	open_auth("remember = 0");
	change(USERS_REMOVE, "ann@a.test", NULL);
	change(USERS_REMOVE, "sus", NULL);
	change(USERS_REMOVE, "bob", NULL);
	refresh();
	BEGIN(&t, "PLAIN", "\0bob\0secret");
	ck_assert_int_eq(wait_for(&t), AUTH_BAD);
	end(&t);
	change(USERS_ADD, "bob", "secret");
	refresh();
	BEGIN(&t, "PLAIN", "\0bob\0secret");
	ck_assert_int_eq(wait_for(&t), AUTH_OK);
	end(&t);
}
END_TEST

/* The salt of somebody who is not there, as a client sees it. */
static void
made_up_salt(char out[64])
{
	struct talk t;
	const char *salt;

	begin(&t, "SCRAM-SHA-256", NULL, "n,,n=nobody,r=abc", 17);
	ck_assert_int_eq(wait_for(&t), AUTH_CONTINUE);
	salt = strstr(t.challenge, ",s=");
	ck_assert_ptr_nonnull(salt);
	(void)snprintf(out, 64, "%.24s", salt + 3);
	end(&t);
}

START_TEST(made_up_salts_stay_over_a_restart)
{
	char first[64], second[64], key[160];

	open_auth("");
	made_up_salt(first);
	close_auth();
	open_auth("");
	made_up_salt(second);
	close_auth();
	ck_assert_str_eq(first, second);
	/* And they are of that key. */
	(void)snprintf(key, sizeof key, "%s/state/login-key", folder);
	ck_assert_int_eq(unlink(key), 0);
	open_auth("");
	made_up_salt(second);
	ck_assert_str_ne(first, second);
}
END_TEST

START_TEST(a_login_key_that_is_no_key_is_left_alone)
{
	char first[64], key[160];
	struct stat st;
	FILE *f;

	(void)snprintf(key, sizeof key, "%s/state", folder);
	ck_assert_int_eq(mkdir(key, 0700), 0);
	(void)snprintf(key, sizeof key, "%s/state/login-key", folder);
	f = fopen(key, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs("my diary", f);
	(void)fclose(f);
	open_auth("");
	made_up_salt(first);
	ck_assert_int_eq(stat(key, &st), 0);
	ck_assert_int_eq(st.st_size, 8);
}
END_TEST

START_TEST(exchanges_in_line_have_their_turn)
{
	struct talk talks[20];

	/* What is remembered needs no pool: the first may be done by then. */
	open_auth("remember = 0");
	for (size_t i = 0; i < ARRAY_LEN(talks); i++)
		BEGIN(&talks[i], "PLAIN", "\0bob\0secret");
	/* All from one address: it leaves a room for others. */
	ck_assert_uint_eq(auth->line.running, auth->line.most - 1);
	/* Every third one leaves the line. */
	for (size_t i = 0; i < ARRAY_LEN(talks); i += 3)
		end(&talks[i]);
	for (size_t i = 0; i < ARRAY_LEN(talks); i++)
		if (talks[i].x != NULL)
			ck_assert_int_eq(wait_for(&talks[i]), AUTH_OK);
	for (size_t i = 0; i < ARRAY_LEN(talks); i++)
		if (talks[i].x != NULL)
			end(&talks[i]);
	while (auth->line.running > 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert(list_is_empty(&auth->line.turns));
}
END_TEST

/* Closes while the answer is read: what it was given must still be there. */
static void
on_answer_close(const struct auth_answer *a, void *arg)
{
	struct talk *t = arg;

	end(t);
	on_answer(a, t);
}

START_TEST(a_callback_may_close_its_exchange)
{
	struct auth_options o = {
		.mechanism = SPAN("PLAIN"),
		.has_initial = true,
		.initial = SPAN("\0bob\0secret"),
	};
	struct talk t = { 0 };

	open_auth("");
	t.x = auth_start(auth, loop, &o, on_answer_close, &t);
	ck_assert_int_eq(wait_for(&t), AUTH_OK);
	ck_assert_str_eq(t.login, "bob");
}
END_TEST

/* A worker of its own: logs in again and again. */
static atomic_int rounds, wrong;

struct worker {
	uv_thread_t thread;
	struct loop *loop;
	struct auth_exchange *x;
	int left;
};

static void on_worker_answer(const struct auth_answer *a, void *arg);

static void
start_again(struct worker *w)
{
	struct auth_options o = {
		.mechanism = SPAN("PLAIN"),
		.has_initial = true,
		.initial = SPAN("\0bob\0secret"),
	};

	w->x = auth_start(auth, w->loop, &o, on_worker_answer, w);
}

static void
on_worker_answer(const struct auth_answer *a, void *arg)
{
	struct worker *w = arg;

	(void)atomic_fetch_add(&rounds, 1);
	if (a->result != AUTH_OK || !span_equal(a->login, SPAN("bob")))
		(void)atomic_fetch_add(&wrong, 1);
	auth_close(w->x);
	if (--w->left > 0)
		start_again(w);
	else
		loop_stop(w->loop);
}

static void
run_worker(void *arg)
{
	struct worker *w = arg;

	start_again(w);
	loop_run(w->loop);
}

START_TEST(workers_log_in_while_the_file_changes)
{
	struct worker workers[4];

	open_auth("");
	atomic_store(&rounds, 0);
	atomic_store(&wrong, 0);
	for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
		workers[i] = (struct worker){ .loop = loop_new(), .left = 15 };
		ck_assert_int_eq(uv_thread_create(&workers[i].thread,
				     run_worker, &workers[i]),
		    0);
	}
	for (int i = 0; atomic_load(&rounds) < 60; i++) {
		change(i % 2 == 0 ? USERS_SUSPEND : USERS_RESUME, "sus", "");
		refresh();
	}
	for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
		(void)uv_thread_join(&workers[i].thread);
		loop_free(workers[i].loop);
	}
	ck_assert_int_eq(atomic_load(&wrong), 0);
}
END_TEST

START_TEST(mechanisms_are_known_or_not)
{
	open_auth("");
	ck_assert(auth_has_mechanism(auth, SPAN("PLAIN")));
	ck_assert(auth_has_mechanism(auth, SPAN("LOGIN")));
	ck_assert(auth_has_mechanism(auth, SPAN("SCRAM-SHA-256")));
	ck_assert(auth_has_mechanism(auth, SPAN("SCRAM-SHA-256-PLUS")));
	ck_assert(!auth_has_mechanism(auth, SPAN("NO-SUCH")));
	ck_assert(!auth_has_mechanism(auth, SPAN("")));
}
END_TEST

START_TEST(a_mechanism_that_is_not_offered_does_not_run)
{
	struct talk t;

	open_auth("mechanisms = { SCRAM-SHA-256 }");
	BEGIN(&t, "PLAIN", "\0bob\0secret");
	ck_assert_int_ne(wait_for(&t), AUTH_OK);
	end(&t);
	BEGIN(&t, "ANONYMOUS", "bob");
	ck_assert_int_ne(wait_for(&t), AUTH_OK);
	end(&t);
}
END_TEST

/* libsasl2 starts and ends as often as relays do. */
START_TEST(several_at_once_and_again)
{
	struct err err;

	for (int i = 0; i < 3; i++) {
		struct conf *c = make_conf("");
		struct auth *second = auth_new(c, &err);

		open_auth("");
		ck_assert_ptr_nonnull(second);
		ck_assert_int_eq(log_in("bob", "secret"), AUTH_OK);
		auth_free(second);
		ck_assert_int_eq(log_in("ann@a.test", "secret"), AUTH_OK);
		conf_unref(c);
		close_auth();
	}
}
END_TEST

/*
 * Cyrus SASL's own configuration, from a folder of the test's. There is no
 * saslauthd at the path that it names.
 */
static void
write_cyrus(const char *text)
{
	char name[160];
	FILE *f;

	(void)snprintf(name, sizeof name, "%s/postern.conf", folder);
	f = fopen(name, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
	ck_assert_int_eq(sasl_set_path(SASL_PATH_TYPE_CONFIG, folder), SASL_OK);
}

static void
remove_cyrus(void)
{
	char name[160];

	(void)snprintf(name, sizeof name, "%s/postern.conf", folder);
	(void)unlink(name);
}

START_TEST(a_back_end_that_is_down_is_temporary)
{
	char text[256];

	(void)snprintf(text, sizeof text,
	    "pwcheck_method: saslauthd\nsaslauthd_path: %s/mux\n"
	    "mech_list: PLAIN LOGIN\n",
	    folder);
	write_cyrus(text);
	open_auth("backend = cyrus mechanisms = { PLAIN, LOGIN, ANONYMOUS }");
	ck_assert_int_eq(log_in("bob", "secret"), AUTH_TEMPORARY);
	remove_cyrus();
}
END_TEST

START_TEST(anonymous_is_nobody)
{
	struct talk t;

	write_cyrus("mech_list: PLAIN ANONYMOUS\n");
	open_auth("backend = cyrus mechanisms = { PLAIN, ANONYMOUS }");
	BEGIN(&t, "ANONYMOUS", "bob");
	ck_assert_int_ne(wait_for(&t), AUTH_OK);
	end(&t);
	remove_cyrus();
}
END_TEST

/* One answer of a saslauthd: a length of two bytes and a text. */
struct saslauthd {
	uv_pipe_t listener, client;
	const char *answer;
	char buf[1024];
};

static void
on_saslauthd_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct saslauthd *d = s->data;
	char reply[64];
	uv_buf_t out;

	(void)buf;
	if (n <= 0)
		return;
	reply[0] = 0;
	reply[1] = (char)strlen(d->answer);
	(void)strcpy(reply + 2, d->answer);
	out = uv_buf_init(reply, (unsigned)strlen(d->answer) + 2);
	(void)uv_try_write(s, &out, 1);
	uv_close((uv_handle_t *)s, NULL);
	uv_close((uv_handle_t *)&d->listener, NULL);
}

static void
alloc_saslauthd(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct saslauthd *d = h->data;

	(void)size;
	*buf = uv_buf_init(d->buf, sizeof d->buf);
}

static void
on_saslauthd_client(uv_stream_t *s, int status)
{
	struct saslauthd *d = s->data;

	ck_assert_int_eq(status, 0);
	(void)uv_pipe_init(loop_uv(loop), &d->client, 0);
	d->client.data = d;
	(void)uv_accept(s, (uv_stream_t *)&d->client);
	(void)uv_read_start(
	    (uv_stream_t *)&d->client, alloc_saslauthd, on_saslauthd_read);
}

static const struct {
	const char *answer;
	enum auth_result want;
} saslauthds[] = {
	{ "OK", AUTH_OK },
	{ "NO", AUTH_BAD },
	{ "NO authentication failed", AUTH_BAD },
};

START_TEST(cyrus_decides_with_its_own_means)
{
	struct saslauthd d = { .answer = saslauthds[_i].answer };
	char text[256], mux[160];

	(void)snprintf(mux, sizeof mux, "%s/mux", folder);
	(void)snprintf(text, sizeof text,
	    "pwcheck_method: saslauthd\nsaslauthd_path: %s\n"
	    "mech_list: PLAIN LOGIN\n",
	    mux);
	write_cyrus(text);
	open_auth("backend = cyrus mechanisms = { PLAIN, LOGIN }");
	(void)uv_pipe_init(loop_uv(loop), &d.listener, 0);
	d.listener.data = &d;
	ck_assert_int_eq(uv_pipe_bind(&d.listener, mux), 0);
	ck_assert_int_eq(
	    uv_listen((uv_stream_t *)&d.listener, 1, on_saslauthd_client), 0);
	ck_assert_int_eq(log_in("bob", "whatever"), saslauthds[_i].want);
	close_auth();
	(void)unlink(mux);
	remove_cyrus();
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, plain_takes_one_message, 0, ARRAY_LEN(plain));
	tcase_add_test(tc, plain_without_initial_response_is_asked_for);
	tcase_add_loop_test(tc, names_of_many_bytes_are_bad, 0, 3);
	tcase_add_test(tc, a_password_of_many_bytes_is_wrong);
	tcase_add_loop_test(tc, login_takes_two_messages, 0, ARRAY_LEN(login));
	tcase_add_loop_test(tc, scram_proves_both_sides, 0, ARRAY_LEN(scrams));
	tcase_add_test(tc, scram_says_y_where_plus_is_not_offered);
	tcase_add_test(tc, plus_alone_may_be_offered);
	tcase_add_loop_test(
	    tc, scram_refuses_what_is_no_message, 0, ARRAY_LEN(malformed));
	tcase_add_loop_test(tc, scram_refuses_a_last_message_that_is_none, 0,
	    ARRAY_LEN(finals));
	tcase_add_test(tc, an_account_that_is_not_there_looks_like_one);
	tcase_add_loop_test(tc, a_key_logs_in_as_its_account, 0, 4);
	tcase_add_loop_test(
	    tc, what_is_no_key_takes_the_long_way, 0, (int)ARRAY_LEN(no_keys));
	tcase_add_test(tc, a_key_of_a_suspended_account_takes_the_long_way);
	tcase_add_loop_test(tc, a_key_is_narrowed, 0, (int)ARRAY_LEN(narrowed));
	tcase_add_test(tc, a_key_that_is_not_there_looks_like_one);
	tcase_add_loop_test(tc, a_login_by_key_holds_as_long_as_the_key, 0, 6);
	tcase_add_test(tc, a_key_that_goes_while_its_login_is_under_way_fails);
	tcase_add_test(tc, who_guesses_keys_guesses_the_account);
	tcase_add_test(tc, when_a_key_was_used_is_kept);
	tcase_add_test(tc, where_an_account_is_at_home_is_kept);
	tcase_add_test(tc, logins_may_have_ended_when_there_is_news);
	tcase_add_test(tc, a_right_password_is_checked_once);
	tcase_add_test(tc, remember_zero_remembers_nothing);
	tcase_add_test(tc, a_changed_file_is_seen);
	tcase_add_test(tc, a_broken_file_changes_nothing);
	tcase_add_test(tc, a_reload_takes_another_file);
	tcase_add_test(tc, a_start_without_accounts_fails);
	tcase_add_loop_test(tc, an_exchange_may_end_at_any_time, 0, 2);
	tcase_add_test(tc, exchanges_in_line_have_their_turn);
	tcase_add_loop_test(tc, no_name_makes_the_library_leak, 0, 3);
	tcase_add_test(
	    tc, the_same_password_has_the_same_number_in_both_mechanisms);
	tcase_add_loop_test(
	    tc, a_login_holds_as_long_as_its_account, 0, ARRAY_LEN(changes));
	tcase_add_loop_test(tc, an_exchange_that_began_before_the_change_fails,
	    0, ARRAY_LEN(changes));
	tcase_add_test(tc, a_good_login_renews_a_key_of_few_iterations);
	tcase_add_test(tc, a_file_that_is_empty_of_a_sudden_logs_nobody_out);
	tcase_add_test(tc, the_last_account_may_be_removed);
	tcase_add_test(tc, made_up_salts_stay_over_a_restart);
	tcase_add_test(tc, a_login_key_that_is_no_key_is_left_alone);
	tcase_add_test(tc, a_callback_may_close_its_exchange);
	tcase_add_test(tc, workers_log_in_while_the_file_changes);
	tcase_add_test(tc, mechanisms_are_known_or_not);
	tcase_add_test(tc, a_mechanism_that_is_not_offered_does_not_run);
	tcase_add_test(tc, several_at_once_and_again);
	tcase_add_test(tc, a_back_end_that_is_down_is_temporary);
	tcase_add_test(tc, anonymous_is_nobody);
	tcase_add_loop_test(
	    tc, cyrus_decides_with_its_own_means, 0, ARRAY_LEN(saslauthds));
}

SUITE_MAIN("auth", fill)
