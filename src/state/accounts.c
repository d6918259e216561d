/* The tables of accounts: what they have used, and whom they have written to. */
#include <stdlib.h>

#include "base/mem.h"
#include "state_priv.h"

/* SQLite has signed numbers; the bits are the same. */
static int64_t
as_signed(uint64_t hash)
{
	return (int64_t)hash;
}

/* What is not known is the safe one. */
static enum state_standing
standing_of(int n)
{
	return n >= STATE_IN_ORDER && n <= STATE_BRAKED ? (enum state_standing)n
							: STATE_STOPPED;
}

/* By the wall clock; or by the machine's own, if that says more. */
static int64_t
passed_since(const struct state_batch *now, sqlite3_stmt *row)
{
	int64_t passed = now->wall - sqlite3_column_int64(row, 1);
	int64_t steady = now->steady - sqlite3_column_int64(row, 3);

	if (now->boot != 0 && now->boot == sqlite3_column_int64(row, 2) &&
	    steady > passed)
		passed = steady;
	return passed > 0 ? passed : 0;
}

static uint64_t *
read_known(struct db *db, int64_t account, size_t most, size_t *n)
{
	sqlite3_stmt *stmt = db_statement(db, DB_GET_KNOWN);
	uint64_t *known = NULL;
	size_t cap = 0;

	*n = 0;
	if (stmt == NULL)
		return NULL;
	(void)sqlite3_bind_int64(stmt, 1, account);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)most);
	while (db_row(db, stmt)) {
		if (*n == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			known = mem_realloc(known, cap * sizeof *known);
		}
		known[(*n)++] = (uint64_t)sqlite3_column_int64(stmt, 0);
	}
	(void)sqlite3_reset(stmt);
	return known;
}

bool
accounts_answer(const struct state_batch *now, struct span name,
    size_t known_most, state_account_cb cb, void *arg)
{
	sqlite3_stmt *stmt = db_statement(now->db, DB_GET_ACCOUNT);
	struct state_account a = { 0 };
	uint64_t *known = NULL;

	if (stmt != NULL) {
		db_bind(stmt, 1, name, true);
		if (db_row(now->db, stmt)) {
			a.passed = passed_since(now, stmt);
			a.used.ptr = sqlite3_column_blob(stmt, 4);
			a.used.len = (size_t)sqlite3_column_bytes(stmt, 4);
			a.standing = standing_of(sqlite3_column_int(stmt, 5));
			known =
			    read_known(now->db, sqlite3_column_int64(stmt, 0),
				known_most, &a.nknown);
		}
	}
	a.known = known;
	a.is_read = now->db->sql != NULL && now->db->status == DB_DONE;
	if (!a.is_read) {
		a.used.len = 0;
		a.nknown = 0;
	}
	cb(&a, arg);
	if (stmt != NULL)
		(void)sqlite3_reset(stmt);
	free(known);
	return a.is_read;
}

bool
accounts_stopped(const struct state_batch *now, state_name_cb cb, void *arg)
{
	sqlite3_stmt *stmt = db_statement(now->db, DB_GET_STOPPED);

	while (db_row(now->db, stmt))
		cb(span_make((const char *)sqlite3_column_text(stmt, 0),
		       (size_t)sqlite3_column_bytes(stmt, 0)),
		    standing_of(sqlite3_column_int(stmt, 1)), arg);
	if (stmt != NULL)
		(void)sqlite3_reset(stmt);
	return now->db->sql != NULL && now->db->status == DB_DONE;
}

void
state_put_used(struct state_batch *b, struct span name, struct span used,
    enum state_standing standing)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_PUT_ACCOUNT);

	if (stmt == NULL)
		return;
	db_bind(stmt, 1, name, true);
	(void)sqlite3_bind_int64(stmt, 2, b->wall);
	(void)sqlite3_bind_int64(stmt, 3, b->boot);
	(void)sqlite3_bind_int64(stmt, 4, b->steady);
	db_bind(stmt, 5, used, false);
	(void)sqlite3_bind_int(stmt, 6, (int)standing);
	db_run(b->db, stmt);
}

void
state_put_known(
    struct state_batch *b, struct span name, const uint64_t *hashes, size_t n)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_GET_ACCOUNT);
	int64_t account = 0;

	if (stmt == NULL || n == 0)
		return;
	db_bind(stmt, 1, name, true);
	if (db_row(b->db, stmt))
		account = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	stmt = db_statement(b->db, DB_PUT_KNOWN);
	for (size_t i = 0; i < n && account != 0 && stmt != NULL; i++) {
		(void)sqlite3_bind_int64(stmt, 1, account);
		(void)sqlite3_bind_int64(stmt, 2, as_signed(hashes[i]));
		db_run(b->db, stmt);
	}
}
