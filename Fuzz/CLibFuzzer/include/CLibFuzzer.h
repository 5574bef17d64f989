#pragma once
// What libFuzzer offers to a program that has a main of its own.
// Source: compiler-rt/lib/fuzzer/FuzzerInterface.h, https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library
#include <stddef.h>
#include <stdint.h>

// Fuzzes until the arguments say stop; the program may have ended by then.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

// Mutates the data in place: its new size, max_size at most.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
