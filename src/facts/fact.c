#include "facts/fact.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"
#include "mail/qid.h"

enum { NOT_COUNTED = METRIC_COUNT };

static const struct {
	const char *name;
	enum log_level level;
	int metric; /* raised by each; or NOT_COUNTED */
} kinds[FACT_KINDS] = {
	/* clang-format off: a table is read by its columns */
	[FACT_CONNECTED] = { "connected", LOG_INFO, NOT_COUNTED },
	[FACT_PROBED] = { "probed", LOG_DEBUG, NOT_COUNTED },
	[FACT_CLOSED] = { "closed", LOG_INFO, NOT_COUNTED },
	[FACT_SESSION] = { "state", LOG_DEBUG, NOT_COUNTED },
	[FACT_DROPPED] = { "dropped", LOG_INFO, NOT_COUNTED },
	[FACT_DROPPED_WARN] = { "dropped", LOG_WARN, NOT_COUNTED },
	[FACT_TLS_FAILED] = { "tls_failed", LOG_INFO, NOT_COUNTED },
	[FACT_LOGIN] = { "login", LOG_INFO, METRIC_LOGINS },
	[FACT_LOGIN_FAILED] = { "login_failed", LOG_WARN,
	    METRIC_LOGIN_FAILURES },
	[FACT_LOGIN_FAILED_ERROR] = { "login_failed", LOG_ERROR,
	    METRIC_LOGIN_FAILURES },
	[FACT_LOGIN_CANCELLED] = { "login_cancelled", LOG_INFO, NOT_COUNTED },
	[FACT_REFUSED] = { "refused", LOG_WARN, NOT_COUNTED },
	[FACT_REFUSED_INFO] = { "refused", LOG_INFO, NOT_COUNTED },
	[FACT_ACCEPT_FAILED] = { "accept_failed", LOG_ERROR, NOT_COUNTED },
	[FACT_ACCEPTED] = { "accepted", LOG_INFO, NOT_COUNTED },
	[FACT_DONE] = { "done", LOG_INFO, NOT_COUNTED },
	[FACT_LEG] = { "leg", LOG_DEBUG, NOT_COUNTED },
	[FACT_MESSAGE] = { "message", LOG_DEBUG, NOT_COUNTED },
	[FACT_BOUNCED] = { "bounced", LOG_INFO, NOT_COUNTED },
	[FACT_WARNED] = { "warned", LOG_INFO, NOT_COUNTED },
	[FACT_CONFIRMED] = { "confirmed", LOG_INFO, NOT_COUNTED },
	[FACT_FILTERED] = { "filtered", LOG_INFO, NOT_COUNTED },
	[FACT_FILTER_AWAY] = { "filter_away", LOG_WARN, NOT_COUNTED },
	[FACT_REPORT_NOT_STORED] = { "report_not_stored", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_REPORT_WITHOUT_HEADER] = { "report_without_header", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_CONTENT_UNREADABLE] = { "content_unreadable", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_DELIVERED] = { "delivered", LOG_INFO, METRIC_DELIVERED },
	[FACT_DEFERRED] = { "deferred", LOG_INFO, METRIC_DEFERRED },
	[FACT_FAILED] = { "failed", LOG_INFO, METRIC_FAILED },
	[FACT_EXPIRED] = { "expired", LOG_INFO, METRIC_FAILED },
	[FACT_REMOVED] = { "removed", LOG_INFO, NOT_COUNTED },
	[FACT_BUDGET_REFUSED] = { "budget_refused", LOG_INFO,
	    METRIC_BUDGET_REFUSED },
	[FACT_BUDGET_HELD] = { "budget_held", LOG_INFO, METRIC_BUDGET_HELD },
	[FACT_BUDGET_LET_GO] = { "budget_let_go", LOG_INFO, NOT_COUNTED },
	[FACT_BUDGET_WARNING] = { "budget_warning", LOG_WARN,
	    METRIC_BUDGET_WARNINGS },
	[FACT_BRAKED] = { "braked", LOG_ERROR, METRIC_BRAKED },
	[FACT_LANE] = { "lane", LOG_DEBUG, NOT_COUNTED },
	[FACT_CLIENT] = { "client", LOG_DEBUG, NOT_COUNTED },
	[FACT_LOOKUP] = { "lookup", LOG_DEBUG, NOT_COUNTED },
	[FACT_LANE_FAILED] = { "lane_failed", LOG_INFO, NOT_COUNTED },
	[FACT_SITE_CLOSED] = { "site_closed", LOG_WARN, NOT_COUNTED },
	[FACT_RELAY_LOGIN_FAILED] = { "relay_login_failed", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_ROUTE_UNUSABLE] = { "route_unusable", LOG_ERROR, NOT_COUNTED },
	[FACT_DELIVERY_PAUSED] = { "delivery_paused", LOG_ERROR, NOT_COUNTED },
	[FACT_DELIVERY_RESUMED] = { "delivery_resumed", LOG_INFO, NOT_COUNTED },
	[FACT_PROXY_BAD] = { "proxy_bad", LOG_WARN, NOT_COUNTED },
	[FACT_LOST] = { "lost", LOG_INFO, NOT_COUNTED },
	[FACT_RELEASED] = { "released", LOG_INFO, NOT_COUNTED },
	[FACT_COUNTRIES_READ] = { "countries_read", LOG_INFO, NOT_COUNTED },
	[FACT_COUNTRIES_UNREADABLE] = { "countries_unreadable", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_ALIASES_READ] = { "aliases_read", LOG_INFO, NOT_COUNTED },
	[FACT_ALIASES_UNREADABLE] = { "aliases_unreadable", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_SUPPRESSED] = { "suppressed", LOG_INFO, NOT_COUNTED },
	[FACT_RECIPIENT_SUPPRESSED] = { "recipient_suppressed", LOG_INFO,
	    NOT_COUNTED },
	[FACT_SENDING_DOMAIN] = { "sending_domain", LOG_INFO, NOT_COUNTED },
	[FACT_SENDING_DOMAIN_WARN] = { "sending_domain", LOG_WARN,
	    NOT_COUNTED },
	[FACT_DOMAIN_HELD] = { "domain_held", LOG_ERROR, METRIC_DOMAINS_HELD },
	[FACT_DOMAIN_HELD_TOO] = { "domain_held", LOG_WARN, NOT_COUNTED },
	[FACT_DOMAIN_LET_GO] = { "domain_let_go", LOG_INFO, NOT_COUNTED },
	[FACT_MISTRUSTED] = { "mistrusted", LOG_INFO, NOT_COUNTED },
	[FACT_CONVERTED] = { "converted", LOG_INFO, METRIC_CONVERTED },
	[FACT_SIGNED] = { "signed", LOG_DEBUG, METRIC_SIGNED },
	[FACT_NOT_SIGNED] = { "not_signed", LOG_ERROR, METRIC_NOT_SIGNED },
	[FACT_DKIM_KEYS] = { "dkim_keys", LOG_INFO, NOT_COUNTED },
	[FACT_DKIM_KEY] = { "dkim_key", LOG_ERROR, NOT_COUNTED },
	[FACT_DKIM_KEY_OPEN] = { "dkim_key", LOG_WARN, NOT_COUNTED },
	[FACT_DKIM_KEY_GONE] = { "dkim_key_gone", LOG_ERROR, NOT_COUNTED },
	[FACT_DKIM_KEY_OLD] = { "dkim_key_old", LOG_WARN, NOT_COUNTED },
	[FACT_DKIM_STATE] = { "dkim_state", LOG_INFO, NOT_COUNTED },
	[FACT_DKIM_RECORD] = { "dkim_record", LOG_WARN, NOT_COUNTED },
	[FACT_DKIM_RECORD_WRONG] = { "dkim_record", LOG_ERROR, NOT_COUNTED },
	[FACT_USERS_READ] = { "users_read", LOG_INFO, NOT_COUNTED },
	[FACT_OAUTH_KEYS] = { "oauth_keys", LOG_ERROR, NOT_COUNTED },
	[FACT_USERS_UNREADABLE] = { "users_unreadable", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_KEY_RENEWED] = { "key_renewed", LOG_INFO, NOT_COUNTED },
	[FACT_KEY_RENEWAL_FAILED] = { "key_renewal_failed", LOG_WARN,
	    NOT_COUNTED },
	[FACT_LOGIN_KEY_NOT_KEPT] = { "login_key_not_kept", LOG_WARN,
	    NOT_COUNTED },
	[FACT_SASL] = { "sasl", LOG_WARN, NOT_COUNTED },
	[FACT_SASL_DEBUG] = { "sasl", LOG_DEBUG, NOT_COUNTED },
	[FACT_SPOOL_REFUSED] = { "spool_refused", LOG_ERROR, NOT_COUNTED },
	[FACT_SPOOL_OPEN] = { "spool_open", LOG_INFO, NOT_COUNTED },
	[FACT_SPOOL_STOPPED] = { "spool_stopped", LOG_ERROR, NOT_COUNTED },
	[FACT_SPOOL_RESUMED] = { "spool_resumed", LOG_WARN, NOT_COUNTED },
	[FACT_SPOOL_FAULT] = { "spool_fault", LOG_ERROR, NOT_COUNTED },
	[FACT_SPOOL_UNRECORDED] = { "spool_unrecorded", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_SPOOL_DAMAGED] = { "spool_damaged", LOG_ERROR, NOT_COUNTED },
	[FACT_SPOOL_UNREADABLE] = { "spool_unreadable", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_SPOOL_TORN] = { "spool_torn", LOG_INFO, NOT_COUNTED },
	[FACT_SPOOL_UNUSED] = { "spool_unused", LOG_INFO, NOT_COUNTED },
	[FACT_SPOOL_ORPHAN] = { "spool_orphan", LOG_WARN, NOT_COUNTED },
	[FACT_SPOOL_FOREIGN_FILE] = { "spool_foreign_file", LOG_WARN,
	    NOT_COUNTED },
	[FACT_SPOOL_SET_ASIDE_FAILED] = { "spool_set_aside_failed", LOG_WARN,
	    NOT_COUNTED },
	[FACT_SPOOL_CONTENT_FAILED] = { "spool_content_failed", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_SPOOL_READ_FAILED] = { "spool_read_failed", LOG_WARN,
	    NOT_COUNTED },
	[FACT_SPOOL_WORDS_DAMAGED] = { "spool_words_damaged", LOG_WARN,
	    NOT_COUNTED },
	[FACT_SPOOL_REMOVE_FAILED] = { "spool_remove_failed", LOG_WARN,
	    NOT_COUNTED },
	[FACT_SPOOL_DROP_FAILED] = { "spool_drop_failed", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_SPOOL_SPARE_FAILED] = { "spool_spare_failed", LOG_WARN,
	    NOT_COUNTED },
	[FACT_STATE_OPEN] = { "state_open", LOG_INFO, NOT_COUNTED },
	[FACT_STATE_FAULT] = { "state_fault", LOG_ERROR, NOT_COUNTED },
	[FACT_STATE_DAMAGED] = { "state_damaged", LOG_ERROR, NOT_COUNTED },
	[FACT_STATE_GONE] = { "state_gone", LOG_ERROR, NOT_COUNTED },
	[FACT_STOPS_DAMAGED] = { "stops_damaged", LOG_ERROR, NOT_COUNTED },
	[FACT_STOPS_NOT_KEPT] = { "stops_not_kept", LOG_ERROR, NOT_COUNTED },
	[FACT_STARTED] = { "started", LOG_INFO, NOT_COUNTED },
	[FACT_STOPPING] = { "stopping", LOG_INFO, NOT_COUNTED },
	[FACT_STOPPED] = { "stopped", LOG_INFO, NOT_COUNTED },
	[FACT_QUEUE_LOADED] = { "queue_loaded", LOG_INFO, NOT_COUNTED },
	[FACT_CONFIGURATION_ERROR] = { "configuration", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_CONFIGURATION] = { "configuration", LOG_WARN, NOT_COUNTED },
	[FACT_CERTIFICATE_TAKEN] = { "certificate_taken", LOG_INFO,
	    NOT_COUNTED },
	[FACT_CERTIFICATE_REFUSED] = { "certificate_refused", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_CERTIFICATE_ENDS] = { "certificate_ends", LOG_WARN, NOT_COUNTED },
	[FACT_RELOADED] = { "reloaded", LOG_INFO, NOT_COUNTED },
	[FACT_RELOADED_IN_PART] = { "reloaded_in_part", LOG_ERROR,
	    NOT_COUNTED },
	[FACT_RELOAD_FAILED] = { "reload_failed", LOG_ERROR, NOT_COUNTED },
	[FACT_RELOAD] = { "reload", LOG_WARN, NOT_COUNTED },
	[FACT_LOG_DROPPED] = { "log_dropped", LOG_WARN, NOT_COUNTED },
	[FACT_OPERATOR] = { "operator", LOG_INFO, NOT_COUNTED },
	/* clang-format on */
};

