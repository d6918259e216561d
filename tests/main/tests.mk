# Check programs of this folder. What main is made of is in no library.
check_PROGRAMS += tests/main/test_crew tests/main/test_logger
tests_main_test_crew_SOURCES = tests/main/test_crew.c src/main/crew.c
tests_main_test_logger_SOURCES = tests/main/test_logger.c src/main/logger.c
