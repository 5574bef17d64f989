import Testing

@testable import Web

@Suite struct RateBucketTests {
    private let start = ContinuousClock.now
    private let limit = RateLimit(interval: .seconds(2), burst: 3)

    @Test func burstThenOneForEachInterval() {
        var bucket = RateBucket()
        for _ in 0..<3 { #expect(bucket.take(limit, at: start) == nil) }
        #expect(bucket.take(limit, at: start) == 2)
        #expect(bucket.take(limit, at: start + .milliseconds(1500)) == 1)
        #expect(bucket.take(limit, at: start + .seconds(2)) == nil)
        #expect(bucket.take(limit, at: start + .seconds(2)) != nil)
        // However long it was quiet, no more than the burst.
        for _ in 0..<3 { #expect(bucket.take(limit, at: start + .seconds(1000)) == nil) }
        #expect(bucket.take(limit, at: start + .seconds(1000)) == 2)
    }

    @Test func aNewLimitBeginsAnew() {
        var bucket = RateBucket()
        for _ in 0..<3 { _ = bucket.take(limit, at: start) }
        let other = RateLimit(interval: .seconds(86_400), burst: 1)
        #expect(bucket.take(other, at: start) == nil)
        #expect(bucket.take(other, at: start) == 86_400)
        #expect(bucket.take(limit, at: start) == nil)
    }

    /// A clock that goes back gives nothing and takes nothing.
    @Test func timeThatStandsStill() {
        var bucket = RateBucket()
        for _ in 0..<3 { _ = bucket.take(limit, at: start) }
        #expect(bucket.take(limit, at: start - .seconds(10)) == 2)
        #expect(bucket.take(limit, at: start - .seconds(8)) == nil)
    }
}
