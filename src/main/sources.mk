posternd_SOURCES = \
	src/main/acceptor.c src/main/acceptor.h \
	src/main/control.c src/main/control.h \
	src/main/describe.c src/main/describe.h \
	src/main/dispatch.c src/main/dispatch.h src/main/dispatch_priv.h \
	src/main/lanes.c src/main/reports.c \
	src/main/logger.c src/main/logger.h \
	src/main/pages.c src/main/pages.h \
	src/main/posternd.c \
	src/main/relay.c src/main/relay.h
