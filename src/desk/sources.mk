libpostern_a_SOURCES += \
	src/desk/account.c \
	src/desk/contents.h src/desk/contents.c \
	include/desk/control.h src/desk/control.c src/desk/control_priv.h \
	src/desk/domains.c \
	src/desk/describe.h src/desk/describe.c \
	src/desk/explain.c \
	src/desk/filter.h src/desk/filter.c \
	src/desk/listing.h src/desk/listing.c \
	include/desk/pages.h src/desk/pages.c \
	src/desk/scan.h src/desk/scan.c \
	src/desk/sessions.c \
	src/desk/status.h src/desk/status.c \
	src/desk/steer.c \
	src/desk/summary.h src/desk/summary.c \
	src/desk/suppressing.c \
	src/desk/tracing.c \
	src/desk/health.h src/desk/health.c \
	src/desk/metrics.h src/desk/metrics.c
