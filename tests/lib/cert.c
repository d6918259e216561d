#include "tests/lib/cert.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
add_name(X509 *cert, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	X509_EXTENSION *ext;
	char alt[200];

	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	(void)X509_set_issuer_name(cert, subject);
	(void)snprintf(alt, sizeof alt, "DNS:%s", name);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	ck_assert_ptr_nonnull(ext);
	(void)X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

static X509 *
make(EVP_PKEY *key, const char *name, int days)
{
	X509 *cert = X509_new();

	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	(void)X509_gmtime_adj(
	    X509_getm_notAfter(cert), (long)days * 86400 + 1800);
	(void)X509_set_pubkey(cert, key);
	add_name(cert, name);
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	return cert;
}

void
cert_make(struct cert *c, const char *name, int days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert;
	FILE *file;

	*c = (struct cert){ .folder = "/tmp/postern-cert-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(c->folder));
	(void)snprintf(
	    c->certificate, sizeof c->certificate, "%s/cert.pem", c->folder);
	(void)snprintf(c->key, sizeof c->key, "%s/key.pem", c->folder);
	ck_assert_ptr_nonnull(key);
	cert = make(key, name, days);
	file = fopen(c->certificate, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(PEM_write_X509(file, cert), 1);
	(void)fclose(file);
	file = fopen(c->key, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(
	    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

void
cert_remove(const struct cert *c)
{
	(void)unlink(c->certificate);
	(void)unlink(c->key);
	(void)rmdir(c->folder);
}
