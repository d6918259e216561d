/* The tables of logins: when each key was used, and where accounts are at home. */
#include "state_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static void
tell_key_uses(struct db *db, sqlite3_stmt *stmt, state_key_use_cb cb, void *arg)
{
	while (stmt != NULL && db_row(db, stmt)) {
		struct state_key_use use = {
			.name = db_text(stmt, 0),
			.at = sqlite3_column_int64(stmt, 1),
			.client = db_text(stmt, 2),
		};

		cb(&use, arg);
	}
}

bool
key_uses_answer(const struct state_batch *now, state_key_use_cb cb, void *arg)
{
	sqlite3_stmt *stmt = db_statement(now->db, DB_GET_KEY_USES);
	bool is_read;

	tell_key_uses(now->db, stmt, cb, arg);
	is_read = db_rows_end(now->db, stmt);
	cb(NULL, arg);
	return is_read;
}

int
state_read_key_uses(
    const char *directory, state_key_use_cb cb, void *arg, struct err *err)
{
	char *path = mem_printf("%s/state.db", directory);
	struct db db;
	int rc = 0;

	/* Nothing has been kept yet. */
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		free(path);
		return 0;
	}
	if (db_open_beside(&db, path) == DB_DONE)
		tell_key_uses(&db, db_key_uses(&db), cb, arg);
	if (db.status != DB_DONE)
		rc = err_set(err, -EIO, "%s: %s", path, db.why);
	db_close(&db);
	free(path);
	return rc;
}

void
state_put_key_use(struct state_batch *b, const struct state_key_use *use)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_PUT_KEY_USE);

	if (stmt == NULL)
		return;
	db_bind(stmt, 1, use->name, true);
	(void)sqlite3_bind_int64(stmt, 2, use->at);
	db_bind(stmt, 3, use->client, true);
	db_run(b->db, stmt);
}

void
state_drop_key_use(struct state_batch *b, struct span name)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_DROP_KEY_USE);

	if (stmt == NULL)
		return;
	db_bind(stmt, 1, name, true);
	db_run(b->db, stmt);
}

bool
homes_answer(const struct state_batch *now, int64_t since, size_t most,
    state_home_cb cb, void *arg)
{
	sqlite3_stmt *stmt = db_statement(now->db, DB_GET_HOMES);
	bool is_read;

	if (stmt != NULL) {
		(void)sqlite3_bind_int64(stmt, 1, since);
		(void)sqlite3_bind_int64(stmt, 2, (int64_t)most);
	}
	while (stmt != NULL && db_row(now->db, stmt)) {
		struct state_home home = {
			.number = (uint64_t)sqlite3_column_int64(stmt, 0),
			.at = sqlite3_column_int64(stmt, 1),
		};

		cb(&home, arg);
	}
	is_read = db_rows_end(now->db, stmt);
	cb(NULL, arg);
	return is_read;
}

void
state_put_home(struct state_batch *b, const struct state_home *home)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_PUT_HOME);

	if (stmt == NULL)
		return;
	/* SQLite has signed numbers; the bits are the same. */
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)home->number);
	(void)sqlite3_bind_int64(stmt, 2, home->at);
	db_run(b->db, stmt);
}

void
state_drop_homes(struct state_batch *b, int64_t until)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_DROP_HOMES);

	if (stmt == NULL)
		return;
	(void)sqlite3_bind_int64(stmt, 1, until);
	db_run(b->db, stmt);
}
