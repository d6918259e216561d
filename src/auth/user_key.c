/*
 * Reading and writing of a key's line, and what a key is asked when somebody logs
 * in. Messages never have the line's words in them.
 */
#include "auth/user_key.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "auth_priv.h"
#include "base/stamp.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "smtp/base64.h"

enum { SECRET_LEN = 20, DAY_LEN = 10, DAY_MS = 24 * 3600 * 1000 };

void
user_key_clear(struct user_key *k)
{
	free(k->name);
	free(k->send_as);
	free(k->network);
	mem_wipe(k, sizeof *k);
}

/* --- names --- */

bool
user_key_label_is_valid(struct span label)
{
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '.' &&
		    label.ptr[i] != '-' && label.ptr[i] != '_')
			return false;
	return label.len > 0 && label.len <= USER_KEY_LABEL_MAX;
}

bool
user_key_split(struct span name, struct span *account, struct span *label)
{
	size_t at = span_find_last(name, '#');

	if (at == name.len)
		return false;
	*account = span_to(name, at);
	*label = span_from(name, at + 1);
	return users_name_is_valid(*account) && user_key_label_is_valid(*label);
}

/* --- what it is narrowed to --- */

static bool
is_clean(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
			return false;
	return s.len > 0;
}

const char *
user_key_set_send_as(struct user_key *k, struct span patterns)
{
	struct span left = patterns;

	if (k->send_as != NULL)
		return "send-as twice";
	if (!is_clean(patterns) || patterns.len > USER_KEY_SEND_AS_MAX ||
	    patterns.ptr[patterns.len - 1] == ',')
		return "send-as: expected addresses with commas between, "
		       "without blanks, of 1024 bytes at the most";
	while (left.len > 0)
		if (!conf_pattern_is_valid(span_cut(&left, ',')))
			return "send-as: expected $login, $login+*, "
			       "name@domain or *@domain";
	k->send_as = span_dup(patterns);
	return NULL;
}

const char *
user_key_set_network(struct user_key *k, struct span networks)
{
	struct span left = networks;

	if (k->network != NULL)
		return "network twice";
	if (networks.len == 0 || networks.ptr[networks.len - 1] == ',')
		return "network: expected networks with commas between";
	for (k->nnetworks = 0; left.len > 0; k->nnetworks++) {
		struct span one = span_cut(&left, ',');

		if (k->nnetworks == USER_KEY_NETWORKS_MOST)
			return "network: more than 16";
		if (!network_parse(one, &k->networks[k->nnetworks]))
			return "network: expected addresses or networks as "
			       "192.0.2.0/24 or 2001:db8::/32";
	}
	k->network = span_dup(networks);
	return NULL;
}

const char *
user_key_set_expires(struct user_key *k, struct span when)
{
	struct buf text = { .max = 64 };
	bool is_day = when.len == DAY_LEN, ok;

	if (k->expires != 0)
		return "expires twice";
	(void)buf_append_span(&text, when);
	if (is_day)
		(void)buf_append_text(&text, "T00:00:00Z");
	ok = !buf_is_over(&text) && stamp_parse(buf_span(&text), &k->expires);
	buf_clear(&text);
	if (!ok)
		return "expires: expected a day or time of RFC 3339, as "
		       "2027-03-01 or 2027-03-01T08:00:00Z";
	/* That day is the last one; and 0 stands for never. */
	if (is_day)
		k->expires += DAY_MS;
	if (k->expires == 0)
		k->expires = 1;
	return NULL;
}

static const char *
set_made(struct user_key *k, struct span when)
{
	if (k->made != 0)
		return "made twice";
	return stamp_parse(when, &k->made) ? NULL : "made: expected a time";
}

/* --- its line --- */

static const struct {
	struct span name; /* with its = */
	const char *(*set)(struct user_key *k, struct span value);
} attributes[] = {
	{ { "made=", 5 }, set_made },
	{ { "send-as=", 8 }, user_key_set_send_as },
	{ { "network=", 8 }, user_key_set_network },
	{ { "expires=", 8 }, user_key_set_expires },
};

static const char *
parse_attribute(struct user_key *k, struct span word)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (span_starts(word, attributes[i].name))
			return attributes[i].set(
			    k, span_from(word, attributes[i].name.len));
	return "something behind the key, expected made=, send-as=, network= "
	       "or expires=";
}

