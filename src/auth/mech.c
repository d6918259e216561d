/*
 * libsasl2's view of an exchange. With the users back end all that it asks is
 * answered here: options (and no configuration file is heard), SCRAM keys
 * through an auxprop plug-in in this process, passwords through its callback.
 * With the cyrus back end its own configuration decides everything.
 *
 * An account that is not there gets made-up keys, a suspended one its own salt
 * and made-up keys, so that both go the whole way and take as long as a wrong
 * password does. A key of an account (user_key.h) is found out by a digest before
 * the password is derived; one that is wrong, or may not log in, goes on as a wrong
 * password, and a name of no key is made up as the others are.
 */
#include <errno.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_priv.h"
#include "conf/conf.h"
#include "facts/fact.h"

enum { NAMES_MAX = 1000 };

int
mech_on_log(void *context, int level, const char *message)
{
	const struct mech *m = context;

	if (message == NULL)
		return SASL_BADPARAM;
	/* With our own back end its complaints are about options it has not. */
	if (level == SASL_LOG_ERR && m != NULL && m->accounts == NULL)
		FACT(SASL, fact_string("message", message));
	else
		FACT(SASL_DEBUG, fact_number("level", (uint64_t)level),
		    fact_string("message", message));
	return SASL_OK;
}

/* No option of a file counts: what is not named here is not set. */
static int
on_option(void *context, const char *plugin, const char *option,
    const char **result, unsigned *len)
{
	const struct mech *m = context;

	(void)plugin;
	if (result == NULL)
		return SASL_BADPARAM;
	*result = NULL;
	if (strcmp(option, "auxprop_plugin") == 0)
		*result = PLUGIN_NAME;
	else if (strcmp(option, "mech_list") == 0)
		*result = m->mech_list;
	else if (strcmp(option, "pwcheck_method") == 0)
		*result = "none"; /* after on_password() nobody else decides */
	if (len != NULL)
		*len = *result == NULL ? 0 : (unsigned)strlen(*result);
	return SASL_OK;
}

void
mech_note_name(struct mech *m, struct span name)
{
	char *copy = span_dup(name); /* it may be the old one */

	free(m->name);
	m->name = copy;
	m->named = NULL;
	m->user = users_find(m->accounts->users, span_text(copy));
	if (m->user == NULL)
		m->named = users_find_key(
		    m->accounts->users, span_text(copy), &m->user);
}

/*
 * With as many iterations as most have, and keys all: nothing else would look like
 * one.
 */
static void
make_up(const struct mech *m, struct user *out)
{
	uint32_t usual = users_usual_iterations(m->accounts->users);
	struct span name = span_text(m->name), account, label;

	if (usual == 0)
		usual = m->conf->auth_iterations;
	if (user_key_split(name, &account, &label))
		usual = USER_KEY_ITERATIONS;
	auth_make_up(m->auth, usual, name, out);
}

/* The name or the password is that key: sets `key`, or `refused` and why. */
static bool
may_use(struct mech *m, const struct user_key *k)
{
	m->why_not = user_key_why_not(k, m->remote_ip, m->auth->wall());
	m->key = m->why_not == NULL ? k : NULL;
	m->refused = m->why_not == NULL ? NULL : k;
	return m->key != NULL;
}

bool
mech_check_key(struct mech *m, struct span password)
{
	const struct user_key *k;

	m->key = m->refused = NULL;
	if (m->user == NULL || m->user->suspended)
		return false;
	k = user_key_find(m->user, m->named, password);
	return k != NULL && may_use(m, k);
}

/*
 * The work of one password, whatever it comes to. The iterations are an account's,
 * also where the name is a key's: its own would tell by the time that it is there.
 */
static void
work_in_vain(const struct mech *m, struct span password)
{
	uint32_t usual = users_usual_iterations(m->accounts->users);
	struct user fake;

	if (m->user != NULL && m->named == NULL) {
		(void)user_check_password(m->user, password);
		return;
	}
	auth_make_up(m->auth, usual != 0 ? usual : m->conf->auth_iterations,
	    span_text(m->name), &fake);
	(void)user_check_password(&fake, password);
}

/* Always the whole work, unless the password was right a moment ago, or is a key. */
static bool
check_password(struct mech *m, struct span password)
{
	struct remember *remember = &m->auth->remember;
	const struct user *u = m->user;

	if (mech_check_key(m, password))
		return true;
	if (u == NULL || m->named != NULL || m->refused != NULL) {
		work_in_vain(m, password);
		return false;
	}
	if (!u->suspended && m->conf->auth_remember > 0 &&
	    remember_check(remember, u, password))
		return true;
	if (!user_check_password(u, password) || u->suspended)
		return false;
	remember_add(remember, u, password, m->conf->auth_remember);
	auth_renew(m->auth, m->conf, u, password);
	return true;
}

