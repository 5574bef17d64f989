import NetnsCore
import Testing

@Suite struct ProbeStatisticsTests {
    @Test func bucketsRiseAndArePositive() {
        #expect(HistogramBuckets([]) == nil)
        #expect(HistogramBuckets([1, 1]) == nil)
        #expect(HistogramBuckets([2, 1]) == nil)
        #expect(HistogramBuckets([0, 1]) == nil)
        #expect(HistogramBuckets([1, .infinity]) == nil)
        #expect(HistogramBuckets([.nan]) == nil)
        #expect(HistogramBuckets((1...101).map(Double.init)) == nil)
        #expect(HistogramBuckets(HistogramBuckets.roundTrip.bounds) == .roundTrip)
        #expect(HistogramBuckets.roundTrip.bounds.first == 0.00005)
        #expect(HistogramBuckets.roundTrip.bounds.last == 10)
    }

    @Test(arguments: [(0.0, 0), (0.1, 0), (0.1000001, 1), (1, 1), (5, 2), (5.1, 3), (1e9, 3)])
    func aBoundBelongsToItsBucket(_ value: Double, _ index: Int) throws {
        let buckets = try #require(HistogramBuckets([0.1, 1, 5]))
        #expect(buckets.index(of: value) == index)
    }

    @Test func lossIsOfTheLastPackets() {
        var statistics = ProbeStatistics(.roundTrip)
        #expect(statistics.loss == nil)
        statistics.noteEnd(.noRoute, sent: 0, received: 0, at: 1)
        #expect(statistics.loss == nil)
        statistics.noteEnd(nil, sent: 1, received: 1, at: 2)
        #expect(statistics.loss == 0)
        statistics.noteEnd(.timeout, sent: 1, received: 0, at: 3)
        #expect(statistics.loss == 0.5)
        statistics.noteEnd(nil, sent: 4, received: 3, at: 4)
        #expect(statistics.loss == 2.0 / 6)
        for time in 0..<ProbeStatistics.window { statistics.noteEnd(nil, sent: 1, received: 1, at: Double(5 + time)) }
        #expect(statistics.loss == 0)
        for _ in 0..<1000 { statistics.noteEnd(.timeout, sent: 1, received: 0, at: 100) }
        #expect(statistics.loss == 1)
    }

    @Test func sinceIsOfTheLastChange() {
        var statistics = ProbeStatistics(.roundTrip)
        statistics.noteEnd(nil, sent: 1, received: 1, at: 10)
        statistics.noteEnd(nil, sent: 1, received: 1, at: 11)
        #expect(statistics.since == 10)
        statistics.noteEnd(.timeout, sent: 1, received: 0, at: 12)
        statistics.noteEnd(.refused, sent: 1, received: 0, at: 13)
        #expect(statistics.since == 12)
        #expect(statistics.failure == .refused)
        #expect(statistics.isSuccess == false)
        #expect(statistics.lastTry == 13)
        #expect(statistics.failures(.timeout) == 1)
        #expect(statistics.failures(.refused) == 1)
        #expect(statistics.failures(.socket) == 0)
    }

    @Test func everyFailureIsCountedApart() {
        var statistics = ProbeStatistics(.roundTrip)
        for (number, failure) in ProbeFailure.allCases.enumerated() {
            for _ in 0...number { statistics.noteEnd(failure, sent: 0, received: 0, at: 0) }
        }
        for (number, failure) in ProbeFailure.allCases.enumerated() {
            #expect(statistics.failures(failure) == UInt64(number + 1), "\(failure)")
        }
    }

    @Test func roundTrips() {
        var statistics = ProbeStatistics(.roundTrip)
        statistics.noteReceived(0.00004, .roundTrip)
        statistics.noteReceived(20, .roundTrip)
        #expect(statistics.counts.first == 1)
        #expect(statistics.counts.last == 1)
        #expect(statistics.counts.count == HistogramBuckets.roundTrip.bounds.count + 1)
        #expect(statistics.sum == 20.00004)
        #expect(statistics.received == 2)
        #expect(statistics.lastRoundTrip == 20)
    }
}
