libpostern_a_SOURCES += \
	include/deliver/attempt.h src/deliver/attempt.c \
	include/deliver/client.h src/deliver/client.c \
	src/deliver/client_hello.c src/deliver/client_mail.c src/deliver/client_priv.h \
	include/deliver/lane.h \
	src/deliver/content_io.c src/deliver/convert_io.c \
	src/deliver/lane_close_io.c src/deliver/lane_connect_io.c \
	include/deliver/lane_end.h src/deliver/lane_end.c \
	include/deliver/lane_io.h src/deliver/lane_io.c src/deliver/lane_parts_io.h \
	include/deliver/outcome.h src/deliver/outcome.c \
	include/deliver/signer_io.h src/deliver/signer_io.c \
	include/deliver/peers.h src/deliver/peers.c \
	src/deliver/piece_io.c src/deliver/piece_io.h \
	src/deliver/race_io.c src/deliver/race_io.h
