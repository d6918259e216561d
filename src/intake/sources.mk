libpostern_a_SOURCES += \
	include/intake/draft.h src/intake/draft.c \
	include/intake/intake_io.h src/intake/intake_io.c \
	src/intake/admit.c src/intake/authors.c \
	src/intake/draft_priv.h src/intake/fixups.c src/intake/hash.c \
	src/intake/steps.c