static int
on_password(sasl_conn_t *conn, void *context, const char *user,
    const char *password, unsigned len, struct propctx *props)
{
	struct mech *m = context;

	(void)conn;
	(void)props;
	if (user == NULL || password == NULL)
		return SASL_BADPARAM;
	mech_note_name(m, span_text(user));
	m->is_wrong = !check_password(m, span_make(password, len));
	return m->is_wrong ? SASL_BADAUTH : SASL_OK;
}

/* The keys that SCRAM shall work with. */
static void
choose_keys(struct mech *m, struct user *out)
{
	const struct user *u = m->named != NULL ? &m->named->scram : m->user;

	make_up(m, out);
	if (u == NULL)
		return;
	out->iterations = u->iterations;
	out->salt_len = u->salt_len;
	memcpy(out->salt, u->salt, sizeof out->salt);
	if (m->named != NULL && !may_use(m, m->named))
		return;
	if (m->user->suspended)
		return;
	memcpy(out->stored_key, u->stored_key, sizeof out->stored_key);
	memcpy(out->server_key, u->server_key, sizeof out->server_key);
}

static void
give_keys(struct mech *m, sasl_server_params_t *params, const char *property)
{
	struct buf text = { .max = 1024 };
	struct user u;

	choose_keys(m, &u);
	user_format(&u, &text);
	(void)params->utils->prop_set(params->propctx, property,
	    buf_span(&text).ptr, (int)buf_len(&text));
	mem_wipe(&u, sizeof u);
	mem_wipe(text.data, text.cap);
	buf_clear(&text);
}

/*
 * Called for the authenticated name, then for the name to act as; properties of
 * the former are asked for with a star in front.
 */
static int
plugin_lookup(void *global, sasl_server_params_t *params, unsigned flags,
    const char *user, unsigned len)
{
	const struct propval *wanted;
	struct mech *m = NULL;
	any_callback ignored;
	void *context = NULL;

	(void)global;
	if (params->utils->getcallback(params->utils->conn,
		SASL_CB_SERVER_USERDB_CHECKPASS, &ignored, &context) != SASL_OK)
		return SASL_NOUSER; /* not an exchange of the users back end */
	m = context;
	if (flags & SASL_AUXPROP_AUTHZID)
		return SASL_OK;
	mech_note_name(m, span_make(user, len));
	wanted = params->utils->prop_get(params->propctx);
	for (; wanted != NULL && wanted->name != NULL; wanted++)
		if (strcmp(wanted->name, "*authPassword") == 0)
			give_keys(m, params, wanted->name);
	return SASL_OK;
}

static sasl_auxprop_plug_t plugin = {
	.auxprop_lookup = plugin_lookup,
	.name = (char *)(uintptr_t)PLUGIN_NAME,
};

int
mech_plugin_init(const sasl_utils_t *utils, int most, int *version,
    sasl_auxprop_plug_t **plug, const char *name)
{
	(void)name;
	library_note_options(utils);
	if (most < SASL_AUXPROP_PLUG_VERSION)
		return SASL_BADVERS;
	*version = SASL_AUXPROP_PLUG_VERSION;
	*plug = &plugin;
	return SASL_OK;
}

static bool
is_plus(const char *mechanism)
{
	return span_ends_nocase(span_text(mechanism), SPAN("-PLUS"));
}

/* libsasl2 knows a mechanism and its -PLUS by one name. */
static char *
make_mech_list(const struct conf *conf)
{
	struct buf list = { 0 };
	char *text;

	for (size_t i = 0; i < conf->nmechanisms; i++) {
		struct span name = span_text(conf->mechanisms[i]);

		if (is_plus(conf->mechanisms[i]))
			name.len -= 5;
		(void)buf_printf(
		    &list, "%s%.*s", i == 0 ? "" : " ", SPAN_ARG(name));
	}
	text = span_dup(buf_span(&list));
	buf_clear(&list);
	return text;
}

/*
 * Without -PLUS the binding is shown only where -PLUS was offered too: then a
 * client that says `y`, "you do not offer it", was lied to by somebody between
 * (RFC 5802 6), and libsasl2 refuses it.
 */
static bool
has_binding(const struct mech *m)
{
	if (m->binding_name == NULL)
		return false;
	if (is_plus(m->mechanism))
		return true;
	for (size_t i = 0; i < m->conf->nmechanisms; i++) {
		struct span name = span_text(m->conf->mechanisms[i]);

		if (is_plus(m->conf->mechanisms[i]) &&
		    span_equal_nocase(
			span_to(name, name.len - 5), span_text(m->mechanism)))
			return true;
	}
	return false;
}

