libpostern_a_SOURCES += \
	src/intake/account.c src/intake/admit.c src/intake/after.c \
	include/intake/after_io.h src/intake/after_io.c \
	include/intake/draft.h src/intake/draft.c \
	src/intake/draft_priv.h src/intake/fixups.c \
	include/intake/intake_io.h src/intake/intake_io.c \
	include/intake/ledger_io.h src/intake/ledger_io.c \
	include/intake/suppressor_io.h src/intake/suppressor_io.c \
	include/intake/filter_io.h src/intake/filter_io.c \
	src/intake/changes.c src/intake/filtered.c \
	src/intake/author.c src/intake/authors.c src/intake/hash.c \
	src/intake/ledger_priv.h src/intake/ledger_state_io.c \
	src/intake/ledger_warnings_io.c src/intake/steps.c \
	src/intake/standings_io.h src/intake/standings_io.c
