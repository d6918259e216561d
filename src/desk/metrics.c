#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/metrics.h"
#include "conf/conf.h"
#include "base/build.h"
#include "desk/pages.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "health.h"
#include "io/loop.h"
#include "io/tls.h"
#include "route/router.h"
#include "sched/site.h"
#include "spool/spool.h"

enum { SITES_SHOWN = 20 };

static void
put_head(struct buf *out, const char *name, const char *help, const char *type)
{
	(void)buf_printf(out, "# HELP postern_%s %s\n# TYPE postern_%s %s\n",
	    name, help, name, type);
}

static void
put_value(struct buf *out, const char *name, const char *help, const char *type,
    uint64_t value)
{
	put_head(out, name, help, type);
	(void)buf_printf(out, "postern_%s %" PRIu64 "\n", name, value);
}

static void
put_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	put_value(out, name, help, "gauge", value);
}

static uint64_t
not_negative(int64_t n)
{
	return n < 0 ? 0 : (uint64_t)n;
}

static void
put_counters(struct buf *out)
{
	for (int i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = metric_info((enum metric)i);
		char name[64];

		(void)snprintf(name, sizeof name, "%s%s", info->name,
		    info->is_gauge ? "" : "_total");
		put_value(out, name, info->help,
		    info->is_gauge ? "gauge" : "counter",
		    not_negative(metric_get((enum metric)i)));
	}
}

static void
put_families(struct buf *out)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		const struct family_info *info = family_info(f);
		char name[64];

		(void)snprintf(name, sizeof name, "%s%s", info->name,
		    info->is_gauge ? "" : "_total");
		put_head(out, name, info->help,
		    info->is_gauge ? "gauge" : "counter");
		for (unsigned i = 0; i < info->nlabels; i++)
			(void)buf_printf(out, "postern_%s{%s} %" PRIu64 "\n",
			    name, info->labels[i],
			    not_negative(family_get(f, i)));
	}
}

static void
put_histogram(struct buf *out, enum histogram h)
{
	const struct histogram_info *info = histogram_info(h);
	const uint64_t *bounds = histogram_bounds();
	struct histogram_values v;
	char name[64];

	histogram_get(h, &v);
	(void)snprintf(name, sizeof name, "%s_seconds", info->name);
	put_head(out, name, info->help, "histogram");
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		(void)buf_printf(out,
		    "postern_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
		    (double)bounds[i] / 1e6, v.below[i]);
	(void)buf_printf(out,
	    "postern_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n"
	    "postern_%s_sum %.6f\npostern_%s_count %" PRIu64 "\n",
	    name, v.count, name, (double)v.sum_us / 1e6, name, v.count);
}

static void
put_queue(const struct pages *p, struct buf *out)
{
	struct queue_place oldest = { 0 };
	int64_t age =
	    queue_oldest(p->queue, &oldest) ? wall_now() - oldest.arrived : 0;

	put_gauge(
	    out, "queue_messages", "messages waiting", queue_count(p->queue));
	put_gauge(out, "queue_oldest_seconds",
	    "age of the message that waits longest", not_negative(age) / 1000);
}

/*
 * Only with filters: a name appears with the first message. It is one of the
 * configuration's, of letters and digits, and needs no quoting.
 */
static void
put_filters(struct buf *out)
{
	uint64_t dids[FILTER_DIDS];
	const char *name;

	if (filter_counted(0, dids) == NULL)
		return;
	put_head(out, "filtered_total",
	    "messages at filters, by what these did", "counter");
	for (unsigned i = 0; (name = filter_counted(i, dids)) != NULL; i++)
		for (int k = 0; k < FILTER_DIDS; k++)
			(void)buf_printf(out,
			    "postern_filtered_total{filter=\"%s\",did=\"%s\"} "
			    "%" PRIu64 "\n",
			    name, filter_did_name((enum filter_did)k), dids[k]);
}

/* --- sites: those with most in line --- */

struct busy {
	const struct site *site;
	uint64_t waiting;
};

