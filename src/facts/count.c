#include "facts/count.h"

#include "base/metrics.h"
#include "facts/fact.h"

static uint64_t
number_of(const struct fact *fact, const char *name)
{
	const struct fact_field *f = fact_find(fact, name);

	return f == NULL ? 0 : f->number;
}

static void
count_login(const struct fact *fact, enum login_result result)
{
	const struct fact_field *mech = fact_find(fact, "mech");
	/* Where no label fits it is the last one, of the last mechanism. */
	unsigned label = family_label(
	    FAMILY_LOGINS, mech == NULL ? SPAN("other") : mech->text);

	family_add(FAMILY_LOGINS,
	    label / LOGIN_RESULTS * LOGIN_RESULTS + (unsigned)result, 1);
}

static void
count_filter(const struct fact *fact)
{
	const struct fact_field *name = fact_find(fact, "filter");
	const struct fact_field *did = fact_find(fact, "did");
	int i = FILTER_AWAY; /* the fact of one that is away says no more */

	if (name == NULL)
		return;
	for (int k = 0; did != NULL && k < FILTER_DIDS; k++)
		if (span_equal(did->text,
			span_text(filter_did_name((enum filter_did)k))))
			i = k;
	filter_count(name->text, (enum filter_did)i);
}

static void
count(const struct fact *fact, void *arg)
{
	(void)arg;
	switch (fact->kind) {
	case FACT_FILTERED:
	case FACT_FILTER_AWAY: count_filter(fact); break;
	case FACT_LOGIN: count_login(fact, LOGIN_OK); break;
	case FACT_LOGIN_FAILED: count_login(fact, LOGIN_BAD); break;
	case FACT_LOGIN_FAILED_ERROR: count_login(fact, LOGIN_BROKEN); break;
	case FACT_DELIVERED:
		family_add(FAMILY_ATTEMPTS, ATTEMPT_DELIVERED, 1);
		histogram_add(
		    HISTOGRAM_DELIVER, number_of(fact, "delay") * 1000);
		break;
	case FACT_DEFERRED:
		family_add(FAMILY_ATTEMPTS, ATTEMPT_DEFERRED, 1);
		break;
	case FACT_FAILED: family_add(FAMILY_ATTEMPTS, ATTEMPT_FAILED, 1); break;
	case FACT_EXPIRED:
		family_add(FAMILY_ATTEMPTS, ATTEMPT_EXPIRED, 1);
		break;
	default: break; /* it hears of those alone */
	}
}

void
facts_count(void)
{
	static const enum fact_kind kinds[] = { FACT_LOGIN, FACT_LOGIN_FAILED,
		FACT_LOGIN_FAILED_ERROR, FACT_DELIVERED, FACT_DEFERRED,
		FACT_FAILED, FACT_EXPIRED, FACT_FILTERED, FACT_FILTER_AWAY };

	facts_add_sink(count, NULL, kinds, ARRAY_LEN(kinds));
}
