/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/flow_seats.h"

#include "base/mem.h"
#include "support/support.h"

#define MS 1000000

struct guest {
	struct kt_flow_ticket ticket;
	bool seated;
};

struct fixture {
	struct kt_loop *loop;
	struct kt_flow_seats *seats;
	struct guest guests[400];
	size_t n;
};

static int setup(void **state)
{
	struct fixture *f = kt_new(struct fixture);

	f->loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true}, NULL);
	f->seats = kt_flow_seats_create(10);
	*state = f;
	return f->loop ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kt_flow_seats_destroy(f->seats);
	kt_loop_destroy(f->loop);
	free(f);
	return 0;
}

static void on_admitted(struct kt_task *task)
{
	struct kt_flow_ticket *ticket = kt_container_of(task, struct kt_flow_ticket, admitted);

	kt_container_of(ticket, struct guest, ticket)->seated = true;
}

static void settle(struct fixture *f)
{
	while (kt_loop_run_once(f->loop, 0, NULL) > 0)
		;
}

static struct guest *new_guest(struct fixture *f)
{
	struct guest *guest = &f->guests[f->n++];

	assert_true(f->n <= KT_ARRAY_SIZE(f->guests));
	guest->ticket.loop = f->loop;
	kt_task_init(&guest->ticket.admitted, on_admitted);
	return guest;
}

static enum kt_flow_entry enter(
        struct fixture *f, const char *name, uint64_t hash, struct guest **ret_guest)
{
	struct guest *guest = new_guest(f);
	struct kt_flow_level *level = kt_flow_level_find(f->seats, name);

	assert_non_null(level);
	enum kt_flow_entry entry = kt_flow_level_enter(level, &guest->ticket, hash);
	kt_flow_level_unref(level);
	guest->seated = entry == KT_FLOW_SEATED;
	if (ret_guest)
		*ret_guest = guest;
	return entry;
}

static void leave_after(struct fixture *f, struct guest *guest, int64_t took_ns)
{
	assert_true(guest->seated);
	guest->seated = false;
	kt_flow_level_leave(&guest->ticket, took_ns);
	settle(f);
}

static void leave(struct fixture *f, struct guest *guest)
{
	leave_after(f, guest, MS);
}

static size_t n_seated(const struct fixture *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->guests[i].seated;
	return n;
}

static void leave_all(struct fixture *f)
{
	for (bool any = true; any;) {
		any = false;
		for (size_t i = 0; i < f->n; i++)
			if (f->guests[i].seated) {
				any = true;
				leave(f, &f->guests[i]);
			}
	}
	for (size_t i = 0; i < f->n; i++)
		assert_null(f->guests[i].ticket.level);
}

static struct kt_flow_limits level(const char *name, int64_t shares, int64_t lendable)
{
	return (struct kt_flow_limits){
	        .name = name,
	        .uid = "",
	        .has_queues = true,
	        .shares = shares,
	        .lendable_percent = lendable,
	        .borrowing_percent = -1,
	        .queues = 8,
	        .hand = 2,
	        .queue_length = 20,
	};
}

static void test_borrowing(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {level("kind", 5, 100), level("mean", 5, 0)};
	struct guest *borrower = NULL;

	kt_flow_seats_configure(f->seats, levels, 2);
	/* `mean` lends nothing: all of its seats stay free for it */
	for (int i = 0; i < 5; i++)
		assert_int_equal(enter(f, "kind", 1, NULL), KT_FLOW_SEATED);
	assert_int_equal(enter(f, "kind", 1, NULL), KT_FLOW_WAITS);
	for (int i = 0; i < 5; i++)
		assert_int_equal(enter(f, "mean", 1, NULL), KT_FLOW_SEATED);
	leave_all(f);
	/* `kind` lends all of its own, and gets each back as it becomes free */
	for (int i = 0; i < 10; i++)
		assert_int_equal(enter(f, "mean", 1, &borrower), KT_FLOW_SEATED);
	assert_int_equal(enter(f, "kind", 1, NULL), KT_FLOW_SEATED);
	assert_int_equal(enter(f, "kind", 1, NULL), KT_FLOW_WAITS);
	leave(f, borrower);
	assert_int_equal(n_seated(f), 10);
	leave_all(f);
}

