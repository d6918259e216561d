postern_SOURCES = \
	src/tool/account.c src/tool/ask.c src/tool/call.c src/tool/call.h \
	src/tool/check.c src/tool/dkim.c src/tool/records.c src/tool/records.h \
	src/tool/help.c src/tool/help.h src/tool/import.c \
	src/tool/network.c src/tool/network.h src/tool/postern.c \
	src/tool/probe.c src/tool/probe.h src/tool/question.c \
	src/tool/question.h \
	src/tool/queue.c src/tool/queue.h src/tool/sessions.c \
	src/tool/shows.h src/tool/spool.c \
	src/tool/status.c src/tool/steer.c src/tool/summary.c \
	src/tool/suppress.c src/tool/tool.h \
	src/tool/trace.c \
	src/tool/user.h src/tool/user.c src/tool/user_key.c src/tool/walk.c src/tool/walk.h \
	src/tool/way.c src/tool/way.h src/tool/trial.c src/tool/trial.h
