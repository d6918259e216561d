libpostern_a_SOURCES += \
	include/route/router.h src/route/router_priv.h src/route/router_io.c \
	src/route/cache_priv.h src/route/cache.c \
	include/route/lookup.h src/route/lookup.c \
	src/route/lookup_priv.h src/route/lookup_io.c \
	src/route/plan_priv.h src/route/plan.c src/route/plan_io.c
