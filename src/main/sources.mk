posternd_SOURCES = \
	src/main/acceptor.c src/main/acceptor.h \
	src/main/aliases.c src/main/aliases.h \
	src/main/certificates.c src/main/certificates.h \
	src/main/countries.c src/main/countries.h \
	src/main/locals.c src/main/locals.h \
	src/main/logger.c src/main/logger.h \
	src/main/notify.c src/main/notify.h \
	src/main/open.c \
	src/main/posternd.c \
	src/main/proxies.c src/main/proxies.h \
	src/main/relay.c src/main/relay.h src/main/relay_priv.h \
	src/main/reload.c src/main/reload.h \
	src/main/sending.c \
	src/main/settings.c src/main/settings.h \
	src/main/signing.c src/main/signing.h \
	src/main/upkeep.c \
	src/main/warnings.c src/main/wiring.c
