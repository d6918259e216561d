libpostern_a_SOURCES += \
	src/dns/dns_priv.h \
	src/dns/packet.c \
	src/dns/resolver.c
