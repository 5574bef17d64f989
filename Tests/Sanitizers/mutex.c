// Tells ThreadSanitizer of Swift's Mutex, for `make sanitize` alone; linked into what is built with it.
//
// The fast ways of Synchronization.Mutex are compiled into the caller, which is instrumented. The slow ones, taken when the lock is
// held by another thread, are in libswiftSynchronization.so, which is not: the sanitizer would see no order between the two
// threads, and report a race on all that the lock guards. These stand in front of them: they call the library's and say what it did.
//
// The names are those of Swift's ABI (swift demangle), the convention is Swift's: the lock itself is in the context register.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define CONTEXT __attribute__((swift_context))
#define SWIFT __attribute__((swiftcall))
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock_slow(uint32_t thread, CONTEXT void *lock) __asm__(LOCK);
SWIFT bool try_lock_slow(CONTEXT void *lock) __asm__(TRY_LOCK);
SWIFT void unlock_slow(CONTEXT void *lock) __asm__(UNLOCK);

static SWIFT void (*real_lock)(uint32_t, CONTEXT void *);
static SWIFT bool (*real_try_lock)(CONTEXT void *);
static SWIFT void (*real_unlock)(CONTEXT void *);

static void *library_function(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        fprintf(stderr, "Tests/Sanitizers/mutex.c: this Swift's Mutex has no %s\n", name);
        abort();
    }
    return function;
}

__attribute__((constructor)) static void find_library(void) {
    real_lock = library_function(LOCK);
    real_try_lock = library_function(TRY_LOCK);
    real_unlock = library_function(UNLOCK);
}

SWIFT void lock_slow(uint32_t thread, CONTEXT void *lock) {
    real_lock(thread, lock);
    __tsan_acquire(lock);
}

SWIFT bool try_lock_slow(CONTEXT void *lock) {
    bool taken = real_try_lock(lock);
    if (taken) __tsan_acquire(lock);
    return taken;
}

SWIFT void unlock_slow(CONTEXT void *lock) {
    __tsan_release(lock);
    real_unlock(lock);
}