/* A borrower whose queue is never empty gives back what it borrowed. */
static void test_a_borrower_does_not_starve_the_lender(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {level("kind", 5, 100), level("mean", 5, 0)};
	struct guest *mean[30], *kind[5];
	size_t n = 0;

	kt_flow_seats_configure(f->seats, levels, 2);
	for (uint64_t i = 0; i < KT_ARRAY_SIZE(mean); i++)
		enter(f, "mean", i, &mean[i]);
	assert_int_equal(n_seated(f), 10);
	for (uint64_t i = 0; i < KT_ARRAY_SIZE(kind); i++)
		enter(f, "kind", i, &kind[i]);
	for (int i = 0; i < 5; i++)
		leave(f, mean[i]);
	for (size_t i = 0; i < KT_ARRAY_SIZE(kind); i++)
		n += kind[i]->seated;
	assert_int_equal(n, 5);
	assert_int_equal(n_seated(f), 10);
	leave_all(f);
}

/* What others never lend, rounded up, is more than there is. */
static void test_each_level_gets_a_seat(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {level("a", 33, 0), level("b", 33, 0), level("c", 33, 0),
	        level("kind", 1, 100), level("jail", 0, 0)};

	levels[4].borrowing_percent = 0;
	kt_flow_seats_configure(f->seats, levels, 5);
	assert_int_equal(enter(f, "kind", 1, NULL), KT_FLOW_SEATED);
	assert_int_equal(enter(f, "kind", 1, NULL), KT_FLOW_WAITS);
	assert_int_equal(enter(f, "jail", 1, NULL), KT_FLOW_WAITS);
	kt_flow_seats_configure(f->seats, NULL, 0);
	settle(f);
	leave_all(f);
}

static void test_borrowing_limit(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {level("a", 5, 100), level("b", 5, 100)};

	levels[0].borrowing_percent = 20;
	kt_flow_seats_configure(f->seats, levels, 2);
	for (int i = 0; i < 6; i++)
		assert_int_equal(enter(f, "a", 1, NULL), KT_FLOW_SEATED);
	assert_int_equal(enter(f, "a", 1, NULL), KT_FLOW_WAITS);
	leave_all(f);
}

