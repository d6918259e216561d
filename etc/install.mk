EXTRA_DIST += etc/postern.conf
