/* What a pool keeps for later is not to be touched: the address sanitizer says so where it is there
 * (its interface: "Manual poisoning" in compiler-rt's sanitizer/asan_interface.h), else nothing is
 * done. It takes whole granules of 8 bytes: begin at a multiple of 8. What is poisoned is no root
 * for the leak sanitizer either, so a list's own links stay readable. A block goes back to free()
 * or into use unpoisoned. Thread: the caller's. */
#ifndef WEIR_BASE_POISON_H
#define WEIR_BASE_POISON_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __has_feature /* clang's */
#define WEIR_POISONS __has_feature(address_sanitizer)
#elif defined __SANITIZE_ADDRESS__ /* gcc's */
#define WEIR_POISONS 1
#else
#define WEIR_POISONS 0
#endif

#if WEIR_POISONS
#include <sanitizer/asan_interface.h>
#endif

static inline void poison(void *at, size_t bytes)
{
#if WEIR_POISONS
    __asan_poison_memory_region(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

static inline void unpoison(void *at, size_t bytes)
{
#if WEIR_POISONS
    __asan_unpoison_memory_region(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

/* For tests; false wherever nothing is poisoned. */
static inline bool is_poisoned(const void *at)
{
#if WEIR_POISONS
    return __asan_address_is_poisoned(at) != 0;
#else
    (void)at;
    return false;
#endif
}

#endif
