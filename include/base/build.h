/* build: which source this program was made of. */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

/* "0.1.0" */
const char *build_version(void);
/* The commit, 12 hexadecimal digits; "unknown" where nobody could tell. */
const char *build_commit(void);

#endif
