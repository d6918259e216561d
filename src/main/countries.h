/*
 * countries: the database of countries (io/countries.h) while the relay runs: one
 * that geoipupdate renewed, or that a reload names, is taken up by itself.
 */
#ifndef MAIN_COUNTRIES_H
#define MAIN_COUNTRIES_H

#include <stdbool.h>
#include <stdint.h>

struct countries;
struct loop;
struct rooms;

/* Its owner's part; `{0}` is a start. */
struct country_watch {
	struct loop *loop; /* borrowed */
	struct rooms *rooms; /* borrowed */
	struct countries *countries; /* borrowed */
	uint64_t seen; /* what the file looked like; 0: there is none */
	uint64_t looked_at; /* ms */
	bool is_reading;
};

/* A reload: it looks at once. */
void countries_note(struct country_watch *w);
/* Comes often; `now` is the loop's, ms. The first time it looks at once. */
void countries_look(struct country_watch *w, uint64_t now);

#endif
