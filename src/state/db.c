#include "db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORM = 3, LOCK_WAIT_MS = 1000 };

/* The file says which form it has in user_version. */
static const char schema[] =
    "CREATE TABLE account ("
    "	id      INTEGER PRIMARY KEY,"
    "	name    TEXT NOT NULL UNIQUE," /* in lower case */
    "	wall    INTEGER NOT NULL," /* ms since 1970, of when `used` was put */
    "	boot    INTEGER NOT NULL," /* which start of the machine that was, */
    "	steady  INTEGER NOT NULL," /* and ms since then */
    "	stopped INTEGER NOT NULL," /* enum state_standing */
    "	used    BLOB NOT NULL);"
    "CREATE TABLE known (" /* whom the account has written to */
    "	account INTEGER NOT NULL,"
    "	hash    INTEGER NOT NULL,"
    "	PRIMARY KEY (account, hash)) WITHOUT ROWID;"
    "CREATE TABLE suppressed (" /* recipients that are refused to an account */
    "	account TEXT NOT NULL," /* in lower case */
    "	address TEXT NOT NULL,"
    "	since   INTEGER NOT NULL," /* ms since 1970, as the next */
    "	until   INTEGER NOT NULL,"
    "	status  TEXT NOT NULL,"
    "	reply   TEXT NOT NULL,"
    "	PRIMARY KEY (account, address)) WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

/* What the form of that number lacks; in the order in which they came. */
static const char *const additions[FORM] = {
	[1] = "CREATE TABLE sending (" /* domains that mail is sent from */
	      "	kind   INTEGER NOT NULL," /* enum state_sending_kind */
	      "	domain TEXT NOT NULL," /* in lower case, by A-labels */
	      "	name   TEXT NOT NULL,"
	      "	at     INTEGER NOT NULL," /* ms since 1970 */
	      "	said   BLOB NOT NULL,"
	      "	PRIMARY KEY (kind, domain, name)) WITHOUT ROWID;"
	      "PRAGMA user_version = 2;",
	[2] = "CREATE TABLE key_use (" /* of keys of accounts, the last one */
	      "	name   TEXT PRIMARY KEY," /* NAME#LABEL, in lower case */
	      "	at     INTEGER NOT NULL," /* ms since 1970 */
	      "	client TEXT NOT NULL) WITHOUT ROWID;"
	      "CREATE TABLE home (" /* an account has logged in from there */
	      "	number INTEGER PRIMARY KEY," /* of both: auth has its key */
	      "	at     INTEGER NOT NULL);"
	      "PRAGMA user_version = 3;",
};

static const char *const texts[DB_STATEMENTS] = {
	[DB_BEGIN] = "BEGIN IMMEDIATE",
	[DB_COMMIT] = "COMMIT",
	[DB_ROLLBACK] = "ROLLBACK",
	[DB_GET_ACCOUNT] =
	    "SELECT id, wall, boot, steady, used, stopped FROM account "
	    "WHERE name = ?1",
	[DB_PUT_ACCOUNT] =
	    "INSERT INTO account (name, wall, boot, steady, used, stopped) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO UPDATE SET "
	    "wall = ?2, boot = ?3, steady = ?4, used = ?5, stopped = ?6",
	[DB_GET_STOPPED] =
	    "SELECT name, stopped FROM account WHERE stopped <> 0",
	[DB_GET_KNOWN] = "SELECT hash FROM known WHERE account = ?1 LIMIT ?2",
	[DB_PUT_KNOWN] = "INSERT OR IGNORE INTO known VALUES (?1, ?2)",
	[DB_GET_SUPPRESSED] =
	    "SELECT account, address, since, until, status, reply "
	    "FROM suppressed WHERE until > ?1 ORDER BY account, address",
	[DB_PUT_SUPPRESSED] = "INSERT OR REPLACE INTO suppressed "
			      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[DB_DROP_SUPPRESSED] =
	    "DELETE FROM suppressed WHERE account = ?1 AND address = ?2",
	[DB_GET_SENDING] = "SELECT kind, domain, name, at, said FROM sending "
			   "ORDER BY kind, at DESC LIMIT ?1",
	[DB_PUT_SENDING] =
	    "INSERT OR REPLACE INTO sending VALUES (?1, ?2, ?3, ?4, ?5)",
	[DB_DROP_SENDING] = "DELETE FROM sending WHERE kind = ?1 AND "
			    "domain = ?2 AND name = ?3",
	[DB_GET_KEY_USES] =
	    "SELECT name, at, client FROM key_use ORDER BY name",
	[DB_PUT_KEY_USE] = "INSERT OR REPLACE INTO key_use VALUES (?1, ?2, ?3)",
	[DB_DROP_KEY_USE] = "DELETE FROM key_use WHERE name = ?1",
	[DB_GET_HOMES] = "SELECT number, at FROM home WHERE at > ?1 "
			 "ORDER BY at DESC LIMIT ?2",
	[DB_PUT_HOME] = "INSERT OR REPLACE INTO home VALUES (?1, ?2)",
	[DB_DROP_HOMES] = "DELETE FROM home WHERE at <= ?1",
};

