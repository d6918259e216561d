# Check programs of this folder; one a source file.
check_PROGRAMS += tests/base/test_file
check_PROGRAMS += tests/base/test_buf
check_PROGRAMS += tests/base/test_crc32c
check_PROGRAMS += tests/base/test_err
check_PROGRAMS += tests/base/test_findings
check_PROGRAMS += tests/base/test_log
check_PROGRAMS += tests/base/test_map
check_PROGRAMS += tests/base/test_metrics
check_PROGRAMS += tests/base/test_span
check_PROGRAMS += tests/base/test_stamp
check_PROGRAMS += tests/base/test_utf8
check_PROGRAMS += tests/base/test_idmap
check_PROGRAMS += tests/base/test_network
check_PROGRAMS += tests/base/test_peer
