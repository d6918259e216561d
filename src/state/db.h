/*
 * db: one connection to the database, and its statements, which are prepared once.
 * What a call comes to is one of three: it is done; it failed, and may be tried
 * again (the disk is full, somebody holds a lock, the folder is read-only); or what
 * is there is damaged. After one that is not done the others do nothing, until
 * db_end() or db_close().
 */
#ifndef STATE_DB_H
#define STATE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

enum db_status {
	DB_DONE,
	DB_FAILED,
	DB_DAMAGED,
	DB_FOREIGN, /* it is of a newer Postern: nobody touches it */
};

enum db_statement {
	DB_BEGIN,
	DB_COMMIT,
	DB_ROLLBACK,
	DB_GET_ACCOUNT,
	DB_PUT_ACCOUNT,
	DB_GET_STOPPED,
	DB_GET_KNOWN,
	DB_PUT_KNOWN,
	DB_GET_SUPPRESSED,
	DB_PUT_SUPPRESSED,
	DB_DROP_SUPPRESSED,
	DB_GET_SENDING,
	DB_PUT_SENDING,
	DB_DROP_SENDING,
	DB_GET_KEY_USES,
	DB_PUT_KEY_USE,
	DB_DROP_KEY_USE,
	DB_GET_HOMES,
	DB_PUT_HOME,
	DB_DROP_HOMES,
};
enum { DB_STATEMENTS = DB_DROP_HOMES + 1 };

struct db {
	sqlite3 *sql; /* owned; NULL: closed */
	sqlite3_stmt *statements[DB_STATEMENTS]; /* owned */
	enum db_status status;
	char why[256]; /* in words, unless it is DONE */
	dev_t device; /* of the file, to see whether it is still there */
	ino_t inode;
};

/* NULL is one in memory. `is_new`: it has nothing. */
enum db_status
db_open(struct db *db, const char *path, unsigned pages_most, bool *is_new);
/*
 * To read alone, beside the relay that has it open: only db_key_uses() then. An older
 * form has none; that is not told apart.
 */
enum db_status db_open_beside(struct db *db, const char *path);
sqlite3_stmt *db_key_uses(struct db *db);
void db_close(struct db *db);
/* Whether the file of that path is the one that is open. */
bool db_is_there(const struct db *db, const char *path);

/* All until db_end() is one transaction. */
void db_begin(struct db *db);
/* Commits, or undoes all of it, and says what it came to. */
enum db_status db_end(struct db *db);

/* To bind values to; NULL: an earlier call failed. */
sqlite3_stmt *db_statement(struct db *db, enum db_statement which);
/* True: there is a row. */
bool db_row(struct db *db, sqlite3_stmt *stmt);
/* Of the row; borrowed until the next one. */
struct span db_text(sqlite3_stmt *row, int column);
/* No more rows are wanted. True: all that were asked for could be read. */
bool db_rows_end(struct db *db, sqlite3_stmt *stmt);
/* Has no rows. */
void db_run(struct db *db, sqlite3_stmt *stmt);
/* Bytes are borrowed until the statement is run or reset. */
void db_bind(sqlite3_stmt *stmt, int at, struct span bytes, bool is_text);

#endif
