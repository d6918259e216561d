postern_SOURCES = \
	src/tool/check.c src/tool/import.c src/tool/postern.c src/tool/queue.c \
	src/tool/reload.c \
	src/tool/spool.c src/tool/status.c src/tool/tool.h src/tool/user.c \
	src/tool/walk.c src/tool/walk.h
