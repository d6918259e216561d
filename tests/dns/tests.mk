# Check programs of this folder; one a source file.
check_PROGRAMS += tests/dns/test_resolver
EXTRA_DIST += tests/dns/fake_dns.h
