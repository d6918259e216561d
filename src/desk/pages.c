#include "desk/pages.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/metrics.h"
#include "http/server.h"
#include "dispatch/queue.h"
#include "spool/spool.h"

static void
write_health(const struct pages *p, struct http_page *page)
{
	struct spool_health h;
	bool is_well;

	spool_health(p->spool, &h);
	is_well = h.accepting && h.recording;
	page->status = is_well ? 200 : 503;
	page->type = "text/plain";
	if (is_well)
		(void)buf_append_text(&page->body, "ok\n");
	else
		(void)buf_printf(&page->body, "%s: %s\n",
		    h.recording ? "not accepting mail"
				: "not accepting and not delivering mail",
		    h.why);
}

static void
write_value(struct buf *out, const char *name, const char *help,
    const char *type, uint64_t value)
{
	(void)buf_printf(out,
	    "# HELP postern_%s %s\n# TYPE postern_%s %s\npostern_%s %" PRIu64
	    "\n",
	    name, help, name, type, name, value);
}

static void
write_counters(struct buf *out)
{
	for (int i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = metric_info((enum metric)i);
		int64_t value = metric_get((enum metric)i);
		char name[64];

		(void)snprintf(name, sizeof name, "%s%s", info->name,
		    info->is_gauge ? "" : "_total");
		write_value(out, name, info->help,
		    info->is_gauge ? "gauge" : "counter",
		    value < 0 ? 0 : (uint64_t)value);
	}
}

static void
write_metrics(const struct pages *p, struct http_page *page)
{
	struct buf *out = &page->body;
	struct spool_health h;

	spool_health(p->spool, &h);
	page->type = "text/plain; version=0.0.4";
	write_counters(out);
	write_value(out, "queue_messages", "messages waiting", "gauge",
	    queue_count(p->queue));
	write_value(out, "spool_live_bytes", "bytes of waiting messages",
	    "gauge", h.live_bytes);
	write_value(out, "spool_used_bytes", "bytes the spool takes", "gauge",
	    h.used_bytes);
	write_value(
	    out, "spool_segments", "journal segments", "gauge", h.segments);
	write_value(out, "spool_accepting", "1: new mail is taken", "gauge",
	    h.accepting);
	write_value(out, "spool_recording", "1: the journal can be written",
	    "gauge", h.recording);
}

void
pages_write(struct span path, struct http_page *page, void *arg)
{
	if (span_equal(path, SPAN("/healthz"))) {
		write_health(arg, page);
	} else if (span_equal(path, SPAN("/metrics"))) {
		write_metrics(arg, page);
	} else {
		page->status = 404;
		(void)buf_append_text(
		    &page->body, "/healthz and /metrics are here\n");
	}
}
