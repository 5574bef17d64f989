import Glibc

/// A value behind a lock, and a way to wait for it to change: what `Mutex` has no condition variable for.
///
/// Concurrency: the value is touched only with the mutex held, which is the proof behind `@unchecked`.
@safe final class Monitor<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: sending Value) {
        self.value = value
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        // Deadlines must not move when somebody sets the clock.
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe changed.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Reads or changes the value, and wakes those that wait.
    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(changed)
            unsafe pthread_mutex_unlock(mutex)
        }
        return body(&value)
    }

    /// Waits until `condition` holds or the time is up, and calls `body` with the value as it then is.
    func wait<Result>(
        for time: Duration, until condition: (Value) -> Bool, then body: (inout Value) -> Result
    ) -> Result {
        let (seconds, attoseconds) = max(time, .zero).components
        var deadline = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
        // A day is as good as for ever, and does not overflow.
        deadline.tv_sec += Int(min(seconds, 86_400))
        deadline.tv_nsec += Int(attoseconds / 1_000_000_000)
        if deadline.tv_nsec >= 1_000_000_000 {
            deadline.tv_nsec -= 1_000_000_000
            deadline.tv_sec += 1
        }
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while !condition(value) {
            // Anything but 0 is the deadline.
            if unsafe pthread_cond_timedwait(changed, mutex, &deadline) != 0 { break }
        }
        return body(&value)
    }
}
