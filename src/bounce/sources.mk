libpostern_a_SOURCES += include/bounce/report.h src/bounce/report.c
