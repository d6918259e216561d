/*
 * A field is written without b=, hashed behind the header that it covers (RFC 6376
 * 3.7), and then b= is added. Everything is folded, so that no line is long.
 */
#include "sign/signature.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "relaxed.h"
#include "sign/fields.h"
#include "sign/key.h"
#include "smtp/base64.h"

enum { LINE_MAX_ = 76, TEXT_MAX = 1 << 18 };

struct signature {
	atomic_uint refs;
	struct buf text; /* owned */
	struct key *keys[SIGNATURE_KEYS_MAX]; /* owned references */
	unsigned nkeys;
	char selectors[2 * 64 + 2];
};

/* h=: names parted by colons, folded behind one (RFC 6376 3.5). */
static void
put_names(struct span names, struct buf *out)
{
	size_t column = 3;

	(void)buf_append_text(out, " h=");
	while (names.len > 0) {
		struct span name = span_cut(&names, ':');

		if (column + name.len + 1 > LINE_MAX_ && column > 3) {
			(void)buf_append_text(out, "\r\n  ");
			column = 2;
		}
		(void)buf_append_span(out, name);
		(void)buf_append_char(out, names.len > 0 ? ':' : ';');
		column += name.len + 1;
	}
	(void)buf_append_text(out, "\r\n");
}

static void
put_tags(
    const struct signature_request *r, const struct key *k, struct buf *out)
{
	(void)buf_printf(out,
	    "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n"
	    " d=%s; s=%s;\r\n"
	    " t=%lld; x=%lld;\r\n",
	    key_algorithm_name(key_algorithm(k)), key_domain(k),
	    key_selector(k), (long long)r->now, (long long)r->expires);
	put_names(buf_span(&r->fields->names), out);
	(void)buf_append_text(out, " bh=");
	(void)base64_encode(
	    span_make((const char *)r->body_hash, BODY_HASH_SIZE), out);
	(void)buf_append_text(out, ";\r\n b=");
}

/* The header's part, then this field with an empty b= and no line end. */
static bool
hash_header(struct span header, struct span field, unsigned char out[32])
{
	struct buf own = { .max = TEXT_MAX };
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	bool fine;

	relaxed_field(field, &own);
	fine = sha != NULL && EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(sha, header.ptr, header.len) == 1 &&
	       EVP_DigestUpdate(sha, buf_span(&own).ptr, buf_len(&own)) == 1 &&
	       EVP_DigestFinal_ex(sha, out, NULL) == 1;
	EVP_MD_CTX_free(sha);
	buf_clear(&own);
	return fine;
}

static void
put_signature(struct span bytes, struct buf *out)
{
	struct buf text = { 0 };
	struct span left;
	size_t room = LINE_MAX_ - 3; /* behind " b=" */

	(void)base64_encode(bytes, &text);
	for (left = buf_span(&text); left.len > 0;
	     left = span_from(left, room)) {
		if (left.len < buf_len(&text)) {
			(void)buf_append_text(out, "\r\n  ");
			room = LINE_MAX_ - 2;
			(void)buf_append_span(out, span_to(left, room));
			continue;
		}
		(void)buf_append_span(out, span_to(left, room));
	}
	(void)buf_append_text(out, "\r\n");
	buf_clear(&text);
}

static int
add(struct signature *s, const struct signature_request *r, struct key *k,
    struct err *err)
{
	unsigned char hash[32], bytes[KEY_SIGNATURE_MAX];
	size_t at = buf_len(&s->text), len = 0;

	put_tags(r, k, &s->text);
	if (hash_header(buf_span(&r->fields->canonical),
		span_from(buf_span(&s->text), at), hash))
		len = key_sign(k, hash, bytes);
	if (len == 0)
		return err_set(err, -1, "OpenSSL does not sign with the key %s",
		    key_name(k));
	put_signature(span_make((char *)bytes, len), &s->text);
	s->keys[s->nkeys++] = key_ref(k);
	key_use(k);
	return buf_is_over(&s->text)
		   ? err_set(err, -1, "the signature is too long")
		   : 0;
}

struct signature *
signature_make(const struct signature_request *r, struct err *err)
{
	struct signature *s = MEM_NEW(struct signature);

	atomic_init(&s->refs, 1);
	s->text.max = TEXT_MAX;
	for (unsigned i = 0; i < r->nkeys; i++)
		if (add(s, r, r->keys[i], err) != 0) {
			signature_unref(s);
			return NULL;
		}
	(void)snprintf(s->selectors, sizeof s->selectors, "%s%s%s",
	    key_selector(s->keys[0]), s->nkeys > 1 ? " " : "",
	    s->nkeys > 1 ? key_selector(s->keys[1]) : "");
	buf_fit(&s->text);
	return s;
}

struct signature *
signature_ref(struct signature *s)
{
	(void)atomic_fetch_add(&s->refs, 1);
	return s;
}

void
signature_unref(struct signature *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < s->nkeys; i++) {
		key_unuse(s->keys[i]);
		key_unref(s->keys[i]);
	}
	buf_clear(&s->text);
	free(s);
}

struct span
signature_text(const struct signature *s)
{
	return s == NULL ? SPAN("") : buf_span(&s->text);
}

const char *
signature_domain(const struct signature *s)
{
	return key_domain(s->keys[0]);
}

const char *
signature_selectors(const struct signature *s)
{
	return s->selectors;
}
