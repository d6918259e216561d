libpostern_a_SOURCES += \
	src/state/accounts.c \
	src/state/db.h src/state/db.c \
	include/state/state.h src/state/state.c src/state/logins.c src/state/sending.c src/state/suppressed.c src/state/state_priv.h
