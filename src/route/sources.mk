libpostern_a_SOURCES += \
	include/route/router.h src/route/router_io.c \
	include/route/lookup.h src/route/lookup.c \
	src/route/plan_priv.h src/route/plan_io.c
