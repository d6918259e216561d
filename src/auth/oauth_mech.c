/*
 * OAUTHBEARER (RFC 7628) and XOAUTH2 as server mechanisms of libsasl2, registered in
 * this process: nothing is loaded for them.
 *
 *   message -> [good] the account
 *           -> [bad]  why, as JSON, in a challenge -> whatever the client says -> bad
 *
 * The challenge is what RFC 7628 3.2.2 wants before the refusal: a client learns from
 * it that its token is of no use, and gets a new one.
 */
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_priv.h"
#include "bearer.h"
#include "conf/conf.h"
#include "oauth.h"

struct exchange {
	enum bearer_kind kind;
	bool is_refused; /* the client has been told why */
};

/* The exchange as we know it: what its callbacks are given. */
static struct mech *
mech_of(sasl_server_params_t *params)
{
	any_callback ignored;
	void *context = NULL;

	if (params->utils->getcallback(params->utils->conn, SASL_CB_LOG,
		&ignored, &context) != SASL_OK)
		return NULL;
	return context;
}

static int
begin(enum bearer_kind kind, void **context)
{
	struct exchange *x = MEM_NEW(struct exchange);

	x->kind = kind;
	*context = x;
	return SASL_OK;
}

static int
begin_oauth(void *glob, sasl_server_params_t *params, const char *challenge,
    unsigned len, void **context)
{
	(void)glob;
	(void)params;
	(void)challenge;
	(void)len;
	return begin(BEARER_OAUTH, context);
}

static int
begin_x(void *glob, sasl_server_params_t *params, const char *challenge,
    unsigned len, void **context)
{
	(void)glob;
	(void)params;
	(void)challenge;
	(void)len;
	return begin(BEARER_X, context);
}

static void
dispose(void *context, const sasl_utils_t *utils)
{
	(void)utils;
	free(context);
}

static int
refuse(struct exchange *x, const char **out, unsigned *len)
{
	static const char oauth[] = "{\"status\":\"invalid_token\"}";
	static const char google[] =
	    "{\"status\":\"401\",\"schemes\":\"bearer\"}";

	x->is_refused = true;
	*out = x->kind == BEARER_OAUTH ? oauth : google;
	*len = (unsigned)strlen(*out);
	return SASL_CONTINUE;
}

static int
let_in(sasl_server_params_t *params, const char *account,
    sasl_out_params_t *result)
{
	int rc = params->canon_user(params->utils->conn, account, 0,
	    SASL_CU_AUTHID | SASL_CU_AUTHZID, result);

	if (rc != SASL_OK)
		return rc;
	result->doneflag = 1;
	result->mech_ssf = 0;
	result->maxoutbuf = 0;
	result->encode_context = result->decode_context = NULL;
	result->encode = NULL;
	result->decode = NULL;
	result->param_version = 0;
	return SASL_OK;
}

/* A token is one account's: who names another one is refused. */
static bool
is_meant(const struct bearer *b, const char *account)
{
	return b->account[0] == '\0' ||
	       span_equal_nocase(span_text(b->account), span_text(account));
}

static int
check(struct mech *m, struct exchange *x, const struct bearer *b,
    sasl_server_params_t *params, sasl_out_params_t *result, const char **out,
    unsigned *len)
{
	char *account = NULL;
	struct err why = { "" };
	int rc;

	switch (oauth_check(&m->auth->oauth_keys, m->conf->oauth, b->token,
	    m->auth->wall() / 1000, &account, &why)) {
	case OAUTH_GOOD: break;
	case OAUTH_BAD:
		(void)snprintf(
		    m->token_fault, sizeof m->token_fault, "%s", why.text);
		return refuse(x, out, len);
	case OAUTH_NOBODY_KNOWS:
		params->utils->seterror(params->utils->conn, 0, "%s", why.text);
		return SASL_UNAVAIL;
	}
	if (is_meant(b, account)) {
		rc = let_in(params, account, result);
	} else {
		(void)snprintf(m->token_fault, sizeof m->token_fault,
		    "the token is another account's: %.150s", account);
		rc = refuse(x, out, len);
	}
	free(account);
	return rc;
}

static int
step(void *context, sasl_server_params_t *params, const char *in,
    unsigned in_len, const char **out, unsigned *len, sasl_out_params_t *result)
{
	struct exchange *x = context;
	struct mech *m = mech_of(params);
	struct bearer b;

	*out = NULL;
	*len = 0;
	if (x->is_refused)
		return SASL_BADAUTH;
	if (m == NULL || m->conf->oauth == NULL)
		return SASL_NOMECH;
	if (!bearer_parse(x->kind, span_make(in, in_len), &b))
		return SASL_BADPROT;
	return check(m, x, &b, params, result, out, len);
}

static sasl_server_plug_t plugins[] = {
	{ .mech_name = "OAUTHBEARER",
	    .security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS,
	    .features = SASL_FEAT_WANT_CLIENT_FIRST,
	    .mech_new = begin_oauth,
	    .mech_step = step,
	    .mech_dispose = dispose },
	{ .mech_name = "XOAUTH2",
	    .security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS,
	    .features = SASL_FEAT_WANT_CLIENT_FIRST,
	    .mech_new = begin_x,
	    .mech_step = step,
	    .mech_dispose = dispose },
};

int
oauth_plugin_init(const struct sasl_utils *utils, int most, int *version,
    struct sasl_server_plug **list, int *count)
{
	(void)utils;
	if (most < SASL_SERVER_PLUG_VERSION)
		return SASL_BADVERS;
	*version = SASL_SERVER_PLUG_VERSION;
	*list = plugins;
	*count = (int)ARRAY_LEN(plugins);
	return SASL_OK;
}
