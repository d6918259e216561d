#include "policy/brake.h"

#include <math.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 24 * HOUR_S, TIMES = 4 };

/* A habit fades to a third within so many hours. */
static const double memory_hours = 7 * 24;
/* Signs together: so many times what each may be. */
static const double together = 1.5;

static const struct {
	uint32_t floor;
	uint32_t seconds;
	/*
	 * A program that is set up wrong, a traveller and a mailing make it, too:
	 * it only adds to others, and all of these as much as one.
	 */
	double help; /* 0: it counts by itself; else how much it adds at most */
	/* Its habit is the most that it had, not what it has in an hour. */
	bool has_peak;
} kinds[BRAKE_SIGNS] = {
	[BRAKE_NEW] = { 100, HOUR_S, 0, false },
	[BRAKE_UNKNOWN] = { 30, HOUR_S, 0, false },
	[BRAKE_FORGED] = { 30, HOUR_S, 1, false },
	[BRAKE_PLACES] = { 1 + BRAKE_COUNTRY, DAY_S, 1, false },
	[BRAKE_PACE] = { 30, MINUTE_S, 0.4, true },
};

const char *
brake_sign_text(enum brake_sign sign)
{
	static const char *const texts[BRAKE_SIGNS] = {
		[BRAKE_NEW] = "recipients it never wrote to before",
		[BRAKE_UNKNOWN] = "recipients that their hosts do not know",
		[BRAKE_FORGED] = "headers that name somebody else",
		[BRAKE_PLACES] =
		    "for networks and countries new to it, in a day",
		[BRAKE_PACE] = "messages in the last minute",
	};

	return texts[sign];
}

void
brake_clear(struct brake *b)
{
	for (unsigned i = 0; i < BRAKE_SIGNS; i++)
		window_clear(&b->signs[i].window);
	*b = (struct brake){ 0 };
}

static uint32_t
limit_of(const struct brake *b, unsigned sign)
{
	double windows =
	    kinds[sign].has_peak ? 1 : (double)kinds[sign].seconds / HOUR_S;
	double of_habit = b->signs[sign].habit * TIMES * windows;

	if (of_habit >= UINT32_MAX)
		return UINT32_MAX;
	return of_habit > kinds[sign].floor ? (uint32_t)of_habit
					    : kinds[sign].floor;
}

static void
fade(struct brake *b, unsigned sign, int64_t now)
{
	double hours = (double)(now - b->signs[sign].at) / (HOUR_S * 1000.0);

	if (hours > 0)
		b->signs[sign].habit *= exp(-hours / memory_hours);
	b->signs[sign].at = now;
}

static uint32_t
count(struct brake *b, unsigned sign, int64_t now)
{
	if (b->signs[sign].window.seconds == 0)
		window_init(&b->signs[sign].window, kinds[sign].seconds);
	fade(b, sign, now);
	return window_used(&b->signs[sign].window, now);
}

static bool
is_over(struct brake *b, int64_t now)
{
	double sum = 0, help = 0;
	bool above = false, reaches = false;

	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		uint32_t n = count(b, i, now), limit = limit_of(b, i);

		if (kinds[i].help > 0) {
			help +=
			    kinds[i].help * (n < limit ? (double)n / limit : 1);
			continue;
		}
		above |= n > limit;
		reaches |= n >= kinds[i].floor;
		sum += (double)n / limit;
	}
	sum += help < 1 ? help : 1;
	return above || (reaches && sum >= together);
}

/* The theft is no habit of its own: a peak becomes one when its hour is over. */
static void
note_peak(struct brake *b, unsigned sign, int64_t now)
{
	uint32_t used = window_used(&b->signs[sign].window, now);

	if (now - b->signs[sign].peak_since >= HOUR_S * INT64_C(1000)) {
		if (b->signs[sign].habit < b->signs[sign].peak)
			b->signs[sign].habit = b->signs[sign].peak;
		b->signs[sign].peak = 0;
		b->signs[sign].peak_since = now;
	}
	if (b->signs[sign].peak < used)
		b->signs[sign].peak = used;
}

bool
brake_note(struct brake *b, enum brake_sign sign, uint32_t n, int64_t now)
{
	bool over;

	if (n == 0)
		return false;
	(void)count(b, sign, now);
	window_add(&b->signs[sign].window, now, n);
	if (kinds[sign].has_peak)
		note_peak(b, sign, now);
	/* Against what was before. */
	over = is_over(b, now);
	if (!kinds[sign].has_peak)
		b->signs[sign].habit += n / memory_hours;
	return over;
}

void
brake_look(struct brake *b, int64_t now, struct brake_view *out)
{
	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		out->now[i] = count(b, i, now);
		out->limit[i] = limit_of(b, i);
	}
}

void
brake_forgive(struct brake *b, int64_t now)
{
	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		uint32_t n = count(b, i, now);

		if (n < b->signs[i].peak)
			n = b->signs[i].peak;
		if (b->signs[i].habit < n)
			b->signs[i].habit = n;
		window_clear(&b->signs[i].window);
	}
}

enum { HABIT_BYTES = 8 };

void
brake_write(struct brake *b, int64_t now, struct buf *out)
{
	(void)buf_append_char(out, BRAKE_SIGNS);
	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		uint64_t milli;

		(void)count(b, i, now);
		milli = (uint64_t)(b->signs[i].habit * 1000);
		window_write(&b->signs[i].window, now, out);
		for (unsigned k = 0; k < HABIT_BYTES; k++)
			(void)buf_append_char(out, (char)(milli >> (8 * k)));
	}
}

bool
brake_read(struct brake *b, struct span *in, int64_t passed, int64_t now)
{
	if (in->len == 0 || in->ptr[0] != BRAKE_SIGNS)
		return false;
	*in = span_from(*in, 1);
	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		uint64_t milli = 0;

		if (!window_read(&b->signs[i].window, in, passed, now) ||
		    b->signs[i].window.seconds != kinds[i].seconds ||
		    in->len < HABIT_BYTES) {
			brake_clear(b);
			return false;
		}
		for (unsigned k = 0; k < HABIT_BYTES; k++)
			milli |= (uint64_t)(unsigned char)in->ptr[k] << (8 * k);
		*in = span_from(*in, HABIT_BYTES);
		b->signs[i].habit = (double)milli / 1000;
		b->signs[i].at = now - (passed > 0 ? passed : 0);
	}
	return true;
}
