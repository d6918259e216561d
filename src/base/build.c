#include "base/build.h"

#include "commit.h"
#include "config.h"

const char *
build_version(void)
{
	return VERSION;
}

const char *
build_commit(void)
{
	return COMMIT;
}