struct sink {
	fact_sink tell;
	void *arg;
};

static struct sink log_sink, sinks[FACT_SINKS];
static size_t nsinks;
static uint8_t wanted[FACT_KINDS]; /* by which sinks, a bit each */

const char *
fact_name(enum fact_kind kind)
{
	return kinds[kind].name;
}

enum log_level
fact_level(enum fact_kind kind)
{
	return kinds[kind].level;
}

const struct fact_field *
fact_find(const struct fact *fact, const char *name)
{
	for (size_t i = 0; i < fact->nfields; i++)
		if (fact->fields[i].name != NULL &&
		    strcmp(fact->fields[i].name, name) == 0)
			return &fact->fields[i];
	return NULL;
}

/* --- fields --- */

static struct fact_field
field_of_text(const char *name, enum fact_type type, struct span text)
{
	return (struct fact_field){ .name = name, .type = type, .text = text };
}

static struct fact_field
field_of_number(const char *name, enum fact_type type, uint64_t n)
{
	return (struct fact_field){ .name = name, .type = type, .number = n };
}

struct fact_field
fact_text(const char *name, struct span text)
{
	return field_of_text(name, FACT_TEXT, text);
}

struct fact_field
fact_words(const char *name, struct span text)
{
	return field_of_text(name, FACT_WORDS, text);
}

