/*
 * The table of domains that mail is sent from: what was found of each, which accounts
 * use it, and which sites do not believe it.
 */
#include "state_priv.h"

bool
sending_answer(
    const struct state_batch *now, size_t most, state_sending_cb cb, void *arg)
{
	sqlite3_stmt *stmt = db_statement(now->db, DB_GET_SENDING);
	bool is_read;

	if (stmt != NULL)
		(void)sqlite3_bind_int64(stmt, 1, (int64_t)most);
	while (stmt != NULL && db_row(now->db, stmt)) {
		struct state_sending s = {
			.kind = (enum state_sending_kind)sqlite3_column_int(
			    stmt, 0),
			.domain = db_text(stmt, 1),
			.name = db_text(stmt, 2),
			.at = sqlite3_column_int64(stmt, 3),
		};

		s.said.ptr = sqlite3_column_blob(stmt, 4);
		s.said.len = (size_t)sqlite3_column_bytes(stmt, 4);
		cb(&s, arg);
	}
	is_read = db_rows_end(now->db, stmt);
	cb(NULL, arg);
	return is_read;
}

static void
bind(sqlite3_stmt *stmt, const struct state_sending *s)
{
	(void)sqlite3_bind_int(stmt, 1, (int)s->kind);
	db_bind(stmt, 2, s->domain, true);
	db_bind(stmt, 3, s->name, true);
}

void
state_put_sending(struct state_batch *b, const struct state_sending *s)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_PUT_SENDING);

	if (stmt == NULL)
		return;
	bind(stmt, s);
	(void)sqlite3_bind_int64(stmt, 4, s->at);
	db_bind(stmt, 5, s->said, false);
	db_run(b->db, stmt);
}

void
state_drop_sending(struct state_batch *b, const struct state_sending *s)
{
	sqlite3_stmt *stmt = db_statement(b->db, DB_DROP_SENDING);

	if (stmt == NULL)
		return;
	bind(stmt, s);
	db_run(b->db, stmt);
}
