/// A point in time, in nanoseconds since an arbitrary start that never moves: of CLOCK_MONOTONIC where the program runs, and
/// of whatever a test likes.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the start.
    public let nanoseconds: UInt64

    /// The point at this many nanoseconds.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Later by seconds, which are not negative.
    public func advanced(bySeconds seconds: Double) -> Instant {
        Instant(nanoseconds: nanoseconds &+ UInt64(min(max(seconds, 0), 1e9) * 1e9))
    }

    /// Seconds from `earlier` to this.
    public func seconds(since earlier: Instant) -> Double {
        nanoseconds >= earlier.nanoseconds ? Double(nanoseconds - earlier.nanoseconds) / 1e9 : 0
    }

    /// The earlier is less.
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
}
