/* metrics: everything that is counted, in Prometheus' text form. */
#ifndef DESK_METRICS_H
#define DESK_METRICS_H

#include "base/buf.h"

struct pages;

void metrics_write(const struct pages *p, struct buf *out);

#endif
