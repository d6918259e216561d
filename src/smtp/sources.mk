libpostern_a_SOURCES += \
	include/smtp/address.h src/smtp/address.c \
	include/smtp/base64.h src/smtp/base64.c \
	include/smtp/command.h src/smtp/command.c \
	include/smtp/dot.h src/smtp/dot.c \
	include/smtp/idn.h src/smtp/idn.c \
	include/smtp/mailbox_key.h src/smtp/mailbox_key.c \
	include/smtp/line_meter.h src/smtp/line_meter.c \
	include/smtp/proxy.h src/smtp/proxy.c \
	include/smtp/reply.h src/smtp/reply.c
