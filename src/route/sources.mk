libpostern_a_SOURCES += \
	include/route/router.h src/route/router.c \
	src/route/plan_priv.h src/route/plan.c
