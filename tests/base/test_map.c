#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"

enum { KEYS = 400, STEPS = 60000 };

/* The published vector: key 00 01 .. 0f, input 00 01 .. 0e. */
START_TEST(the_hash_is_siphash)
{
	const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char in[16];

	for (unsigned i = 0; i < sizeof in; i++)
		in[i] = (unsigned char)i;
	ck_assert_uint_eq(siphash24(key, in, 15), 0xa129ca6149be45e5);
	ck_assert_uint_eq(siphash24(key, in, 0), 0x726fdb47dd0e0e31);
	ck_assert_uint_eq(siphash24(key, in, 8), 0x93f5f5799a932462);
}
END_TEST

START_TEST(an_empty_map_has_nothing)
{
	struct map m = { 0 };
	size_t at = 0;

	ck_assert_ptr_null(map_get(&m, SPAN("a")));
	ck_assert_ptr_null(map_remove(&m, SPAN("a")));
	ck_assert_ptr_null(map_get_u64(&m, 1));
	ck_assert_ptr_null(map_next(&m, &at));
	map_clear(&m);
}
END_TEST

START_TEST(putting_again_replaces)
{
	struct map m = { 0 };
	int one, two;

	ck_assert_ptr_null(map_put(&m, SPAN("key"), &one));
	ck_assert_ptr_eq(map_put(&m, SPAN("key"), &two), &one);
	ck_assert_uint_eq(m.count, 1);
	ck_assert_ptr_eq(map_get(&m, SPAN("key")), &two);
	ck_assert_ptr_null(map_get(&m, SPAN("KEY")));
	map_clear(&m);
	ck_assert_uint_eq(m.count, 0);
	ck_assert_ptr_null(map_get(&m, SPAN("key")));
	map_clear(&m);
}
END_TEST

START_TEST(numbers_and_bytes_are_different_keys)
{
	struct map m = { 0 };
	int number, bytes, none;

	ck_assert_ptr_null(map_put_u64(&m, 0, &number));
	ck_assert_ptr_null(map_put(&m, SPAN(""), &none));
	ck_assert_ptr_null(map_put(&m, SPAN("\0\0\0\0\0\0\0\0"), &bytes));
	ck_assert_ptr_eq(map_get_u64(&m, 0), &number);
	ck_assert_ptr_eq(map_get(&m, span_make(NULL, 0)), &none);
	ck_assert_ptr_eq(map_get(&m, SPAN("\0\0\0\0\0\0\0\0")), &bytes);
	ck_assert_ptr_eq(map_remove_u64(&m, 0), &number);
	ck_assert_ptr_eq(map_get(&m, SPAN("")), &none);
	map_clear(&m);
}
END_TEST

struct model {
	char key[16];
	void *there; /* what the map must say */
};

/* One random step on map and model; they must give the same answer. */
static void
step(struct map *m, struct model *model, bool by_number, uint32_t random)
{
	static int values[7];
	uint32_t i = random >> 8 & 0xffff;
	struct model *k = &model[i % KEYS];
	struct span key = span_text(k->key);
	uint64_t number = (uint64_t)(i % KEYS) << 40 | (i % KEYS);
	void *before = k->there, *got;

	switch (random >> 28) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		got = by_number ? map_get_u64(m, number) : map_get(m, key);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
		got =
		    by_number ? map_remove_u64(m, number) : map_remove(m, key);
		k->there = NULL;
		break;
	default:
		k->there = &values[random % 7];
		got = by_number ? map_put_u64(m, number, k->there)
				: map_put(m, key, k->there);
	}
	ck_assert_ptr_eq(got, before);
}

static size_t
count_model(const struct model *model)
{
	size_t n = 0;

	for (int i = 0; i < KEYS; i++)
		n += model[i].there != NULL;
	return n;
}

static size_t
count_walk(const struct map *m)
{
	size_t at = 0, n = 0;

	while (map_next(m, &at) != NULL)
		n++;
	return n;
}

START_TEST(random_steps_agree_with_a_naive_model)
{
	static struct model model[KEYS];
	const uint64_t seed[2] = { 17, (uint64_t)_i };
	struct map m;
	uint32_t random = 7;

	map_init(&m, seed);
	for (int i = 0; i < KEYS; i++)
		(void)snprintf(model[i].key, sizeof model[i].key, "k%d", i);
	for (int n = 0; n < STEPS; n++) {
		random = random * 1664525 + 1013904223;
		step(&m, model, _i == 1, random);
		if (n % 1000 == 0) {
			ck_assert_uint_eq(m.count, count_model(model));
			ck_assert_uint_eq(count_walk(&m), m.count);
		}
	}
	map_clear(&m);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, the_hash_is_siphash);
	tcase_add_test(tc, an_empty_map_has_nothing);
	tcase_add_test(tc, putting_again_replaces);
	tcase_add_test(tc, numbers_and_bytes_are_different_keys);
	tcase_add_loop_test(tc, random_steps_agree_with_a_naive_model, 0, 2);
}

SUITE_MAIN("map", fill)