static void
set_callbacks(struct mech *m)
{
	sasl_callback_t *c = m->callbacks;

	*c++ = (sasl_callback_t){ SASL_CB_LOG, CALLBACK(mech_on_log), m };
	if (m->accounts != NULL) {
		*c++ =
		    (sasl_callback_t){ SASL_CB_GETOPT, CALLBACK(on_option), m };
		*c++ = (sasl_callback_t){ SASL_CB_SERVER_USERDB_CHECKPASS,
			CALLBACK(on_password), m };
	}
	*c = (sasl_callback_t){ SASL_CB_LIST_END, NULL, NULL };
}

/*
 * TLS below protects what a mechanism does not, so that no layer of SASL's own
 * is needed (or known to us), and anonymous logins are none.
 */
static int
set_properties(struct mech *m)
{
	static const sasl_security_properties_t security = {
		.security_flags = SASL_SEC_NOANONYMOUS,
	};
	static const sasl_ssf_t ssf = 256;
	int rc;

	rc = sasl_setprop(m->conn, SASL_SSF_EXTERNAL, &ssf);
	if (rc == SASL_OK)
		rc = sasl_setprop(m->conn, SASL_SEC_PROPS, &security);
	if (rc != SASL_OK || !has_binding(m))
		return rc;
	m->channel = (sasl_channel_binding_t){
		.name = m->binding_name,
		.critical = is_plus(m->mechanism),
		.len = buf_len(&m->binding),
		.data = (const unsigned char *)buf_span(&m->binding).ptr,
	};
	return sasl_setprop(m->conn, SASL_CHANNEL_BINDING, &m->channel);
}

static int
begin(struct mech *m)
{
	char *remote = NULL;
	int rc;

	m->mech_list = make_mech_list(m->conf);
	set_callbacks(m);
	if (m->remote_ip != NULL && m->accounts == NULL)
		remote = mem_printf("%s;0", m->remote_ip);
	rc = sasl_server_new("smtp", m->conf->hostname, NULL, NULL, remote,
	    m->callbacks, 0, &m->conn);
	free(remote);
	return rc == SASL_OK ? set_properties(m) : rc;
}

static enum auth_result
judge(int rc)
{
	switch (rc) {
	case SASL_OK: return AUTH_OK;
	case SASL_CONTINUE: return AUTH_CONTINUE;
	case SASL_BADPROT:
	case SASL_BADPARAM: return AUTH_MALFORMED;
	case SASL_BADAUTH:
	case SASL_BADMAC:
	case SASL_BADBINDING:
	case SASL_BUFOVER: /* of a name */
	case SASL_NOUSER:
	case SASL_NOAUTHZ:
	case SASL_NOVERIFY:
	case SASL_TOOWEAK:
	case SASL_ENCRYPT:
	case SASL_TRANS:
	case SASL_EXPIRED:
	case SASL_DISABLED:
	case SASL_PWLOCK: return AUTH_BAD;
	default: return AUTH_TEMPORARY;
	}
}

/* The same, where the library's code does not say what it means. */
static enum auth_result
judge_exchange(const struct mech *m, int rc)
{
	enum auth_result result = judge(rc);

	/*
	 * With our back end: we said no and nobody is left to ask, or the name
	 * is of spaces only.
	 */
	if (result == AUTH_TEMPORARY && m->accounts != NULL &&
	    (m->is_wrong || (m->is_running && rc == SASL_FAIL)))
		return AUTH_BAD;
	/* Another channel than ours is "bad protocol", which 501 would tell. */
	if (result == AUTH_MALFORMED && is_plus(m->mechanism))
		return AUTH_BAD;
	return result;
}

/* With our back end the reason is known; else what the library says. */
static const char *
reason(const struct mech *m, enum auth_result result, int rc)
{
	const char *text = m->conn != NULL ? sasl_errdetail(m->conn) : NULL;

	if (text == NULL)
		text = sasl_errstring(rc, NULL, NULL);
	if (result == AUTH_BAD && m->token_fault[0] != '\0')
		return m->token_fault;
	if (result != AUTH_BAD || m->accounts == NULL || m->name == NULL)
		return text;
	if (m->user == NULL)
		return "no such account";
	if (m->user->suspended)
		return "the account is suspended";
	if (m->refused != NULL)
		return m->why_not;
	return m->is_wrong ? "wrong password" : text;
}

