libpostern_a_SOURCES += \
	include/base/build.h src/base/build.c \
	include/base/file.h src/base/file.c \
	include/base/buf.h src/base/buf.c \
	include/base/clock.h src/base/clock.c \
	include/base/crc32c.h src/base/crc32c.c \
	include/base/err.h src/base/err.c \
	include/base/findings.h src/base/findings.c \
	include/base/idmap.h src/base/idmap.c \
	include/base/list.h \
	include/base/log.h src/base/log.c \
	include/base/map.h src/base/map.c \
	include/base/mem.h src/base/mem.c \
	include/base/metrics.h src/base/metrics.c \
	include/base/network.h src/base/network.c \
	include/base/peer.h src/base/peer.c \
	include/base/span.h src/base/span.c \
	include/base/stamp.h src/base/stamp.c \
	include/base/utf8.h src/base/utf8.c
