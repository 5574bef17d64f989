internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// Signals that are waited for instead of handled.
struct SignalWait {
    private let signals: [Int32]

    /// Blocks the signals in this thread and those it starts.
    init(_ signals: [Int32]) {
        self.signals = signals
        change(SIG_BLOCK)
    }

    private func set() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        return set
    }

    private func change(_ how: Int32) {
        var set = set()
        unsafe pthread_sigmask(how, &set, nil)
    }

    /// Waits for the next of them, at most `seconds` where that is given: nil when none came. Source: sigtimedwait(2).
    func next(within seconds: Double?) -> Int32? {
        var set = set()
        let deadline = seconds.map { Instant.now().advanced(bySeconds: $0) }
        while true {
            let signal: Int32
            if let deadline {
                let left = deadline.seconds(since: .now())
                var time = timespec(tv_sec: Int(left), tv_nsec: Int((left - left.rounded(.down)) * 1e9))
                signal = unsafe sigtimedwait(&set, nil, &time)
            } else {
                signal = unsafe sigwaitinfo(&set, nil)
            }
            if signal > 0 { return signal }
            // EINTR: the process was stopped and goes on, or is being looked at.
            if errno == EAGAIN { return nil }
        }
    }

    /// Lets them do what they do to a program that does not wait for them.
    func restoreDefaults() { change(SIG_UNBLOCK) }
}
