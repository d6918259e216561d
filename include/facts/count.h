/*
 * count: the sink that counts facts by what is in them (base/metrics.h has the
 * families and histograms that it raises).
 */
#ifndef FACTS_COUNT_H
#define FACTS_COUNT_H

/* From now on; once, before there is a second thread. */
void facts_count(void);

#endif
