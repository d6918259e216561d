#include "sign/body.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "relaxed.h"

struct body_hash {
	struct relaxed_body relaxed;
	EVP_MD_CTX *sha; /* owned; NULL: OpenSSL failed */
	bool failed;
};

static void
on_bytes(struct span bytes, void *arg)
{
	struct body_hash *h = arg;

	if (!h->failed && EVP_DigestUpdate(h->sha, bytes.ptr, bytes.len) != 1)
		h->failed = true;
}

struct body_hash *
body_hash_new(void)
{
	struct body_hash *h = MEM_NEW(struct body_hash);

	h->relaxed = (struct relaxed_body){ .sink = on_bytes, .arg = h };
	h->sha = EVP_MD_CTX_new();
	h->failed = h->sha == NULL ||
		    EVP_DigestInit_ex(h->sha, EVP_sha256(), NULL) != 1;
	return h;
}

void
body_hash_free(struct body_hash *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->sha);
	free(h);
}

void
body_hash_add(struct body_hash *h, struct span bytes)
{
	relaxed_body_add(&h->relaxed, bytes);
}

bool
body_hash_end(struct body_hash *h, unsigned char out[BODY_HASH_SIZE])
{
	relaxed_body_end(&h->relaxed);
	if (!h->failed && EVP_DigestFinal_ex(h->sha, out, NULL) != 1)
		h->failed = true;
	return !h->failed;
}
