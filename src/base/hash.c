/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A multiply-and-fold hash over 64-bit words (the construction of wyhash and mum). */
#include "base/str.h"

#define FIXED_SEED UINT64_C(0x9e3779b97f4a7c15)

static uint64_t process_seed = FIXED_SEED;

void kt_hash_seed(uint64_t seed)
{
	process_seed = seed;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 u128;
	u128 product = (u128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load64(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static uint64_t load_tail(const unsigned char *p, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, p, len);
	return word;
}

static uint64_t hash_with(uint64_t seed, const void *data, size_t len)
{
	const uint64_t k1 = UINT64_C(0xa0761d6478bd642f), k2 = UINT64_C(0xe7037ed1a0b428db);
	const unsigned char *p = data;
	uint64_t hash = seed ^ k1;
	size_t left = len;

	for (; left >= 16; left -= 16, p += 16)
		hash = fold(load64(p) ^ k1, load64(p + 8) ^ hash);
	if (left >= 8) {
		hash = fold(load64(p) ^ k2, hash);
		left -= 8;
		p += 8;
	}
	if (left)
		hash = fold(load_tail(p, left) ^ k2, hash ^ k1);
	return fold(hash ^ k2, (uint64_t)len ^ k1);
}

uint64_t kt_hash_bytes(const void *data, size_t len)
{
	return hash_with(FIXED_SEED, data, len);
}

uint64_t kt_hash_key(const void *data, size_t len)
{
	return hash_with(process_seed, data, len);
}
