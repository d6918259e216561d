/* postern account show: what an account has used, and how it stands. */
#include <stdio.h>

#include "shows.h"
#include "tool.h"

static void
print_counter(const json_t *c)
{
	const char *frees = json_string_value(json_object_get(c, "frees"));

	(void)printf("  %-15s %10lld of %lld in %s", call_text(c, "name"),
	    call_number(c, "used"), call_number(c, "most"),
	    call_text(c, "window"));
	if (frees != NULL)
		(void)printf("; room again at %s", frees);
	(void)putchar('\n');
}

static const char *
standing(const json_t *o)
{
	if (json_is_true(json_object_get(o, "suspended")))
		return "suspended";
	if (json_is_true(json_object_get(o, "stopped")))
		return "stopped";
	if (json_is_true(json_object_get(o, "braked")))
		return "braked";
	return "in order";
}

void
account_print(const json_t *o)
{
	json_t *c;
	size_t i;

	(void)printf("%s  %s\n", call_text(o, "name"), standing(o));
	json_array_foreach(json_object_get(o, "counters"), i, c)
	    print_counter(c);
	if (i == 0)
		(void)puts("  no budget");
	if (call_number(o, "held_messages") > 0)
		(void)printf("  %lld messages are held until there is room "
			     "(postern queue list --held)\n",
		    call_number(o, "held_messages"));
}
