libpostern_a_SOURCES += \
	include/desk/control.h src/desk/control.c \
	src/desk/describe.h src/desk/describe.c \
	src/desk/listing.h src/desk/listing.c \
	include/desk/pages.h src/desk/pages.c \
	src/desk/status.h src/desk/status.c \
	src/desk/health.h src/desk/health.c \
	src/desk/metrics.h src/desk/metrics.c
