/*
 * A key's file is text that openssl(1) reads, too: lines about the key, then the
 * private key as PEM.
 *
 *	Postern DKIM key
 *	domain: example.com
 *	selector: 20261127-x4kq-rsa
 *	state: active
 *	made: 1795816800
 *	since: 1795820400
 *	-----BEGIN PRIVATE KEY-----
 */
#include "sign/key.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/address.h"
#include "smtp/base64.h"

enum { RSA_BITS = 2048, RSA_MOST = KEY_SIGNATURE_MAX * 8, ED25519_SIZE = 32 };

struct key_use {
	atomic_uint refs, count;
};

struct key {
	atomic_uint refs;
	char *domain, *selector, *name, *record; /* owned */
	enum key_algorithm algorithm;
	enum key_state state;
	int64_t made, since;
	EVP_PKEY *pkey; /* owned reference */
	struct key_use *use; /* owned reference */
};

static const char first_line[] = "Postern DKIM key";
static const char *const states[KEY_STATES] = {
	[KEY_WAITING] = "waiting",
	[KEY_ACTIVE] = "active",
	[KEY_RETIRING] = "retiring",
	[KEY_RETIRED] = "retired",
};

const char *
key_algorithm_name(enum key_algorithm a)
{
	return a == KEY_RSA ? "rsa-sha256" : "ed25519-sha256";
}

const char *
key_record_name(enum key_algorithm a)
{
	return a == KEY_RSA ? "rsa" : "ed25519";
}

const char *
key_state_name(enum key_state s)
{
	return states[s];
}

/* RFC 6376 3.1: a name of one label or more. */
bool
key_selector_is_valid(struct span selector)
{
	return selector.len <= KEY_SELECTOR_MAX && domain_is_valid(selector);
}

/* --- OpenSSL's words --- */

static int
openssl_failed(struct err *err, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return err_set(err, -1, "%s: %s", what, why == NULL ? "failed" : why);
}

/* --- one --- */

static bool
fill_record(struct key *k, struct err *err)
{
	unsigned char raw[ED25519_SIZE], *der = NULL;
	size_t size = sizeof raw;
	struct buf text = { .max = KEY_RECORD_MAX };
	int len;
	bool fine = false;

	(void)buf_printf(
	    &text, "v=DKIM1; k=%s; p=", key_record_name(k->algorithm));
	if (k->algorithm == KEY_ED25519) {
		fine = EVP_PKEY_get_raw_public_key(k->pkey, raw, &size) == 1 &&
		       base64_encode(span_make((char *)raw, size), &text);
	} else {
		len = i2d_PUBKEY(k->pkey, &der);
		fine =
		    len > 0 &&
		    base64_encode(span_make((char *)der, (size_t)len), &text);
		OPENSSL_free(der);
	}
	if (!fine || buf_is_over(&text))
		(void)openssl_failed(err, "the public key cannot be written");
	else
		k->record = span_dup(buf_span(&text));
	buf_clear(&text);
	return k->record != NULL;
}

