libpostern_a_SOURCES += \
	include/policy/aliases.h src/policy/aliases.c \
	include/policy/authors.h src/policy/authors.c \
	include/policy/identity.h src/policy/identity.c \
	include/policy/seats.h src/policy/seats.c
