/*
 * cert: a key and a self-signed certificate for tests, made anew each time, in
 * files of a folder that is made and removed here too.
 */
#ifndef TESTS_LIB_CERT_H
#define TESTS_LIB_CERT_H

struct cert {
	char folder[64];
	char certificate[96], key[96]; /* paths */
};

/* `name` is the host it is for; valid from an hour ago for `days`. */
void cert_make(struct cert *c, const char *name, int days);
void cert_remove(const struct cert *c);

#endif