/* --- what a call comes to --- */

/* The first that is not done stands. */
static bool
take(struct db *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		return db->status == DB_DONE;
	if (db->status != DB_DONE)
		return false;
	db->status =
	    (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB
		? DB_DAMAGED
		: DB_FAILED;
	(void)snprintf(db->why, sizeof db->why, "%s",
	    db->sql != NULL ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc));
	return false;
}

static bool
run_text(struct db *db, const char *text)
{
	return db->status == DB_DONE &&
	       take(db, sqlite3_exec(db->sql, text, NULL, NULL, NULL));
}

/* --- opening --- */

static int
read_version(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	int version = -1;

	if (take(db, sqlite3_prepare_v2(
			 db->sql, "PRAGMA user_version", -1, &stmt, NULL)) &&
	    db_row(db, stmt))
		version = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return version;
}

/* What is nobody else's, whatever the umask. */
static bool
make_file(struct db *db, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1 || fstat(fd, &st) != 0) {
		db->status = DB_FAILED;
		(void)snprintf(db->why, sizeof db->why, "%s", strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return false;
	}
	db->device = st.st_dev;
	db->inode = st.st_ino;
	(void)close(fd);
	return true;
}

/*
 * A commit does not wait for the disk (NORMAL): a power cut may cost the last of
 * them, and damages nothing.
 */
static void
set_up(struct db *db, unsigned pages_most)
{
	char text[64];

	(void)sqlite3_extended_result_codes(db->sql, 1);
	(void)sqlite3_busy_timeout(db->sql, LOCK_WAIT_MS);
	(void)run_text(db, "PRAGMA journal_mode = WAL");
	(void)run_text(db, "PRAGMA synchronous = NORMAL");
	(void)run_text(db, "PRAGMA journal_size_limit = 8388608");
	if (pages_most == 0)
		return;
	(void)snprintf(
	    text, sizeof text, "PRAGMA max_page_count = %u", pages_most);
	(void)run_text(db, text);
}

static bool
add_tables(struct db *db, int version)
{
	if (version == 0 && !run_text(db, schema))
		return false;
	for (int form = version == 0 ? 1 : version; form < FORM; form++)
		if (!run_text(db, additions[form]))
			return false;
	return true;
}