static void test_a_flow_does_not_starve_others(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {level("a", 1, 0)};
	struct guest *loud[10], *quiet;

	levels[0].hand = 1;
	kt_flow_seats_configure(f->seats, levels, 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(enter(f, "a", 0, &loud[0]), KT_FLOW_SEATED);
	struct guest *seated = loud[0];
	for (int i = 0; i < 10; i++)
		assert_int_equal(enter(f, "a", 0, &loud[i]), KT_FLOW_WAITS);
	leave(f, seated);
	assert_true(loud[0]->seated);
	assert_int_equal(enter(f, "a", 1, &quiet), KT_FLOW_WAITS);
	leave(f, loud[0]);
	assert_true(quiet->seated);
	assert_false(loud[1]->seated);
	leave(f, quiet);
	assert_true(loud[1]->seated);
	leave_all(f);
}

/* A level of one seat, taken, and with two queues. */
static struct guest *one_seat(struct fixture *f, int64_t hand)
{
	struct kt_flow_limits levels[] = {level("one", 1, 0), level("rest", 9, 0)};
	struct guest *first;

	levels[0].borrowing_percent = 0;
	levels[0].queues = 2;
	levels[0].hand = hand;
	kt_flow_seats_configure(f->seats, levels, 2);
	assert_int_equal(enter(f, "one", 0, &first), KT_FLOW_SEATED);
	return first;
}

/* Serves a guest of either flow that has the seat; 0 or 1, -1: nobody has it. */
static int serve_next(struct fixture *f, struct guest *guests[2][5], const int64_t took_ns[2])
{
	for (int flow = 0; flow < 2; flow++)
		for (int i = 0; i < 5; i++)
			if (guests[flow][i]->seated) {
				leave_after(f, guests[flow][i], took_ns[flow]);
				return flow;
			}
	return -1;
}

/* Served least is who had the seat for the shortest time, not who had it most seldom. */
static void test_who_takes_long_comes_seldom(void **state)
{
	struct fixture *f = *state;
	struct guest *first = one_seat(f, 1), *guests[2][5];
	static const int64_t took_ns[] = {INT64_C(100) * MS, MS};
	int n_long = 0, n_short = 0;

	for (int i = 0; i < 5; i++)
		for (int flow = 0; flow < 2; flow++)
			assert_int_equal(
			        enter(f, "one", (uint64_t)flow, &guests[flow][i]), KT_FLOW_WAITS);
	leave(f, first);
	while (n_short < 5) {
		int flow = serve_next(f, guests, took_ns);

		assert_true(flow >= 0);
		n_long += flow == 0;
		n_short += flow == 1;
	}
	assert_in_range(n_long, 0, 1);
	leave_all(f);
}

/* Time in which a flow wanted nothing is not made up for. */
static void test_who_comes_late_has_no_arrears(void **state)
{
	struct fixture *f = *state;
	struct guest *last = one_seat(f, 1), *guests[2][5];
	static const int64_t took_ns[] = {MS, MS};
	int n_early = 0;

	for (int i = 0; i < 20; i++) {
		struct guest *next;

		assert_int_equal(enter(f, "one", 0, &next), KT_FLOW_WAITS);
		leave(f, last);
		last = next;
	}
	for (int i = 0; i < 5; i++)
		for (int flow = 0; flow < 2; flow++)
			assert_int_equal(
			        enter(f, "one", (uint64_t)flow, &guests[flow][i]), KT_FLOW_WAITS);
	leave(f, last);
	for (int i = 0; i < 6; i++)
		n_early += serve_next(f, guests, took_ns) == 0;
	assert_in_range(n_early, 2, 4);
	leave_all(f);
}

/* A queue of which one is being served is not as short as one that has nobody. */
static void test_the_shortest_queue_is_the_one_with_nobody(void **state)
{
	struct fixture *f = *state;
	struct guest *first = one_seat(f, 2), *served, *next;

	assert_int_equal(enter(f, "one", 0, &served), KT_FLOW_WAITS);
	leave(f, first);
	assert_true(served->seated);
	assert_int_equal(enter(f, "one", 0, &next), KT_FLOW_WAITS);
	assert_ptr_not_equal(next->ticket.queue, served->ticket.queue);
	leave_all(f);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {
	        level("queue", 0, 0), level("reject", 0, 0), level("free", 0, 0)};
	struct guest *first, *second;

	levels[0].borrowing_percent = levels[1].borrowing_percent = 0;
	levels[0].queues = levels[0].hand = 1;
	levels[0].queue_length = 2;
	levels[1].has_queues = false;
	levels[2].is_exempt = true;
	kt_flow_seats_configure(f->seats, levels, 3);
	assert_int_equal(enter(f, "reject", 1, NULL), KT_FLOW_NO_SEAT);
	assert_int_equal(enter(f, "queue", 1, &first), KT_FLOW_WAITS);
	assert_int_equal(enter(f, "queue", 2, &second), KT_FLOW_WAITS);
	assert_int_equal(enter(f, "queue", 3, NULL), KT_FLOW_QUEUE_FULL);
	for (int i = 0; i < 100; i++)
		assert_int_equal(enter(f, "free", 1, NULL), KT_FLOW_SEATED);
	assert_true(kt_flow_give_up(&first->ticket));
	assert_false(kt_flow_give_up(&first->ticket));
	assert_int_equal(enter(f, "queue", 3, NULL), KT_FLOW_WAITS);
	/* seats come with the next configuration */
	levels[0].shares = 1;
	kt_flow_seats_configure(f->seats, levels, 3);
	settle(f);
	assert_true(second->seated);
	assert_false(kt_flow_give_up(&second->ticket));
	assert_int_equal(n_seated(f), 102);
	leave_all(f);
}

/* Who waits at a level that goes, or gets other queues, is let in. */
static void test_changes(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {level("a", 1, 0), level("b", 1, 0)};

	levels[0].borrowing_percent = levels[1].borrowing_percent = 0;
	kt_flow_seats_configure(f->seats, levels, 2);
	for (uint64_t i = 0; i < 10; i++) {
		enter(f, "a", i, NULL);
		enter(f, "b", i, NULL);
	}
	assert_int_equal(n_seated(f), 10);
	levels[0].queues = 3;
	kt_flow_seats_configure(f->seats, levels, 1);
	settle(f);
	assert_int_equal(n_seated(f), 20);
	assert_null(kt_flow_level_find(f->seats, "b"));
	assert_int_equal(enter(f, "a", 1, NULL), KT_FLOW_WAITS);
	leave_all(f);
}

static void test_random(void **state)
{
	struct fixture *f = *state;
	struct kt_flow_limits levels[] = {level("a", 3, 50), level("b", 7, 20), level("c", 1, 0)};
	uint64_t seed = 1;

	kt_flow_seats_configure(f->seats, levels, 3);
	while (f->n < KT_ARRAY_SIZE(f->guests)) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		struct guest *guest = &f->guests[(seed >> 33) % (f->n + 1)];
		if (seed >> 62 && guest->seated)
			leave(f, guest);
		else
			enter(f, levels[(seed >> 40) % 3].name, seed >> 50, NULL);
		assert_in_range(n_seated(f), 1, 12); /* each level's part is rounded up */
	}
	leave_all(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_borrowing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_borrowing_limit, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_a_borrower_does_not_starve_the_lender, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_each_level_gets_a_seat, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_a_flow_does_not_starve_others, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_who_takes_long_comes_seldom, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_who_comes_late_has_no_arrears, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_the_shortest_queue_is_the_one_with_nobody, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
