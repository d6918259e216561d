libpostern_a_SOURCES += \
	include/dispatch/dispatch.h src/dispatch/dispatch_io.c \
	src/dispatch/dispatch_priv.h \
	include/dispatch/history.h src/dispatch/history.c \
	include/dispatch/leg.h src/dispatch/leg.c \
	include/dispatch/message.h src/dispatch/message.c \
	include/dispatch/order.h src/dispatch/order.c \
	include/dispatch/queue.h src/dispatch/queue.c \
	include/dispatch/rest.h src/dispatch/rest.c \
	src/dispatch/addresses_io.c src/dispatch/arrivals_io.c \
	src/dispatch/asking_io.c src/dispatch/brake_io.c \
	src/dispatch/budget_io.c src/dispatch/facts.c src/dispatch/filters_io.c \
	src/dispatch/lanes_io.c src/dispatch/lanes_priv.h \
	src/dispatch/lines_io.c src/dispatch/mistrust_io.c \
	src/dispatch/notices_io.c src/dispatch/operator_io.c \
	src/dispatch/reports_io.c src/dispatch/rest_io.c \
	src/dispatch/times_io.c src/dispatch/walk_io.c
