libpostern_a_SOURCES += \
	src/intake/account.c src/intake/admit.c src/intake/authors.c \
	include/intake/draft.h src/intake/draft.c \
	src/intake/draft_priv.h src/intake/fixups.c src/intake/hash.c \
	include/intake/intake_io.h src/intake/intake_io.c \
	include/intake/ledger_io.h src/intake/ledger_io.c \
	src/intake/ledger_priv.h src/intake/steps.c
