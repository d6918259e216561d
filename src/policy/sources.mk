libpostern_a_SOURCES += \
	include/policy/identity.h src/policy/identity.c \
	include/policy/seats.h src/policy/seats.c
