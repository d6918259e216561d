/* The table of recipients that are refused to an account. */
#include <stdlib.h>

#include "state_priv.h"

static struct span
text_at(sqlite3_stmt *row, int column)
{
	return span_make((const char *)sqlite3_column_text(row, column),
	    (size_t)sqlite3_column_bytes(row, column));
}

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
			.account = text_at(stmt, 0),
			.address = text_at(stmt, 1),
			.since = sqlite3_column_int64(stmt, 2),
			.until = sqlite3_column_int64(stmt, 3),
			.status = text_at(stmt, 4),
			.reply = text_at(stmt, 5),
		};

		cb(&s, arg);
	}
	is_read = now->db->sql != NULL && now->db->status == DB_DONE;
	if (stmt != NULL)
		(void)sqlite3_reset(stmt);
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
