/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers: getrandom(2), fetched some words at a time; on a virtual loop xoshiro256** from a
 * seed. */
#include "base/log.h"
#include "base/loop_internal.h"

#include <errno.h>
#include <sys/random.h>

/* splitmix64, the seeding its authors recommend: no seed gives the all-zero state. */
void kt_loop_random_seed(struct kt_loop *loop, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		loop->random[i] = z ^ (z >> 31);
	}
}

static uint64_t rotate_left(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static uint64_t next_seeded(uint64_t s[4])
{
	uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

static void fetch_words(struct kt_loop *loop)
{
	ssize_t n;

	/* Up to 256 bytes are given whole once the kernel's pool is ready. */
	do {
		n = getrandom(loop->random, sizeof(loop->random), 0);
	} while (n < 0 && errno == EINTR);
	kt_assert(n == sizeof(loop->random));
	loop->random_left = KT_LOOP_RANDOM_WORDS;
}

uint64_t kt_loop_random(struct kt_loop *loop)
{
	if (loop->is_virtual)
		return next_seeded(loop->random);
	if (loop->random_left == 0)
		fetch_words(loop);
	uint64_t *word = &loop->random[--loop->random_left], value = *word;
	*word = 0; /* what was given away is not kept */
	return value;
}

/* Multiply and shift, with the few biased products rejected (Lemire 2019). */
uint32_t kt_loop_random_below(struct kt_loop *loop, uint32_t bound)
{
	kt_assert(bound > 0);
	uint32_t floor = (0 - bound) % bound;
	uint64_t product;

	do {
		product = (kt_loop_random(loop) >> 32) * bound;
	} while ((uint32_t)product < floor);
	return (uint32_t)(product >> 32);
}

void kt_loop_random_uuid(struct kt_loop *loop, char ret_uuid[37])
{
	uint64_t high = kt_loop_random(loop), low = kt_loop_random(loop);

	/* RFC 9562: version 4, variant 10. */
	high = (high & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
	low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
	int n = snprintf(ret_uuid, 37, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
	        (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
	        (unsigned long long)(low & UINT64_C(0xffffffffffff)));
	kt_assert(n == 36);
}
