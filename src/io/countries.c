#include "io/countries.h"

#include <errno.h>
#include <maxminddb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

/* A database of countries has some 10 MB; those of cities know more than we ask. */
enum { FILE_MOST = 32 << 20 };

static const char *const usual_paths[] = {
	"/var/lib/GeoIP/GeoLite2-Country.mmdb",
	"/usr/share/GeoIP/GeoLite2-Country.mmdb",
};

struct countries {
	pthread_mutex_t lock;
	bool is_open;
	MMDB_s db;
};

struct countries *
countries_new(void)
{
	struct countries *c = MEM_NEW(struct countries);

	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
countries_free(struct countries *c)
{
	if (c == NULL)
		return;
	if (c->is_open)
		MMDB_close(&c->db);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* NULL: there is to be none. */
static const char *
path_of(const char *path)
{
	if (path != NULL)
		return strcmp(path, "none") == 0 ? NULL : path;
	for (size_t i = 0; i < ARRAY_LEN(usual_paths); i++)
		if (access(usual_paths[i], R_OK) == 0)
			return usual_paths[i];
	return NULL;
}

uint64_t
countries_mark(const char *path)
{
	path = path_of(path);
	return path == NULL ? 0 : file_mark_path(FILE_MARK, path);
}

/* A descriptor of a copy that nobody else can change; or a negative code. */
static int
copy_of(const char *path, struct err *err)
{
	struct buf bytes = { 0 };
	int from = file_open(path, err);
	int rc, fd;

	if (from < 0)
		return err_wrap(err, from, "%s", path);
	rc = file_read_all(from, FILE_MOST, &bytes, err);
	(void)close(from);
	if (rc != 0) {
		buf_clear(&bytes);
		return err_set(err, rc,
		    "%s: %s; a database of countries is wanted, of at most "
		    "%d MiB",
		    path, strerror(-rc), FILE_MOST >> 20);
	}
	fd = memfd_create("countries", MFD_CLOEXEC);
	rc = fd < 0 ? -errno : file_write_all(fd, buf_span(&bytes), path, err);
	buf_clear(&bytes);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return err_set(
	    err, rc, "%s: no memory for a copy: %s", path, strerror(-rc));
}

static int
open_db(const char *path, MMDB_s *db, struct err *err)
{
	char copy[64];
	int fd = copy_of(path, err);
	int rc;

	if (fd < 0)
		return fd;
	(void)snprintf(copy, sizeof copy, "/proc/self/fd/%d", fd);
	rc = MMDB_open(copy, MMDB_MODE_MMAP, db);
	(void)close(fd);
	if (rc == MMDB_SUCCESS)
		return 0;
	return err_set(err, -EINVAL, "%s: %s; is it a file as geoipupdate has?",
	    path, MMDB_strerror(rc));
}

int
countries_open(struct countries *c, const char *path, struct err *err)
{
	MMDB_s old, db = { 0 };
	bool was_open;
	int rc;

	path = path_of(path);
	if (path != NULL && (rc = open_db(path, &db, err)) != 0)
		return rc;
	(void)pthread_mutex_lock(&c->lock);
	old = c->db;
	was_open = c->is_open;
	c->db = db;
	c->is_open = path != NULL;
	(void)pthread_mutex_unlock(&c->lock);
	if (was_open)
		MMDB_close(&old);
	return 0;
}

uint64_t
countries_find(struct countries *c, const char *address)
{
	MMDB_lookup_result_s found;
	MMDB_entry_data_s code = { 0 };
	uint64_t country = 0;
	int no_address, rc;

	if (c == NULL)
		return 0;
	(void)pthread_mutex_lock(&c->lock);
	if (c->is_open) {
		found = MMDB_lookup_string(&c->db, address, &no_address, &rc);
		if (no_address == 0 && rc == MMDB_SUCCESS &&
		    found.found_entry &&
		    MMDB_get_value(&found.entry, &code, "country", "iso_code",
			NULL) == MMDB_SUCCESS &&
		    code.has_data && code.type == MMDB_DATA_TYPE_UTF8_STRING &&
		    code.data_size == 2)
			country = (uint64_t)(unsigned char)code.utf8_string[0]
				      << 8 |
				  (unsigned char)code.utf8_string[1];
	}
	(void)pthread_mutex_unlock(&c->lock);
	return country;
}
