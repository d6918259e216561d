# Check programs of this folder; one a source file.
check_PROGRAMS += tests/deliver/test_dialogs
check_PROGRAMS += tests/deliver/test_lane_end
check_PROGRAMS += tests/deliver/test_outcome
check_PROGRAMS += tests/deliver/test_peers
