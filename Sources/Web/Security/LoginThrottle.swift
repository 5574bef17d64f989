/// How many failed logins an address has had of late. Pure: instants come in.
///
/// Each address may fail `burst` times at once, and once more for each `interval` that passes. At most `maximumAddresses`
/// are remembered; beyond them the one that has been quiet for longest is forgotten.
struct LoginThrottle {
    private struct Entry {
        /// Failures, less those that time has forgiven.
        var debt: Double
        var at: ContinuousClock.Instant
    }

    let burst: Int
    let interval: Duration
    let maximumAddresses: Int
    private var entries: [String: Entry] = [:]

    init(burst: Int = 10, interval: Duration = .seconds(6), maximumAddresses: Int = 1024) {
        self.burst = burst
        self.interval = interval
        self.maximumAddresses = maximumAddresses
    }

    /// Seconds until the address may try again; nil when it may now.
    func wait(_ address: String, at now: ContinuousClock.Instant) -> Int? {
        guard let entry = entries[address] else { return nil }
        let debt = remaining(entry, at: now)
        guard debt > Double(burst) - 1 else { return nil }
        return max(1, Int(((debt - Double(burst) + 1) * (interval / .seconds(1))).rounded(.up)))
    }

    /// A login failed.
    mutating func failed(_ address: String, at now: ContinuousClock.Instant) {
        let debt = entries[address].map { remaining($0, at: now) } ?? 0
        if entries[address] == nil, entries.count >= maximumAddresses {
            let oldest = entries.min { $0.value.at < $1.value.at }
            if let oldest { entries[oldest.key] = nil }
        }
        entries[address] = Entry(debt: min(debt + 1, Double(burst)), at: now)
    }

    private func remaining(_ entry: Entry, at now: ContinuousClock.Instant) -> Double {
        max(0, entry.debt - (now - entry.at) / interval)
    }
}
