libpostern_a_SOURCES += \
	include/dispatch/dispatch.h src/dispatch/dispatch.c \
	src/dispatch/dispatch_priv.h \
	src/dispatch/lanes.c src/dispatch/reports.c
