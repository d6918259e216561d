#include "base/findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

void
findings_add(
    struct findings *f, enum finding_level level, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, format);
	(void)buf_vprintf(&text, format, ap);
	va_end(ap);
	f->all = mem_realloc(f->all, (f->n + 1) * sizeof *f->all);
	f->all[f->n++] = (struct finding){ level, span_dup(buf_span(&text)) };
	buf_clear(&text);
}

size_t
findings_count(const struct findings *f, enum finding_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->all[i].level == level;
	return n;
}

void
findings_join(
    const struct findings *f, enum finding_level level, struct buf *out)
{
	const char *between = "";

	for (size_t i = 0; i < f->n; i++) {
		if (f->all[i].level != level)
			continue;
		(void)buf_printf(out, "%s%s", between, f->all[i].text);
		between = "; ";
	}
}

const char *
finding_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_WARNING] = "warning",
		[FINDING_ERROR] = "error",
	};

	return names[level];
}

void
findings_clear(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->all[i].text);
	free(f->all);
	*f = (struct findings){ 0 };
}
