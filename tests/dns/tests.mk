EXTRA_DIST += tests/dns/fake_dns.h
