posternd_SOURCES = \
	src/main/acceptor.c src/main/acceptor.h \
	src/main/control.c src/main/control.h \
	src/main/describe.c src/main/describe.h \
	src/main/logger.c src/main/logger.h \
	src/main/pages.c src/main/pages.h \
	src/main/posternd.c \
	src/main/relay.c src/main/relay.h
