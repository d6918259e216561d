#include "health.h"

#include <dirent.h>
#include <sys/resource.h>

#include "base/metrics.h"
#include "conf/conf.h"
#include "desk/pages.h"
#include "io/tls.h"
#include "spool/spool.h"

enum {
	DAYS_WARNED = 14, /* before a certificate ends */
	UNANSWERED_MANY = 20, /* questions to name servers, one after another */
	DESCRIPTORS_LEFT = 64, /* fewer are few */
};

struct descriptors
descriptors_now(void)
{
	struct descriptors d = { 0, 0 };
	struct rlimit limit;
	DIR *dir = opendir("/proc/self/fd");

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		d.most = limit.rlim_cur;
	if (dir == NULL) {
		d.open = d.most; /* not even one was left */
		return d;
	}
	while (readdir(dir) != NULL)
		d.open++;
	(void)closedir(dir);
	d.open -= d.open < 3 ? d.open : 3; /* ".", "..", and this one */
	return d;
}

__attribute__((format(printf, 3, 4))) static void
find(struct buf *out, const char *level, const char *format, ...)
{
	va_list ap;

	(void)buf_printf(out, "%s: ", level);
	va_start(ap, format);
	(void)buf_vprintf(out, format, ap);
	va_end(ap);
	(void)buf_append_char(out, '\n');
}

static bool
look_at_spool(const struct pages *p, struct buf *out)
{
	struct spool_health h;

	spool_health(p->spool, &h);
	if (h.accepting && h.recording)
		return true;
	find(out, "error", "spool: %s: %s",
	    h.recording ? "not accepting mail"
			: "not accepting and not delivering mail",
	    h.why);
	return false;
}

static bool
look_at_certificate(const struct pages *p, struct buf *out)
{
	int days = tls_server_days_left(*p->tls);

	if (days < 0)
		find(out, "error",
		    "certificate: ended %d day%s ago; clients refuse it: renew "
		    "it, then postern reload",
		    -days, days == -1 ? "" : "s");
	else if (days < DAYS_WARNED)
		find(out, "warning",
		    "certificate: ends in %d day%s; renew it, then postern "
		    "reload",
		    days, days == 1 ? "" : "s");
	return days >= 0;
}

static bool
look_at_descriptors(struct buf *out)
{
	struct descriptors d = descriptors_now();

	if (d.open + DESCRIPTORS_LEFT <= d.most)
		return true;
	find(out, "error",
	    "descriptors: %llu of %llu are in use; raise LimitNOFILE of the "
	    "service, or lower limits.sessions and deliver.connections",
	    (unsigned long long)d.open, (unsigned long long)d.most);
	return false;
}

/* These go on for a while with what was known before. */
static void
look_at_the_rest(const struct pages *p, struct buf *out)
{
	if (metric_get(METRIC_USERS_BROKEN) != 0)
		find(out, "warning",
		    "auth.users %s cannot be read: the accounts stay as they "
		    "were; the log says why",
		    (*p->conf)->users);
	if (metric_get(METRIC_RELOAD_FAILED) != 0)
		find(out, "warning",
		    "configuration: the last reload failed and the old one is "
		    "in use; postern check says why");
	if (metric_get(METRIC_DNS_UNANSWERED) >= UNANSWERED_MANY)
		find(out, "warning",
		    "resolver: the last %lld questions were not answered; see "
		    "resolver.servers or /etc/resolv.conf",
		    (long long)metric_get(METRIC_DNS_UNANSWERED));
	if (metric_get(METRIC_LOG_BEHIND) != 0)
		find(out, "warning",
		    "log: lines are dropped, for nobody takes them; see "
		    "log.target");
}

bool
health_write(const struct pages *p, struct buf *out)
{
	bool is_well = look_at_spool(p, out);

	is_well &= look_at_certificate(p, out);
	is_well &= look_at_descriptors(out);
	look_at_the_rest(p, out);
	return is_well;
}
