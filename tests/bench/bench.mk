# Benchmarks: built by `make bench`, never run by make check.
EXTRA_PROGRAMS = tests/bench/bench_spool tests/bench/bench_road \
	tests/bench/smtp_load tests/bench/smtp_idle tests/bench/smtp_sink \
	tests/bench/smtp_attack tests/bench/smtp_drip tests/bench/bench_budget \
	tests/bench/bench_sending
tests_bench_bench_sending_LDADD = $(LIBS_ALL)
tests_bench_bench_budget_LDADD = $(LIBS_ALL)
tests_bench_bench_spool_LDADD = $(LIBS_ALL)
tests_bench_bench_road_LDADD = $(LIBS_ALL)
tests_bench_smtp_attack_LDADD = $(LIBS_ALL)
tests_bench_smtp_drip_LDADD = $(LIBS_ALL)
tests_bench_smtp_load_LDADD = $(LIBS_ALL)
tests_bench_smtp_idle_LDADD = $(LIBS_ALL)
tests_bench_smtp_sink_LDADD = $(LIBS_ALL)
EXTRA_DIST += tests/bench/strangers.h
bench: $(EXTRA_PROGRAMS)
.PHONY: bench
CLEANFILES += $(EXTRA_PROGRAMS)
