# Check programs of this folder. The workers are made up there, so that crew.c is
# linked with them and not with the library's.
check_PROGRAMS += tests/crew/test_crew
tests_crew_test_crew_SOURCES = tests/crew/test_crew.c src/crew/crew.c
check_PROGRAMS += tests/crew/test_worker
