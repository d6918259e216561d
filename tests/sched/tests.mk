# Check programs of this folder; one a source file.
check_PROGRAMS += tests/sched/test_backoff
check_PROGRAMS += tests/sched/test_heap
check_PROGRAMS += tests/sched/test_site
check_PROGRAMS += tests/sched/test_target
check_PROGRAMS += tests/sched/test_turns
