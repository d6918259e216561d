/* The table of recipients that are refused to an account. */
#include <stdlib.h>

#include "state_priv.h"

bool
suppressed_answer(
    const struct state_batch *now, state_suppressed_cb cb, void *arg)
{
	sqlite3_stmt *stmt = db_statement(now->db, DB_GET_SUPPRESSED);
	bool is_read;

	if (stmt != NULL)
		(void)sqlite3_bind_int64(stmt, 1, now->wall);
	while (stmt != NULL && db_row(now->db, stmt)) {
		struct state_suppressed s = {
			.account = db_text(stmt, 0),
			.address = db_text(stmt, 1),
			.since = sqlite3_column_int64(stmt, 2),
			.until = sqlite3_column_int64(stmt, 3),
			.status = db_text(stmt, 4),
			.reply = db_text(stmt, 5),
		};

		cb(&s, arg);
	}
	is_read = db_rows_end(now->db, stmt);
	cb(NULL, arg);
	return is_read;
}

void
state_put_suppressed(struct state_batch *b, const struct state_suppressed *s)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_PUT_SUPPRESSED);

	if (stmt == NULL)
		return;
	db_bind(stmt, 1, s->account, true);
	db_bind(stmt, 2, s->address, true);
	(void)sqlite3_bind_int64(stmt, 3, s->since);
	(void)sqlite3_bind_int64(stmt, 4, s->until);
	db_bind(stmt, 5, s->status, true);
	db_bind(stmt, 6, s->reply, true);
	db_run(b->db, stmt);
}

void
state_drop_suppressed(
    struct state_batch *b, struct span account, struct span address)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_DROP_SUPPRESSED);

	if (stmt == NULL)
		return;
	db_bind(stmt, 1, account, true);
	db_bind(stmt, 2, address, true);
	db_run(b->db, stmt);
}
