/* Certificates, and who may log in. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/auth.h"
#include "auth/users.h"
#include "conf/conf.h"
#include "io/tls.h"
#include "io/tls_peer.h"
#include "prepare_priv.h"

enum { DAYS_ENOUGH = 14 };

static void
look_at_key_mode(const struct look *l, const struct conf_certificate *c)
{
	struct stat st;

	if (stat(c->key, &st) == 0 && (st.st_mode & 07) != 0)
		look_found(l, FINDING_WARNING, "tls.key", c->line,
		    "%s: mode %04o lets everybody read it; chmod 600 %s",
		    c->key, (unsigned)st.st_mode & 07777, c->key);
}

static void
look_at_end(const struct look *l, const struct conf_certificate *c, int days)
{
	if (days < 0)
		look_found(l, FINDING_WARNING, "tls.certificate", c->line,
		    "%s: ended %d day%s ago, and clients refuse it; renew it, "
		    "then postern reload",
		    c->certificate, -days, days == -1 ? "" : "s");
	else if (days < DAYS_ENOUGH)
		look_found(l, FINDING_WARNING, "tls.certificate", c->line,
		    "%s: ends in %d day%s; renew it, then postern reload",
		    c->certificate, days, days == 1 ? "" : "s");
	else
		look_found(l, FINDING_OK, "tls.certificate", c->line,
		    "%s: certificate has %d days left", c->certificate, days);
}

/* Its file is named in the text, which begins with the option. */
static void
say_error(
    const struct look *l, const struct conf_certificate *c, const char *text)
{
	bool is_key = strncmp(text, "tls.key", 7) == 0;
	const char *advice = "";
	char why[512] = "";

	if (strstr(text, strerror(EACCES)) != NULL)
		advice =
		    whose(is_key ? c->key : c->certificate, why, sizeof why);
	else if (strstr(text, strerror(ENOENT)) != NULL)
		advice = ", expected the file of certbot or another authority "
			 "(README.md makes one to try)";
	look_said(l, FINDING_ERROR, c->line, "%s%s", text, advice);
}

static void
look_at_certificate(const struct look *l, const struct conf_certificate *c)
{
	const char *host = c->name == NULL ? l->conf->hostname : c->name;
	struct tls_facts facts;
	struct err err = { "" };

	if (tls_look(c, host, &facts, &err) != 0) {
		say_error(l, c, err.text);
		return;
	}
	look_at_end(l, c, facts.days_left);
	if (!facts.has_begun)
		look_found(l, FINDING_WARNING, "tls.certificate", c->line,
		    "%s: is not valid yet; look at the clock, or renew it",
		    c->certificate);
	if (!facts.has_name)
		look_found(l, FINDING_WARNING, "tls.certificate", c->line,
		    "%s: is not for %s, and clients that ask for that refuse "
		    "it; expected a certificate with that name, or another %s",
		    c->certificate, host, c->name == NULL ? "hostname" : "sni");
	look_at_key_mode(l, c);
}

void
look_at_certificates(const struct look *l)
{
	const char *ca = l->conf->certificates[0].client_ca;
	char why[WHY_SIZE];
	struct err err;

	if (ca != NULL && tls_peer_look(ca, &err) != 0)
		look_said(l, FINDING_ERROR, conf_line(l->conf, "tls.client-ca"),
		    "%s%s", err.text, why_denied(ca, why, sizeof why));
	for (size_t i = 0; i < l->conf->ncertificates; i++)
		look_at_certificate(l, &l->conf->certificates[i]);
}

static void
look_at_tokens(const struct look *l)
{
	const struct conf_oauth *o = l->conf->oauth;
	const char *file = NULL, *advice = "";
	char why[WHY_SIZE];
	struct err err;

	if (auth_try_tokens(l->conf, &err) == 0)
		return;
	if (o->jwks_file != NULL) {
		file = o->jwks_file;
		advice = ", expected the file of the authorization server's "
			 "keys";
	} else if (o->client_secret_file != NULL) {
		file = o->client_secret_file;
		advice = ", expected the file with our secret in one line, "
			 "mode 0600";
	}
	look_said(l, FINDING_ERROR, o->line, "%s%s%s", err.text,
	    file == NULL ? "" : why_denied(file, why, sizeof why), advice);
}

static void
look_at_mechanisms(const struct look *l)
{
	struct buf missing = { 0 };
	struct err err;
	bool is_cyrus = l->conf->backend == AUTH_BACKEND_CYRUS;
	int n = auth_try_mechanisms(l->conf, &missing, &err);

	if (n == 0)
		look_option(l, FINDING_ERROR, "auth.mechanisms",
		    "none of them can be had %s",
		    is_cyrus ? "of Cyrus SASL, as its own postern.conf has it; "
			       "name some of its mech_list"
			     : "here; install libsasl2-modules");
	else if (n > 0 && buf_len(&missing) > 0 && is_cyrus)
		look_option(l, FINDING_WARNING, "auth.mechanisms",
		    "Cyrus SASL, as its own postern.conf has it, has no way "
		    "for%.*s, and they are not offered; leave them out",
		    SPAN_ARG(buf_span(&missing)));
	else if (n > 0 && buf_len(&missing) > 0)
		look_option(l, FINDING_WARNING, "auth.mechanisms",
		    "libsasl2 has no plug-in here for%.*s, and they are not "
		    "offered; install libsasl2-modules",
		    SPAN_ARG(buf_span(&missing)));
	buf_clear(&missing);
}

/* Rights that nobody can use are a slip in a name. */
static void
look_at_rights(const struct look *l, const struct users *users)
{
	for (size_t i = 0; i < l->conf->naccounts; i++) {
		const struct conf_account *a = &l->conf->accounts[i];

		if (a->name == NULL ||
		    conf_needs_no_login(l->conf, span_text(a->name)) ||
		    users_find(users, span_text(a->name)) != NULL)
			continue;
		look_found(l, FINDING_WARNING, "account", a->line,
		    "%s is nobody in %s, expected an account's name; postern "
		    "user list shows them",
		    a->name, l->conf->users);
	}
}

void
look_at_accounts(const struct look *l)
{
	struct users *users;
	char why[512];
	struct err err;

	look_at_mechanisms(l);
	look_at_tokens(l);
	if (l->conf->backend != AUTH_BACKEND_USERS) {
		look_found(l, FINDING_OK, "accounts", 0,
		    "Cyrus SASL's (auth.backend)");
		return;
	}
	users = users_read(l->conf->users, &err);
	if (users == NULL) {
		bool is_none = strstr(err.text, strerror(ENOENT)) != NULL;

		look_option(l, FINDING_ERROR, "auth.users", "%s%s%s", err.text,
		    is_none ? "; postern user add NAME makes it" : "",
		    strstr(err.text, strerror(EACCES)) != NULL
			? whose(l->conf->users, why, sizeof why)
			: "");
		return;
	}
	if (users_count(users) == 0)
		look_option(l, FINDING_WARNING, "auth.users",
		    "%s: no account; nobody can log in (postern user add NAME)",
		    l->conf->users);
	else
		look_found(
		    l, FINDING_OK, "accounts", 0, "%zu", users_count(users));
	look_at_rights(l, users);
	users_free(users);
}