static void
explain(const struct mech *m, struct mech_step *step, int rc)
{
	if (step->result == AUTH_OK || step->result == AUTH_CONTINUE)
		return;
	(void)snprintf(step->detail, sizeof step->detail, "%s",
	    reason(m, step->result, rc));
	if (m->refused != NULL && step->result == AUTH_BAD)
		step->key = mem_strdup(m->refused->label);
	/* The library's words may be the client's. */
	for (char *c = step->detail; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
}

/* The library is content: whose login is it? */
static void
take_login(struct mech *m, struct mech_step *step)
{
	const void *name = NULL;

	if (sasl_getprop(m->conn, SASL_USERNAME, &name) != SASL_OK ||
	    name == NULL) {
		step->result = AUTH_TEMPORARY;
		return;
	}
	if (m->accounts == NULL) {
		step->login = mem_strdup(name);
		return;
	}
	mech_note_name(m, span_text(name));
	/* Whose name is a key's, has shown that key. */
	if (m->user == NULL || m->user->suspended ||
	    (m->named != NULL && m->named != m->key))
		step->result = AUTH_BAD;
	else
		mech_give_login(m, step);
}

/* As the file writes it, whatever case the client used. */
void
mech_give_login(const struct mech *m, struct mech_step *step)
{
	step->login = mem_strdup(m->user->name);
	if (m->key == NULL)
		return;
	step->key = mem_strdup(m->key->label);
	if (m->key->send_as != NULL)
		step->send_as = mem_strdup(m->key->send_as);
}

/*
 * libsasl2 2.1.28 leaks the memory of a name of more than a kilobyte, before it
 * knows who asks. Such names, and SCRAM messages of that size, never get there.
 */
static bool
is_too_long(const struct mech *m, struct span input)
{
	struct span mechanism = span_text(m->mechanism);
	bool is_plain = span_equal_nocase(mechanism, SPAN("PLAIN"));

	if (!is_plain && !span_equal_nocase(mechanism, SPAN("LOGIN")) &&
	    !span_starts_nocase(mechanism, SPAN("SCRAM-")))
		return false;
	/* In PLAIN the password is behind the last NUL. */
	return (is_plain ? span_find_last(input, '\0') : input.len) > NAMES_MAX;
}

/*
 * It also leaks with an empty name, when LOGIN goes on to the password. No
 * account has that name.
 */
static bool
is_nameless(struct mech *m, const struct mech_step *step)
{
	return step->has_input && m->messages++ == 0 &&
	       span_is_empty(step->input) &&
	       span_equal_nocase(span_text(m->mechanism), SPAN("LOGIN"));
}

/*
 * The client names the binding that it shows (RFC 5802 6): the one that is unique to
 * the channel is ours to offer, that of our certificate is there for who has no other.
 * The library looks at the one that it was pointed to.
 */
static void
choose_binding(struct mech *m, struct span message)
{
	static const struct span end_point = { "p=tls-server-end-point,", 23 };

	if (!is_plus(m->mechanism) || m->has_chosen || span_is_empty(message))
		return;
	m->has_chosen = true;
	if (!span_starts(message, end_point) || buf_len(&m->end_point) == 0)
		return;
	m->channel.name = "tls-server-end-point";
	m->channel.len = buf_len(&m->end_point);
	m->channel.data = (const unsigned char *)buf_span(&m->end_point).ptr;
}

static int
run(struct mech *m, struct mech_step *step, const char **out, unsigned *len)
{
	const char *in = step->has_input ? step->input.ptr : NULL;
	unsigned in_len = (unsigned)step->input.len;
	int rc;

	if (is_too_long(m, step->input))
		return SASL_BUFOVER;
	if (is_nameless(m, step))
		return SASL_NOUSER;
	if (m->conn != NULL) {
		choose_binding(m, step->input);
		return sasl_server_step(m->conn, in, in_len, out, len);
	}
	if (is_plus(m->mechanism) && m->binding_name == NULL)
		return SASL_BADBINDING;
	rc = begin(m);
	if (rc != SASL_OK)
		return rc == SASL_BADPARAM ? SASL_FAIL : rc;
	m->is_running = true;
	choose_binding(m, step->input);
	return sasl_server_start(m->conn, m->mechanism, in, in_len, out, len);
}

void
mech_run(struct mech *m, struct mech_step *step)
{
	const char *out = NULL;
	unsigned len = 0;
	int rc = run(m, step, &out, &len);

	step->result = judge_exchange(m, rc);
	if (step->result == AUTH_OK)
		take_login(m, step);
	if (step->result == AUTH_CONTINUE || step->result == AUTH_OK)
		(void)buf_append(&step->challenge, out, out == NULL ? 0 : len);
	explain(m, step, rc);
}

void
mech_clear(struct mech *m)
{
	if (m->conn != NULL)
		sasl_dispose(&m->conn);
	accounts_unref(m->accounts);
	conf_unref(m->conf);
	free(m->mechanism);
	free(m->remote_ip);
	free(m->binding_name);
	buf_clear(&m->binding);
	buf_clear(&m->end_point);
	free(m->mech_list);
	free(m->name);
}
