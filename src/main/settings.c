#include "settings.h"

#include <stdlib.h>

#include "auth/auth.h"
#include "facts/fact.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/hostname.h"

void
settings_log_warnings(const struct buf *warnings)
{
	struct span all = buf_span(warnings);

	while (!span_is_empty(all)) {
		struct span line = span_cut(&all, '\n');

		if (!span_is_empty(line))
			FACT(CONFIGURATION, fact_text("what", line));
	}
}

/* Mechanisms whose plug-in is missing are not offered. */
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
		FACT(MECHANISM_MISSING, fact_word("mech", name),
		    fact_string("what", "libsasl2 has no such plug-in here "
					"(package libsasl2-modules)"));
		free(name);
	}
	conf->nmechanisms = n;
	if (n == 0)
		return err_set(err, -1,
		    "auth.mechanisms: none of them can "
		    "be had here; install libsasl2-modules");
	return 0;
}

struct conf *
settings_read(const char *file, struct buf *warnings, struct err *err)
{
	char name[256];

	hostname_of_system(name, sizeof name);
	return conf_read(file, name, warnings, err);
}
