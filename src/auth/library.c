/*
 * libsasl2 is one for the process, whoever uses it: its start and its end, which
 * plug-ins it loads, and which mechanisms can be had of it.
 */
#include <errno.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdlib.h>
#include <string.h>

#include "auth_priv.h"

static void *
new_mutex(void)
{
	pthread_mutex_t *m = MEM_NEW(pthread_mutex_t);

	(void)pthread_mutex_init(m, NULL);
	return m;
}

static int
lock_mutex(void *m)
{
	return pthread_mutex_lock(m) == 0 ? SASL_OK : SASL_FAIL;
}

static int
unlock_mutex(void *m)
{
	return pthread_mutex_unlock(m) == 0 ? SASL_OK : SASL_FAIL;
}

static void
free_mutex(void *m)
{
	(void)pthread_mutex_destroy(m);
	free(m);
}

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned library_users;
static bool library_has_all;
/* With all: what Cyrus SASL's own configuration comes to. */
static char *offered; /* owned: names, with a blank before and behind each */
static bool has_secrets; /* of accounts, which SCRAM and the like work with */

/*
 * Its default is to look passwords up by whatever plug-in there is; who has it asked
 * of saslauthd alone has no secrets to look up.
 */
void
library_note_options(const sasl_utils_t *utils)
{
	const char *method = NULL, *plugin = NULL;

	(void)utils->getopt(
	    utils->getopt_context, NULL, "pwcheck_method", &method, NULL);
	(void)utils->getopt(
	    utils->getopt_context, NULL, "auxprop_plugin", &plugin, NULL);
	has_secrets = method == NULL || plugin != NULL ||
		      strstr(method, "auxprop") != NULL;
}

/* As an exchange of ours would find it: by mech_list, and the plug-ins. */
static void
note_offered(void)
{
	static const sasl_security_properties_t security = {
		.security_flags = SASL_SEC_NOANONYMOUS,
	};
	static const sasl_ssf_t ssf = 256;
	sasl_conn_t *conn = NULL;
	const char *list = NULL;

	if (sasl_server_new("smtp", NULL, NULL, NULL, NULL, NULL, 0, &conn) ==
		SASL_OK &&
	    sasl_setprop(conn, SASL_SSF_EXTERNAL, &ssf) == SASL_OK &&
	    sasl_setprop(conn, SASL_SEC_PROPS, &security) == SASL_OK)
		(void)sasl_listmech(
		    conn, NULL, " ", " ", " ", &list, NULL, NULL);
	free(offered);
	offered = mem_strdup(list == NULL ? "" : list);
	if (conn != NULL)
		sasl_dispose(&conn);
}

/*
 * What is not needed stays out of the process: a data base's library comes
 * along with one plug-in, and all of them together take half a MiB.
 */
static int
on_plugin(void *context, const char *path, sasl_verify_type_t type)
{
	static const char *const wanted[] = { "libscram.", "libplain.",
		"liblogin." };
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	(void)context;
	if (type != SASL_VRFY_PLUGIN || library_has_all)
		return SASL_OK;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (strncmp(name, wanted[i], strlen(wanted[i])) == 0)
			return SASL_OK;
	return SASL_CONTINUE;
}

static int
library_start(bool all, struct err *err)
{
	static const sasl_callback_t callbacks[] = {
		{ SASL_CB_LOG, CALLBACK(mech_on_log), NULL },
		{ SASL_CB_VERIFYFILE, CALLBACK(on_plugin), NULL },
		{ SASL_CB_LIST_END, NULL, NULL },
	};
	int rc;

	library_has_all = all;
	sasl_set_mutex(new_mutex, lock_mutex, unlock_mutex, free_mutex);
	rc = sasl_server_init(callbacks, APP_NAME);
	if (rc == SASL_OK)
		rc = sasl_auxprop_add_plugin(PLUGIN_NAME, mech_plugin_init);
	if (rc == SASL_OK)
		rc = sasl_server_add_plugin(PLUGIN_NAME, oauth_plugin_init);
	if (rc == SASL_OK && all)
		note_offered();
	if (rc == SASL_OK)
		return 0;
	return err_set(
	    err, -EIO, "start of libsasl2: %s", sasl_errstring(rc, NULL, NULL));
}

int
mech_library_open(bool all, struct err *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&library_lock);
	if (library_users == 0)
		rc = library_start(all, err);
	else if (all != library_has_all)
		rc = err_set(err, -EBUSY,
		    "libsasl2 serves another back end in this process");
	if (rc == 0)
		library_users++;
	(void)pthread_mutex_unlock(&library_lock);
	return rc;
}

void
mech_library_close(void)
{
	(void)pthread_mutex_lock(&library_lock);
	if (--library_users == 0) {
		(void)sasl_server_done();
		free(offered);
		offered = NULL;
	}
	(void)pthread_mutex_unlock(&library_lock);
}

static bool
is_offered(struct span mechanism)
{
	struct span left = span_text(offered);

	while (!span_is_empty(left))
		if (span_equal_nocase(span_cut(&left, ' '), mechanism))
			return true;
	return false;
}

/* What needs more of an account than whether a password is the right one. */
static bool
wants_secret(struct span mechanism)
{
	static const struct span names[] = { { "SCRAM-", 6 }, { "CRAM-MD5", 8 },
		{ "DIGEST-MD5", 10 }, { "NTLM", 4 }, { "OTP", 3 }, { "SRP", 3 },
		{ "PASSDSS-", 8 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_starts_nocase(mechanism, names[i]))
			return true;
	return false;
}

bool
mech_library_has(struct span mechanism)
{
	const char **names = sasl_global_listmech();

	/* Our own, which the library does not count. */
	if (span_equal_nocase(mechanism, SPAN("OAUTHBEARER")) ||
	    span_equal_nocase(mechanism, SPAN("XOAUTH2")))
		return true;
	if (library_has_all)
		return is_offered(mechanism) &&
		       (has_secrets || !wants_secret(mechanism));
	for (; names != NULL && *names != NULL; names++)
		if (span_equal_nocase(span_text(*names), mechanism))
			return true;
	return false;
}