static const char *
parse_secrets(struct user_key *k, struct span text)
{
	struct span scheme = span_cut(&text, '$');
	size_t len;

	if (!span_equal(scheme, SPAN(USER_KEY_SCHEME)))
		return "unknown kind of key, expected " USER_KEY_SCHEME;
	if (!base64_decode_into(
		span_cut(&text, '$'), k->digest, USERS_KEY_LEN, &len) ||
	    len != USERS_KEY_LEN)
		return "bad digest, expected 32 bytes in base64";
	return user_parse_keys(text, &k->scram);
}

const char *
user_key_parse(struct span name, struct span text, struct user_key *out)
{
	struct span account, label, secrets = span_cut(&text, ' ');
	const char *wrong;

	*out = (struct user_key){ 0 };
	if (!user_key_split(name, &account, &label))
		return "bad name of a key, expected the account's, # and a "
		       "label of up to 64 letters, digits, '.', '-' and '_'";
	wrong = parse_secrets(out, secrets);
	while (wrong == NULL && text.len > 0)
		wrong = parse_attribute(out, span_cut(&text, ' '));
	if (wrong != NULL) {
		user_key_clear(out);
		return wrong;
	}
	out->name = span_dup(name);
	out->label = out->name + account.len + 1;
	return NULL;
}

static void
put_time(const char *name, int64_t ms, struct buf *out)
{
	if (ms == 0)
		return;
	(void)buf_printf(out, " %s=", name);
	stamp_write(ms, out);
}

void
user_key_format(const struct user_key *k, struct buf *out)
{
	(void)buf_append_text(out, USER_KEY_SCHEME "$");
	(void)base64_encode(
	    span_make((const char *)k->digest, USERS_KEY_LEN), out);
	(void)buf_append_char(out, '$');
	user_format(&k->scram, out);
	put_time("made", k->made, out);
	if (k->send_as != NULL)
		(void)buf_printf(out, " send-as=%s", k->send_as);
	if (k->network != NULL)
		(void)buf_printf(out, " network=%s", k->network);
	put_time("expires", k->expires, out);
}

/* --- secrets --- */

static bool
digest_of(struct span text, unsigned char out[USERS_KEY_LEN])
{
	return EVP_Digest(text.ptr, text.len, out, NULL, EVP_sha256(), NULL) ==
	       1;
}

/* RFC 4648 section 6, in lower case: 20 bytes are 32 letters without padding. */
static void
write_base32(const unsigned char in[SECRET_LEN], char *out)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < SECRET_LEN; i++) {
		bits = bits << 8 | in[i];
		for (n += 8; n >= 5; n -= 5)
			*out++ = letters[bits >> (n - 5) & 31];
	}
	*out = '\0';
}

int
user_key_make(
    struct user_key *k, char text[USER_KEY_TEXT_SIZE], struct err *err)
{
	unsigned char secret[SECRET_LEN];
	int rc;

	random_fill(secret, sizeof secret);
	memcpy(text, "pst_", 4);
	write_base32(secret, text + 4);
	mem_wipe(secret, sizeof secret);
	k->made = wall_now();
	rc = user_set_password(
	    &k->scram, span_text(text), USER_KEY_ITERATIONS, err);
	if (rc == 0 && !digest_of(span_text(text), k->digest))
		rc = err_set(err, -EIO, "SHA-256 failed");
	return rc;
}

const struct user_key *
user_key_find(
    const struct user *u, const struct user_key *named, struct span password)
{
	unsigned char digest[USERS_KEY_LEN];
	const struct user_key *found = NULL;

	if (password.len > PASSWORD_MAX || !digest_of(password, digest))
		return NULL;
	for (size_t i = 0; i < u->nkeys; i++) {
		const struct user_key *k = &u->keys[i];

		if ((named == NULL || k == named) &&
		    CRYPTO_memcmp(k->digest, digest, sizeof digest) == 0)
			found = k;
	}
	mem_wipe(digest, sizeof digest);
	return found;
}

const char *
user_key_why_not(const struct user_key *k, const char *remote_ip, int64_t wall)
{
	struct network from;

	if (k->expires != 0 && wall >= k->expires)
		return "the key has expired";
	if (k->nnetworks == 0)
		return NULL;
	if (remote_ip != NULL && network_parse(span_text(remote_ip), &from))
		for (size_t i = 0; i < k->nnetworks; i++)
			if (network_has(&k->networks[i], &from))
				return NULL;
	return "the key is not for this network";
}
