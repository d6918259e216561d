#include "base/idmap.h"

#include <stdbool.h>

#include "tests/lib/suite.h"

struct thing {
	uint64_t id;
	bool in;
};

static uint64_t
id_of(const void *value)
{
	return ((const struct thing *)value)->id;
}

START_TEST(an_empty_map_has_nothing)
{
	struct idmap m;
	size_t at = 0;

	idmap_init(&m, id_of);
	ck_assert_ptr_null(idmap_get(&m, 0));
	ck_assert_ptr_null(idmap_remove(&m, 7));
	ck_assert_ptr_null(idmap_next(&m, &at));
	idmap_clear(&m);
}
END_TEST

/* Ids as the spool gives them (steps of one and of 1024), and 0 and the end. */
START_TEST(random_operations_agree_with_a_plain_array)
{
	enum { THINGS = 3000 };
	static struct thing things[THINGS];
	struct idmap m;
	uint32_t random = 12345;
	size_t count = 0, at = 0, seen = 0;

	idmap_init(&m, id_of);
	for (uint64_t i = 0; i < THINGS; i++)
		things[i].id = i % 2 == 0 ? i : (i << 10 | (1ULL << 50));
	things[1].id = UINT64_MAX;
	for (int step = 0; step < 200000; step++) {
		struct thing *t;

		random = random * 1664525 + 1013904223;
		t = &things[random / 7 % THINGS];
		ck_assert_ptr_eq(idmap_get(&m, t->id), t->in ? t : NULL);
		if (t->in)
			ck_assert_ptr_eq(idmap_remove(&m, t->id), t);
		else
			idmap_add(&m, t);
		t->in = !t->in;
		count += t->in ? 1 : (size_t)-1;
		ck_assert_uint_eq(m.count, count);
	}
	while (idmap_next(&m, &at) != NULL)
		seen++;
	ck_assert_uint_eq(seen, count);
	idmap_clear(&m);
	ck_assert_ptr_null(idmap_get(&m, things[0].id));
}
END_TEST

/*
 * Ids whose hashes agree in every bit that the map keeps. A change of the hash
 * asks for other ids here: then the map below is no test of anything.
 */
START_TEST(ids_with_the_same_tag_are_told_apart)
{
	enum { PAIRS = 200 };
	static struct thing things[2 * PAIRS];
	struct thing last = { .id = 77777 };
	struct idmap m;

	idmap_init(&m, id_of);
	for (uint64_t i = 0; i < PAIRS; i++) {
		things[2 * i].id = i;
		things[2 * i + 1].id = i ^ (1ULL << 63 | 1ULL << 31);
	}
	for (size_t i = 0; i < 2 * PAIRS; i++) {
		ck_assert_ptr_null(idmap_get(&m, things[i].id));
		idmap_add(&m, &things[i]);
	}
	idmap_add(&m, &last);
	for (size_t i = 0; i < 2 * PAIRS; i += 2) {
		ck_assert_ptr_eq(idmap_remove(&m, things[i].id), &things[i]);
		ck_assert_ptr_null(idmap_get(&m, things[i].id));
		ck_assert_ptr_eq(
		    idmap_get(&m, things[i + 1].id), &things[i + 1]);
	}
	ck_assert_uint_eq(m.count, PAIRS + 1);
	ck_assert_ptr_eq(idmap_get(&m, last.id), &last);
	idmap_clear(&m);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, an_empty_map_has_nothing);
	tcase_add_test(tc, ids_with_the_same_tag_are_told_apart);
	tcase_add_test(tc, random_operations_agree_with_a_plain_array);
}

SUITE_MAIN("idmap", fill)