/* Takes the private key. NULL: it is of no use here. */
static struct key *
key_new_take(
    EVP_PKEY *pkey, struct span domain, struct span selector, struct err *err)
{
	int type = EVP_PKEY_get_base_id(pkey);
	struct key *k;

	if (type != EVP_PKEY_RSA && type != EVP_PKEY_ED25519) {
		(void)err_set(
		    err, -1, "the private key is neither RSA nor Ed25519");
		EVP_PKEY_free(pkey);
		return NULL;
	}
	if (type == EVP_PKEY_RSA && (EVP_PKEY_get_bits(pkey) < KEY_RSA_LEAST ||
					EVP_PKEY_get_bits(pkey) > RSA_MOST)) {
		(void)err_set(err, -1, "a key of %d bits, expected %d to %d",
		    EVP_PKEY_get_bits(pkey), KEY_RSA_LEAST, RSA_MOST);
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k = MEM_NEW(struct key);
	atomic_init(&k->refs, 1);
	k->pkey = pkey;
	k->algorithm = type == EVP_PKEY_RSA ? KEY_RSA : KEY_ED25519;
	k->domain = span_dup(domain);
	k->selector = span_dup(selector);
	k->name = mem_printf("%s._domainkey.%s", k->selector, k->domain);
	k->use = MEM_NEW(struct key_use);
	atomic_init(&k->use->refs, 1);
	if (fill_record(k, err))
		return k;
	key_unref(k);
	return NULL;
}

struct key *
key_make(enum key_algorithm algorithm, struct span domain, struct span selector,
    int64_t now, struct err *err)
{
	EVP_PKEY *pkey =
	    algorithm == KEY_RSA
		? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS)
		: EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct key *k;

	assert(key_selector_is_valid(selector));
	if (pkey == NULL) {
		(void)openssl_failed(err, "no key could be made");
		return NULL;
	}
	k = key_new_take(pkey, domain, selector, err);
	if (k != NULL)
		k->made = k->since = now;
	return k;
}

static void
use_unref(struct key_use *use)
{
	if (atomic_fetch_sub(&use->refs, 1) == 1)
		free(use);
}

struct key *
key_in_state(const struct key *old, enum key_state s, int64_t now)
{
	struct key *k = MEM_NEW(struct key);

	atomic_init(&k->refs, 1);
	k->domain = mem_strdup(old->domain);
	k->selector = mem_strdup(old->selector);
	k->name = mem_strdup(old->name);
	k->record = mem_strdup(old->record);
	k->algorithm = old->algorithm;
	k->state = s;
	k->made = old->made;
	k->since = now;
	k->pkey = old->pkey;
	(void)EVP_PKEY_up_ref(k->pkey);
	k->use = old->use;
	(void)atomic_fetch_add(&k->use->refs, 1);
	return k;
}

struct key *
key_ref(struct key *k)
{
	(void)atomic_fetch_add(&k->refs, 1);
	return k;
}

void
key_unref(struct key *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	EVP_PKEY_free(k->pkey);
	use_unref(k->use);
	free(k->domain);
	free(k->selector);
	free(k->name);
	free(k->record);
	free(k);
}

/* --- its file --- */

/* What its lines say. */
struct lines {
	struct span domain, selector, state, made, since;
};

static bool
take_line(struct lines *l, struct span line)
{
	struct span name = span_cut(&line, ':'), value = span_trim(line);
	struct {
		const char *name;
		struct span *to;
	} const known[] = {
		{ "domain", &l->domain },
		{ "selector", &l->selector },
		{ "state", &l->state },
		{ "made", &l->made },
		{ "since", &l->since },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_equal(name, span_text(known[i].name)))
			*known[i].to = value;
	return true; /* a newer version's lines are left alone */
}

bool
key_is_file_of_ours(struct span text)
{
	return span_equal(
	    span_trim(span_cut(&text, '\n')), span_text(first_line));
}

/* A password that somebody set on the file cannot be asked for. */
static int
no_password(char *out, int size, int writes, void *arg)
{
	(void)out;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

static EVP_PKEY *
read_private(struct span pem)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *pkey = NULL;

	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	return pkey;
}

static bool
find_state(struct span name, enum key_state *out)
{
	for (int i = 0; i < KEY_STATES; i++)
		if (span_equal(name, span_text(states[i]))) {
			*out = (enum key_state)i;
			return true;
		}
	return false;
}

static bool
name_is_valid(struct span domain, struct span selector)
{
	return domain_is_valid(domain) && key_selector_is_valid(selector) &&
	       domain.len + selector.len + 12 <= KEY_DOMAIN_MAX;
}

