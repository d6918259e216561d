libpostern_a_SOURCES += \
	include/policy/identity.h src/policy/identity.c
