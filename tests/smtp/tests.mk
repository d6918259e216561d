# Check programs of this folder; one a source file.
check_PROGRAMS += tests/smtp/test_address
check_PROGRAMS += tests/smtp/test_base64
check_PROGRAMS += tests/smtp/test_command
check_PROGRAMS += tests/smtp/test_dot
check_PROGRAMS += tests/smtp/test_idn
check_PROGRAMS += tests/smtp/test_reply
check_PROGRAMS += tests/smtp/test_line_meter
check_PROGRAMS += tests/smtp/test_proxy
