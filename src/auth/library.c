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
	if (--library_users == 0)
		(void)sasl_server_done();
	(void)pthread_mutex_unlock(&library_lock);
}

bool
mech_library_has(struct span mechanism)
{
	const char **names = sasl_global_listmech();

	for (; names != NULL && *names != NULL; names++)
		if (span_equal_nocase(span_text(*names), mechanism))
			return true;
	return false;
}