static uint64_t
waiting_for(const struct site *s)
{
	uint64_t n = 0;

	LIST_FOREACH (node, &s->channels)
		n += LIST_ENTRY(node, struct channel, node)->line.waiting;
	return n;
}

/* Keeps them in order, the busiest first. */
static void
rank(struct busy *top, size_t *n, struct busy one)
{
	size_t at = *n;

	if (*n == SITES_SHOWN) {
		if (top[SITES_SHOWN - 1].waiting >= one.waiting)
			return;
		at--;
	} else {
		(*n)++;
	}
	for (; at > 0 && top[at - 1].waiting < one.waiting; at--)
		top[at] = top[at - 1];
	top[at] = one;
}

/* A label's value: no quote, backslash or line end is in a name of ours. */
static void
put_label(struct buf *out, const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		(void)buf_append_char(out,
		    *p > ' ' && *p <= '~' && *p != '"' && *p != '\\' ? *p
								     : '_');
}

static void
put_sites(const struct pages *p, struct buf *out)
{
	struct busy top[SITES_SHOWN];
	uint64_t sites = 0, all = 0;
	struct site *s;
	size_t n = 0, at = 0;

	while ((s = router_next_site(p->router, &at)) != NULL) {
		struct busy one = { s, waiting_for(s) };

		sites++;
		all += one.waiting;
		if (one.waiting > 0)
			rank(top, &n, one);
	}
	put_gauge(out, "sites", "sites that are known", sites);
	put_gauge(out, "line", "legs in line for a lane, at all sites", all);
	put_head(
	    out, "site_line", "legs in line at the sites with most", "gauge");
	for (size_t i = 0; i < n; i++) {
		(void)buf_append_text(out, "postern_site_line{site=\"");
		put_label(out, top[i].site->name);
		(void)buf_printf(out, "\"} %" PRIu64 "\n", top[i].waiting);
	}
}

/* --- the rest --- */

static void
put_spool(const struct pages *p, struct buf *out)
{
	const char *directory = (*p->conf)->spool_directory;
	struct spool_health h;
	struct statvfs fs;

	spool_health(p->spool, &h);
	put_gauge(
	    out, "spool_live_bytes", "bytes of waiting messages", h.live_bytes);
	put_gauge(
	    out, "spool_used_bytes", "bytes the spool takes", h.used_bytes);
	put_gauge(out, "spool_segments", "journal segments", h.segments);
	put_gauge(out, "spool_accepting", "1: new mail is taken", h.accepting);
	put_gauge(out, "spool_recording", "1: the journal can be written",
	    h.recording);
	if (statvfs(directory, &fs) != 0)
		return;
	put_gauge(out, "spool_disk_free_bytes", "bytes left where the spool is",
	    (uint64_t)fs.f_bavail * fs.f_frsize);
	put_gauge(out, "spool_disk_free_inodes",
	    "inodes left where the spool is", fs.f_favail);
}

static void
put_process(const struct pages *p, struct buf *out)
{
	struct descriptors d = descriptors_now();
	int days = tls_server_days_left(*p->tls);

	put_head(out, "build_info", "the version that runs", "gauge");
	(void)buf_printf(out,
	    "postern_build_info{version=\"%s\",commit=\"%s\"} 1\n",
	    build_version(), build_commit());
	put_gauge(out, "start_time_seconds", "when it started, since 1970",
	    not_negative(p->started) / 1000);
	put_gauge(out, "open_descriptors", "descriptors in use", d.open);
	put_gauge(out, "max_descriptors", "as many there may be", d.most);
	put_gauge(out, "max_sessions", "limits.sessions",
	    (*p->conf)->limits.sessions);
	put_head(out, "certificate_days",
	    "days until the certificate ends that ends first; negative: over",
	    "gauge");
	(void)buf_printf(out, "postern_certificate_days %d\n", days);
}

void
metrics_write(const struct pages *p, struct buf *out)
{
	put_process(p, out);
	put_counters(out);
	put_families(out);
	for (enum histogram h = 0; h < HISTOGRAM_COUNT; h++)
		put_histogram(out, h);
	put_queue(p, out);
	put_filters(out);
	put_sites(p, out);
	put_spool(p, out);
}
