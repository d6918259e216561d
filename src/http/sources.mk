libpostern_a_SOURCES += include/http/server.h src/http/server.c
