/// How many requests of all clients together are served: `burst` at once, and one more for each `interval` that passes.
///
/// Source: `rate_limit` of exporter-toolkit's docs/web-configuration.md.
public struct RateLimit: Sendable, Hashable {
    /// Longer than nothing.
    public var interval: Duration
    /// At least 1.
    public var burst: Int

    /// A limit.
    public init(interval: Duration, burst: Int) {
        self.interval = interval
        self.burst = burst
    }
}

/// The requests that a limit still allows. Pure: instants come in.
struct RateBucket {
    private var limit: RateLimit?
    private var tokens = 0.0
    private var at = ContinuousClock.now

    /// Takes one request: nil when it may be served, else the seconds until another may. A new limit begins with all of its
    /// burst.
    mutating func take(_ limit: RateLimit, at now: ContinuousClock.Instant) -> Int? {
        if limit != self.limit {
            self.limit = limit
            tokens = Double(limit.burst)
        } else {
            tokens = min(Double(limit.burst), tokens + max(0, (now - at) / limit.interval))
        }
        at = now
        guard tokens >= 1 else {
            let seconds = (1 - tokens) * (limit.interval / .seconds(1))
            return max(1, Int(min(seconds.rounded(.up), 86_400)))
        }
        tokens -= 1
        return nil
    }
}
