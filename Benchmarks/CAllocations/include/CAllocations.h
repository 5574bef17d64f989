#pragma once
// Counts allocations, for executables whose allocations are measured.
#include <stdint.h>

// Allocations and bytes asked for since the process began, all threads.
void allocations_counted(uint64_t *count, uint64_t *bytes);
