#include "settings.h"

#include <stdlib.h>

#include "auth/auth.h"
#include "base/findings.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "facts/fact.h"

static void
log_level_of(const struct findings *f, enum finding_level level)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *text = f->all[i].text;

		if (f->all[i].level != level)
			continue;
		if (level == FINDING_ERROR)
			FACT(CONFIGURATION_ERROR, fact_string("what", text));
		else
			FACT(CONFIGURATION, fact_string("what", text));
	}
}

void
settings_log(const struct findings *f)
{
	log_level_of(f, FINDING_ERROR);
	log_level_of(f, FINDING_WARNING);
}

/* What cannot work is not offered. */
int
settings_drop_mechanisms(struct conf *conf, struct auth *auth, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->nmechanisms; i++) {
		char *name = conf->mechanisms[i];

		if (auth_has_mechanism(auth, span_text(name))) {
			conf->mechanisms[n++] = name;
			continue;
		}
		free(name);
	}
	conf->nmechanisms = n;
	if (n > 0)
		return 0;
	return err_set(err, -1, "auth.mechanisms: none of them can be had %s",
	    conf->backend == AUTH_BACKEND_USERS
		? "here; install libsasl2-modules"
		: "of Cyrus SASL, as its own postern.conf has it; name some of "
		  "its mech_list");
}
