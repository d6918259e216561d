# Check programs of this folder; one a source file.
check_PROGRAMS += tests/sched/test_backoff
check_PROGRAMS += tests/sched/test_target
