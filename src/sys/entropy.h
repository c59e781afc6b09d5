/* sys/entropy.h -- randomness from the kernel. Ends the process when the kernel has none: keys and ids must not be guessable. Thread-safe. */
#ifndef VONK_SYS_ENTROPY_H
#define VONK_SYS_ENTROPY_H

#include "base/attr.h"

void     vonk_random_bytes(void *into, size_t bytes);
uint64_t vonk_random_u64(void);
void     vonk_random_uuid(char ret_text[37]); /* version 4, as vonk_uuid_text has it */
/* RFC 9562's text of 128 bits: lower case, NUL-terminated. */
void vonk_uuid_text(uint64_t high, uint64_t low, char ret_text[37]);

/* Simulations only: from now on a fixed sequence made from the seed. vonk_random_real() goes back. Not while other threads run. */
void vonk_random_simulate(uint64_t seed);
void vonk_random_real(void);

#endif
