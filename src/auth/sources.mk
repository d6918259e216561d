libpostern_a_SOURCES += \
	include/auth/auth.h src/auth/auth.c \
	include/auth/users.h src/auth/users.c \
	include/auth/user_key.h src/auth/user_key.c \
	src/auth/auth_priv.h \
	src/auth/change.c \
	src/auth/exchange.c \
	src/auth/guessing.h src/auth/guessing.c \
	src/auth/kept.c \
	src/auth/library.c \
	src/auth/line.h src/auth/line.c \
	src/auth/name.h src/auth/name.c \
	src/auth/password.c \
	src/auth/remember.c \
	src/auth/renew.c \
	src/auth/secret.c \
	src/auth/bearer.c src/auth/bearer.h \
	src/auth/oauth.c src/auth/oauth.h src/auth/oauth_mech.c \
	src/auth/token.c src/auth/token.h \
	src/auth/mech.c
