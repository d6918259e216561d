postern_SOURCES = \
	src/tool/ask.c src/tool/ask.h src/tool/network.c src/tool/network.h \
	src/tool/probe.c src/tool/probe.h \
	src/tool/check.c src/tool/import.c src/tool/postern.c src/tool/queue.c \
	src/tool/reload.c \
	src/tool/spool.c src/tool/status.c src/tool/tool.h src/tool/user.c \
	src/tool/walk.c src/tool/walk.h
