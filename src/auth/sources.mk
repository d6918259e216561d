libpostern_a_SOURCES += \
	include/auth/auth.h src/auth/auth.c \
	include/auth/users.h src/auth/users.c \
	src/auth/auth_priv.h \
	src/auth/change.c \
	src/auth/exchange.c \
	src/auth/password.c \
	src/auth/remember.c \
	src/auth/mech.c
