# Check programs of this folder; one a source file.
check_PROGRAMS += tests/deliver/test_dialogs
check_PROGRAMS += tests/deliver/test_lane_end
check_PROGRAMS += tests/deliver/test_outcome
check_PROGRAMS += tests/deliver/test_peers
check_PROGRAMS += tests/deliver/test_lane_io
tests_deliver_test_lane_io_SOURCES = tests/deliver/test_lane_io.c tests/deliver/world.h
check_PROGRAMS += tests/deliver/test_signer_io
check_PROGRAMS += tests/deliver/test_matrix
