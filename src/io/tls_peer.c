#include "io/tls_peer.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/file.h"
#include "conf/conf.h"

/* Who is not verified is no one: that is for the login to say, not the handshake. */
static int
accept_all(int is_fine, X509_STORE_CTX *store)
{
	(void)is_fine;
	(void)store;
	return 1;
}

static bool
has_fingerprints(const struct conf *conf)
{
	for (size_t i = 0; i < conf->naccounts; i++)
		if (conf->accounts[i].nfingerprints > 0)
			return true;
	return false;
}

static int
load(SSL_CTX *ctx, const char *file, struct err *err)
{
	unsigned long code;

	if (file_is_readable("tls.client-ca", file, err) != 0)
		return -EINVAL;
	errno = 0;
	ERR_clear_error();
	if (SSL_CTX_load_verify_locations(ctx, file, NULL) == 1)
		return 0;
	code = ERR_peek_last_error();
	ERR_clear_error();
	return err_set(err, -EINVAL,
	    "tls.client-ca %s: %s; expected certificates of your own "
	    "authority, PEM",
	    file,
	    errno != 0	? strerror(errno)
	    : code != 0 ? ERR_reason_error_string(code)
			: "no certificate is in it");
}

int
tls_peer_ask(SSL_CTX *ctx, const struct conf *conf, struct err *err)
{
	const char *ca = conf->certificates[0].client_ca;

	if (ca == NULL && !has_fingerprints(conf))
		return 0;
	if (ca != NULL && load(ctx, ca, err) != 0)
		return -EINVAL;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_all);
	return 0;
}

int
tls_peer_look(const char *client_ca, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int rc = load(ctx, client_ca, err);

	SSL_CTX_free(ctx);
	return rc;
}

/* The first mail address among its names (RFC 5280 4.2.1.6). */
static void
take_address(X509 *cert, char out[TLS_PEER_ADDRESS_SIZE])
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const unsigned char *text;
		int len;

		if (name->type != GEN_EMAIL)
			continue;
		text = ASN1_STRING_get0_data(name->d.rfc822Name);
		len = ASN1_STRING_length(name->d.rfc822Name);
		if (len <= 0 || len >= TLS_PEER_ADDRESS_SIZE ||
		    memchr(text, '\0', (size_t)len) != NULL)
			continue;
		memcpy(out, text, (size_t)len);
		out[len] = '\0';
		break;
	}
	GENERAL_NAMES_free(names);
}

void
tls_peer_get(const SSL *ssl, struct tls_peer *out)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	unsigned len = 0;

	*out = (struct tls_peer){ .is_there = false };
	if (cert == NULL ||
	    X509_digest(cert, EVP_sha256(), out->sha256, &len) != 1)
		return;
	out->is_there = true;
	out->is_verified = SSL_get_verify_result(ssl) == X509_V_OK;
	if (out->is_verified)
		take_address(cert, out->address);
}
