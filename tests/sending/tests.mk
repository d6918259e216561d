# Check programs of this folder; one a source file.
check_PROGRAMS += tests/sending/test_dmarc
check_PROGRAMS += tests/sending/test_domains_io
check_PROGRAMS += tests/sending/test_look
check_PROGRAMS += tests/sending/test_spf
