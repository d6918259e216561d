libpostern_a_SOURCES += \
	include/dns/mx.h src/dns/mx.c \
	src/dns/dns_priv.h \
	src/dns/packet.c \
	src/dns/resolver.c