struct key *
key_parse(struct span text, struct err *err)
{
	struct lines l = { 0 };
	uint64_t made = 0, since = 0;
	enum key_state state = KEY_WAITING;
	EVP_PKEY *pkey;
	struct key *k;

	if (text.len > KEY_FILE_MAX || !key_is_file_of_ours(text)) {
		(void)err_set(
		    err, -1, "it does not begin with \"%s\"", first_line);
		return NULL;
	}
	(void)span_cut(&text, '\n');
	while (text.len > 0 && !span_starts(text, SPAN("-----")))
		(void)take_line(&l, span_cut(&text, '\n'));
	if (!name_is_valid(l.domain, l.selector) ||
	    !find_state(l.state, &state) ||
	    !span_to_u64(l.made, INT64_MAX, &made) ||
	    !span_to_u64(l.since, INT64_MAX, &since)) {
		(void)err_set(err, -1,
		    "its lines domain, selector, state, made or since are not "
		    "whole");
		return NULL;
	}
	pkey = read_private(text);
	if (pkey == NULL) {
		(void)openssl_failed(err, "the private key cannot be read");
		return NULL;
	}
	k = key_new_take(pkey, l.domain, l.selector, err);
	if (k == NULL)
		return NULL;
	k->state = state;
	k->made = (int64_t)made;
	k->since = (int64_t)since;
	return k;
}

int
key_write(const struct key *k, struct buf *out, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem;
	long len;
	int rc = 0;

	(void)buf_printf(out,
	    "%s\ndomain: %s\nselector: %s\nstate: %s\nmade: %lld\n"
	    "since: %lld\n",
	    first_line, k->domain, k->selector, states[k->state],
	    (long long)k->made, (long long)k->since);
	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(
			       bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		rc = openssl_failed(err, "the private key cannot be written");
	} else {
		len = BIO_get_mem_data(bio, &pem);
		if (!buf_append(out, pem, (size_t)len))
			rc = err_set(err, -1, "the private key is too long");
	}
	BIO_free(bio);
	return rc;
}

/* --- what it is --- */

const char *
key_domain(const struct key *k)
{
	return k->domain;
}

const char *
key_selector(const struct key *k)
{
	return k->selector;
}

enum key_algorithm
key_algorithm(const struct key *k)
{
	return k->algorithm;
}

enum key_state
key_state(const struct key *k)
{
	return k->state;
}

int64_t
key_made(const struct key *k)
{
	return k->made;
}

int64_t
key_since(const struct key *k)
{
	return k->since;
}

const char *
key_name(const struct key *k)
{
	return k->name;
}

const char *
key_record(const struct key *k)
{
	return k->record;
}

/* --- signing --- */

/* RFC 8463 3: the hash is what is signed, by Ed25519 as it is (RFC 8032 5.1). */
static bool
sign_ed25519(const struct key *k, const unsigned char hash[32],
    unsigned char *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool fine = ctx != NULL &&
		    EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestSign(ctx, out, len, hash, 32) == 1;

	EVP_MD_CTX_free(ctx);
	return fine;
}

static bool
sign_rsa(const struct key *k, const unsigned char hash[32], unsigned char *out,
    size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	bool fine = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_sign(ctx, out, len, hash, 32) == 1;

	EVP_PKEY_CTX_free(ctx);
	return fine;
}

size_t
key_sign(const struct key *k, const unsigned char hash[32],
    unsigned char out[KEY_SIGNATURE_MAX])
{
	size_t len = KEY_SIGNATURE_MAX;
	bool fine = k->algorithm == KEY_RSA ? sign_rsa(k, hash, out, &len)
					    : sign_ed25519(k, hash, out, &len);

	if (!fine)
		ERR_clear_error();
	return fine ? len : 0;
}

/* --- uses --- */

void
key_share_use(struct key *k, const struct key *before)
{
	if (k->use == before->use)
		return;
	use_unref(k->use);
	k->use = before->use;
	(void)atomic_fetch_add(&k->use->refs, 1);
}

void
key_use(struct key *k)
{
	(void)atomic_fetch_add(&k->use->count, 1);
}

void
key_unuse(struct key *k)
{
	(void)atomic_fetch_sub(&k->use->count, 1);
}

uint32_t
key_uses(const struct key *k)
{
	return atomic_load(&k->use->count);
}
