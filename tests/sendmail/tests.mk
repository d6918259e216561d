# Check programs of this folder; one a source file.
check_PROGRAMS += tests/sendmail/test_letter
