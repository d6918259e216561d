libpostern_a_SOURCES += \
	include/desk/control.h src/desk/control.c \
	src/desk/describe.h src/desk/describe.c \
	include/desk/pages.h src/desk/pages.c