struct fact_field
fact_string(const char *name, const char *text)
{
	return field_of_text(name, FACT_TEXT, span_text(text));
}

struct fact_field
fact_word(const char *name, const char *word)
{
	return field_of_text(name, FACT_WORD, span_text(word));
}

struct fact_field
fact_span(const char *name, struct span word)
{
	return field_of_text(name, FACT_WORD, word);
}

struct fact_field
fact_any(const char *name, struct span word)
{
	return field_of_text(
	    span_is_empty(word) ? NULL : name, FACT_WORD, word);
}

struct fact_field
fact_address(const char *name, struct span address)
{
	return field_of_text(name, FACT_ADDRESS, address);
}

struct fact_field
fact_number(const char *name, uint64_t n)
{
	return field_of_number(name, FACT_NUMBER, n);
}

struct fact_field
fact_ms(const char *name, uint64_t n)
{
	return field_of_number(name, FACT_MS, n);
}

struct fact_field
fact_s(const char *name, uint64_t n)
{
	return field_of_number(name, FACT_S, n);
}

struct fact_field
fact_id(const char *name, uint64_t id)
{
	struct fact_field f = { .name = name, .type = FACT_WORD };

	(void)snprintf(f.id, sizeof f.id, "%s", qid_format(id).text);
	return f;
}

