libpostern_a_SOURCES += \
	include/route/router.h src/route/router.c
