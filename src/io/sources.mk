libpostern_a_SOURCES += \
	include/io/countries.h src/io/countries.c \
	include/io/deadline.h src/io/deadline.c \
	include/io/fetch.h src/io/fetch.c \
	include/io/hostname.h src/io/hostname.c \
	include/io/listener.h src/io/listener.c \
	include/io/loop.h src/io/loop.c \
	include/io/password_file.h src/io/password_file.c \
	include/io/mailbox.h include/io/work.h \
	include/io/stream.h src/io/stream.c \
	src/io/wire.c src/io/wire_priv.h \
	include/io/tls.h src/io/tls.c \
	include/io/tls_peer.h src/io/tls_peer.c \
	include/io/trim.h src/io/trim.c
