libpostern_a_SOURCES += \
	include/dns/answer.h \
	include/dns/resolver.h src/dns/resolver.c \
	src/dns/dns_priv.h \
	src/dns/packet.c
