#include "desk/pages.h"

#include "health.h"
#include "http/server.h"
#include "metrics.h"

static void
write_health(const struct pages *p, struct http_page *page)
{
	page->type = "text/plain";
	if (health_write(p, &page->body))
		(void)buf_append_text(&page->body, "ok\n");
	else
		page->status = 503;
}

void
pages_write(struct span path, struct http_page *page, void *arg)
{
	if (span_equal(path, SPAN("/healthz"))) {
		write_health(arg, page);
	} else if (span_equal(path, SPAN("/metrics"))) {
		page->type = "text/plain; version=0.0.4";
		metrics_write(arg, &page->body);
	} else {
		page->status = 404;
		(void)buf_append_text(
		    &page->body, "/healthz and /metrics are here\n");
	}
}
