libpostern_a_SOURCES += \
	include/policy/aliases.h src/policy/aliases.c \
	include/policy/authors.h src/policy/authors.c \
	include/policy/brake.h src/policy/brake.c \
	include/policy/budget.h src/policy/budget.c \
	src/policy/budget_say.c \
	include/policy/identity.h src/policy/identity.c \
	include/policy/known.h src/policy/known.c \
	include/policy/places.h src/policy/places.c \
	include/policy/suppression.h src/policy/suppression.c \
	include/policy/seats.h src/policy/seats.c \
	include/policy/window.h src/policy/window.c