static void
make_tables(struct db *db, bool *is_new)
{
	int version = read_version(db);

	*is_new = version == 0;
	if (version > FORM) {
		db->status = DB_FOREIGN;
		(void)snprintf(db->why, sizeof db->why,
		    "it has form %d, and this Postern knows %d", version, FORM);
	}
	if (version < 0 || version >= FORM || db->status != DB_DONE ||
	    !run_text(db, "BEGIN IMMEDIATE"))
		return;
	if (!(add_tables(db, version) && run_text(db, "COMMIT")))
		(void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

enum db_status
db_open(struct db *db, const char *path, unsigned pages_most, bool *is_new)
{
	*db = (struct db){ 0 };
	*is_new = false;
	if (path != NULL && !make_file(db, path))
		return db->status;
	if (!take(
		db, sqlite3_open_v2(path == NULL ? ":memory:" : path, &db->sql,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			    SQLITE_OPEN_NOMUTEX,
			NULL)))
		return db->status;
	set_up(db, pages_most);
	if (db->status == DB_DONE)
		make_tables(db, is_new);
	for (unsigned i = 0; i < DB_STATEMENTS && db->status == DB_DONE; i++)
		(void)take(db,
		    sqlite3_prepare_v3(db->sql, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL));
	return db->status;
}

enum db_status
db_open_beside(struct db *db, const char *path)
{
	*db = (struct db){ 0 };
	if (!take(db, sqlite3_open_v2(path, &db->sql,
			  SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL)))
		return db->status;
	(void)sqlite3_busy_timeout(db->sql, LOCK_WAIT_MS);
	(void)take(db, sqlite3_prepare_v2(db->sql, texts[DB_GET_KEY_USES], -1,
			   &db->statements[DB_GET_KEY_USES], NULL));
	return db->status;
}

sqlite3_stmt *
db_key_uses(struct db *db)
{
	return db_statement(db, DB_GET_KEY_USES);
}

void
db_close(struct db *db)
{
	for (unsigned i = 0; i < DB_STATEMENTS; i++)
		(void)sqlite3_finalize(db->statements[i]);
	(void)sqlite3_close(db->sql);
	*db = (struct db){ 0 };
}

bool
db_is_there(const struct db *db, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == db->device &&
	       st.st_ino == db->inode;
}

/* --- working --- */

sqlite3_stmt *
db_statement(struct db *db, enum db_statement which)
{
	return db->status == DB_DONE ? db->statements[which] : NULL;
}

bool
db_row(struct db *db, sqlite3_stmt *stmt)
{
	int rc;

	if (stmt == NULL || db->status != DB_DONE)
		return false;
	rc = sqlite3_step(stmt);
	return take(db, rc) && rc == SQLITE_ROW;
}

struct span
db_text(sqlite3_stmt *row, int column)
{
	return span_make((const char *)sqlite3_column_text(row, column),
	    (size_t)sqlite3_column_bytes(row, column));
}

bool
db_rows_end(struct db *db, sqlite3_stmt *stmt)
{
	bool is_read = db->sql != NULL && db->status == DB_DONE;

	if (stmt != NULL)
		(void)sqlite3_reset(stmt);
	return is_read;
}

void
db_run(struct db *db, sqlite3_stmt *stmt)
{
	if (stmt == NULL)
		return;
	(void)db_row(db, stmt);
	(void)sqlite3_reset(stmt);
}

void
db_bind(sqlite3_stmt *stmt, int at, struct span bytes, bool is_text)
{
	/* One without a length is bound as such, not as NULL. */
	const char *ptr = bytes.len == 0 ? "" : bytes.ptr;

	if (is_text)
		(void)sqlite3_bind_text(
		    stmt, at, ptr, (int)bytes.len, SQLITE_STATIC);
	else
		(void)sqlite3_bind_blob(
		    stmt, at, ptr, (int)bytes.len, SQLITE_STATIC);
}

void
db_begin(struct db *db)
{
	db_run(db, db_statement(db, DB_BEGIN));
}

enum db_status
db_end(struct db *db)
{
	enum db_status status;

	db_run(db, db_statement(db, DB_COMMIT));
	status = db->status;
	if (status != DB_DONE && db->sql != NULL &&
	    sqlite3_get_autocommit(db->sql) == 0) {
		(void)sqlite3_step(db->statements[DB_ROLLBACK]);
		(void)sqlite3_reset(db->statements[DB_ROLLBACK]);
	}
	db->status = DB_DONE;
	return status;
}
