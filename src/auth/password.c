/* Keys from passwords: RFC 5802 section 3 with SHA-256 (RFC 7677). */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

#include "auth_priv.h"
#include "io/loop.h"

bool
hmac_sha256(struct span key, struct span data, unsigned char out[USERS_KEY_LEN])
{
	unsigned len = 0;

	return HMAC(EVP_sha256(), key.ptr, (int)key.len,
		   (const unsigned char *)data.ptr, data.len, out,
		   &len) != NULL &&
	       len == USERS_KEY_LEN;
}

static struct span
key_span(const unsigned char key[USERS_KEY_LEN])
{
	return span_make((const char *)key, USERS_KEY_LEN);
}

bool
user_derive(struct user *u, struct span password)
{
	unsigned char salted[USERS_KEY_LEN], client[USERS_KEY_LEN];
	bool ok;

	ok = PKCS5_PBKDF2_HMAC(password.ptr, (int)password.len, u->salt,
		 (int)u->salt_len, (int)u->iterations, EVP_sha256(),
		 sizeof salted, salted) == 1 &&
	     hmac_sha256(key_span(salted), SPAN("Client Key"), client) &&
	     hmac_sha256(key_span(salted), SPAN("Server Key"), u->server_key) &&
	     EVP_Digest(client, sizeof client, u->stored_key, NULL,
		 EVP_sha256(), NULL) == 1;
	mem_wipe(salted, sizeof salted);
	mem_wipe(client, sizeof client);
	return ok;
}

int
user_set_password(
    struct user *u, struct span password, uint32_t iterations, struct err *err)
{
	if (password.len == 0 || password.len > PASSWORD_MAX ||
	    memchr(password.ptr, '\0', password.len) != NULL)
		return err_set(err, -EINVAL,
		    "the password is empty, longer than %d bytes or has a NUL",
		    PASSWORD_MAX);
	u->iterations = iterations;
	u->salt_len = USERS_SALT_LEN;
	random_fill(u->salt, u->salt_len);
	if (!user_derive(u, password))
		return err_set(err, -EIO, "the key derivation failed");
	return 0;
}

bool
user_check_password(const struct user *u, struct span password)
{
	struct user tried = *u;
	bool ok;

	/* Longer ones are never set; the work is bounded, the answer the same. */
	ok = user_derive(&tried, span_to(password, PASSWORD_MAX)) &&
	     CRYPTO_memcmp(tried.stored_key, u->stored_key, USERS_KEY_LEN) ==
		 0 &&
	     password.len <= PASSWORD_MAX;
	mem_wipe(&tried, sizeof tried);
	return ok;
}