/* --- telling --- */

void
facts_set_log(fact_sink sink, void *arg)
{
	log_sink = (struct sink){ sink, arg };
}

void
facts_add_sink(
    fact_sink sink, void *arg, const enum fact_kind *which, size_t nwhich)
{
	assert(nsinks < FACT_SINKS);
	sinks[nsinks] = (struct sink){ sink, arg };
	for (size_t i = 0; i < nwhich; i++)
		wanted[which[i]] |= (uint8_t)(1u << nsinks);
	nsinks++;
}

void
facts_forget_sinks(void)
{
	memset(wanted, 0, sizeof wanted);
	nsinks = 0;
}

static bool
is_logged(enum fact_kind kind)
{
	return log_sink.tell != NULL && log_level_is_on(kinds[kind].level);
}

bool
fact_count(enum fact_kind kind)
{
	if (kinds[kind].metric != NOT_COUNTED)
		metric_add((enum metric)kinds[kind].metric, 1);
	return wanted[kind] != 0 || is_logged(kind);
}

void
fact_tell(enum fact_kind kind, const struct fact_field *fields, size_t nfields)
{
	struct fact fact = { kind, fields, nfields };

	for (size_t i = 0; i < nsinks; i++)
		if ((wanted[kind] >> i & 1) != 0)
			sinks[i].tell(&fact, sinks[i].arg);
	if (is_logged(kind))
		log_sink.tell(&fact, log_sink.arg);
}
