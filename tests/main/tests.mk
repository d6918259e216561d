# Check programs of this folder. What main is made of is in no library.
check_PROGRAMS += tests/main/test_logger
tests_main_test_logger_SOURCES = tests/main/test_logger.c \
	src/main/logger.c src/prepare/log_target.c
