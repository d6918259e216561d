#include "policy/brake.h"

#include <math.h>

enum { HOUR_S = 3600, TIMES = 4 };

/* A habit fades to a third within so many hours. */
static const double memory_hours = 7 * 24;
/* Signs together: so many times what each may be. */
static const double together = 1.5;

static const struct {
	uint32_t floor;
	/* A program that is set up wrong makes it, too: it only adds to others. */
	bool is_help;
} kinds[BRAKE_SIGNS] = {
	[BRAKE_NEW] = { 100, false },
	[BRAKE_UNKNOWN] = { 30, false },
	[BRAKE_FORGED] = { 30, true },
};

const char *
brake_sign_text(enum brake_sign sign)
{
	static const char *const texts[BRAKE_SIGNS] = {
		[BRAKE_NEW] = "recipients it never wrote to before",
		[BRAKE_UNKNOWN] = "recipients that their hosts do not know",
		[BRAKE_FORGED] = "headers that name somebody else",
	};

	return texts[sign];
}

void
brake_clear(struct brake *b)
{
	for (unsigned i = 0; i < BRAKE_SIGNS; i++)
		window_clear(&b->signs[i].hour);
	*b = (struct brake){ 0 };
}

static uint32_t
limit_of(const struct brake *b, unsigned sign)
{
	double of_habit = b->signs[sign].habit * TIMES;

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
	if (b->signs[sign].hour.seconds == 0)
		window_init(&b->signs[sign].hour, HOUR_S);
	fade(b, sign, now);
	return window_used(&b->signs[sign].hour, now);
}

static bool
is_over(struct brake *b, int64_t now)
{
	double sum = 0;
	bool above = false, reaches = false;

	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		uint32_t n = count(b, i, now), limit = limit_of(b, i);

		if (kinds[i].is_help) {
			sum += n < limit ? (double)n / limit : 1;
			continue;
		}
		above |= n > limit;
		reaches |= n >= kinds[i].floor;
		sum += (double)n / limit;
	}
	return above || (reaches && sum >= together);
}

bool
brake_note(struct brake *b, enum brake_sign sign, uint32_t n, int64_t now)
{
	bool over;

	if (n == 0)
		return false;
	(void)count(b, sign, now);
	window_add(&b->signs[sign].hour, now, n);
	/* Against what was before: the theft is no habit of its own. */
	over = is_over(b, now);
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

		if (b->signs[i].habit < n)
			b->signs[i].habit = n;
		window_clear(&b->signs[i].hour);
	}
}

enum { HABIT_BYTES = 8 };

void
brake_write(struct brake *b, int64_t now, struct buf *out)
{
	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		uint64_t milli;

		(void)count(b, i, now);
		milli = (uint64_t)(b->signs[i].habit * 1000);
		window_write(&b->signs[i].hour, now, out);
		for (unsigned k = 0; k < HABIT_BYTES; k++)
			(void)buf_append_char(out, (char)(milli >> (8 * k)));
	}
}

bool
brake_read(struct brake *b, struct span *in, int64_t passed, int64_t now)
{
	for (unsigned i = 0; i < BRAKE_SIGNS; i++) {
		uint64_t milli = 0;

		if (!window_read(&b->signs[i].hour, in, passed, now) ||
		    b->signs[i].hour.seconds != HOUR_S ||
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
