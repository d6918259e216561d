# Check programs of this folder; one a source file.
check_PROGRAMS += tests/spool/test_again
check_PROGRAMS += tests/spool/test_content
check_PROGRAMS += tests/spool/test_content_file
check_PROGRAMS += tests/spool/test_entry
check_PROGRAMS += tests/spool/test_fault
check_PROGRAMS += tests/spool/test_journal
check_PROGRAMS += tests/spool/test_keeper
check_PROGRAMS += tests/spool/test_loading
check_PROGRAMS += tests/spool/test_mem
check_PROGRAMS += tests/spool/test_news
check_PROGRAMS += tests/spool/test_older
check_PROGRAMS += tests/spool/test_reclaim
check_PROGRAMS += tests/spool/test_record
check_PROGRAMS += tests/spool/test_recover
check_PROGRAMS += tests/spool/test_rows
check_PROGRAMS += tests/spool/test_segment
check_PROGRAMS += tests/spool/test_whole
EXTRA_DIST += tests/spool/older
EXTRA_DIST += tests/spool/fixture.h tests/spool/power.h tests/spool/leaks.h
check_PROGRAMS += tests/spool/prove_crash
tests_spool_prove_crash_SOURCES = tests/spool/prove_crash.c \
	tests/spool/tape.c tests/spool/tape.h
check_PROGRAMS += tests/spool/prove_damage
