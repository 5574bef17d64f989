import NetnsCore
import TestSupport
import Testing

/// Timers by a clock that the test moves.
@Suite struct TimerWheelTests {
    private static let start = Instant(nanoseconds: 7_000_000_123)

    private static func at(_ seconds: Double) -> Instant { start.advanced(bySeconds: seconds) }

    @Test func firesAtItsTimeAndNotBefore() {
        var wheel = TimerWheel<String>(tick: 0.002, at: Self.start)
        _ = wheel.set("a", at: Self.at(0.1))
        var fired: [String] = []
        wheel.expire(at: Self.at(0.0999), into: &fired)
        #expect(fired.isEmpty)
        wheel.expire(at: Self.at(0.1021), into: &fired)
        #expect(fired == ["a"])
        #expect(wheel.count == 0)
        #expect(wheel.next == nil)
    }

    @Test func inTheOrderOfTheirTimes() {
        var wheel = TimerWheel<Int>(tick: 0.001, at: Self.start)
        // Some share a slot with others of a later turn (4,096 ticks).
        for number in [5, 1, 9000, 3, 4097, 4096, 2] { _ = wheel.set(number, at: Self.at(Double(number) / 1000)) }
        var fired: [Int] = []
        wheel.expire(at: Self.at(20), into: &fired)
        #expect(fired == [1, 2, 3, 5, 4096, 4097, 9000])
    }

    @Test func aLaterTurnWaits() {
        var wheel = TimerWheel<Int>(tick: 0.001, at: Self.start)
        _ = wheel.set(1, at: Self.at(10))
        var fired: [Int] = []
        for second in 1...9 { wheel.expire(at: Self.at(Double(second)), into: &fired) }
        #expect(fired.isEmpty)
        wheel.expire(at: Self.at(10.01), into: &fired)
        #expect(fired == [1])
    }

    @Test func whatWasCancelledNeverFires() {
        var wheel = TimerWheel<Int>(tick: 0.001, at: Self.start)
        let first = wheel.set(1, at: Self.at(0.01))
        let second = wheel.set(2, at: Self.at(0.01))
        wheel.cancel(first)
        wheel.cancel(first)
        // The place of the first is used again: its old id is worthless.
        _ = wheel.set(3, at: Self.at(0.01))
        wheel.cancel(first)
        var fired: [Int] = []
        wheel.expire(at: Self.at(1), into: &fired)
        #expect(fired.sorted() == [2, 3])
        wheel.cancel(second)
        #expect(wheel.count == 0)
    }

    @Test func aTimeThatHasPassedFiresWithTheNextTick() {
        var wheel = TimerWheel<Int>(tick: 0.001, at: Self.at(5))
        _ = wheel.set(1, at: Self.at(1))
        var fired: [Int] = []
        wheel.expire(at: Self.at(5.0011), into: &fired)
        #expect(fired == [1])
    }

    /// Held against a list, over random settings, cancellations and steps.
    @Test func againstAList() {
        var random = SplitMix64(seed: 42)
        var wheel = TimerWheel<Int>(tick: 0.002, at: Self.start)
        var known: [Int: (id: TimerWheel<Int>.ID, time: Double)] = [:]
        var now = 0.0
        for number in 0..<20_000 {
            switch random.next() % 4 {
            case 0, 1:
                let time = now + Double(random.next() % 30_000) / 1000
                known[number] = (wheel.set(number, at: Self.at(time)), time)
            case 2:
                if let victim = known.keys.min(), let entry = known.removeValue(forKey: victim) {
                    wheel.cancel(entry.id)
                }
            default:
                now += Double(random.next() % 200) / 1000
                var fired: [Int] = []
                wheel.expire(at: Self.at(now), into: &fired)
                for number in fired {
                    guard let entry = known.removeValue(forKey: number) else {
                        Issue.record("\(number) fired and was not set")
                        continue
                    }
                    #expect(entry.time <= now)
                }
                let late = known.values.filter { $0.time < now - 0.0041 }
                #expect(late.isEmpty)
            }
            #expect(wheel.count == known.count)
            if let next = wheel.next, let first = known.values.map(\.time).min() {
                #expect(next.seconds(since: Self.start) <= first + 0.0041)
            }
        }
    }
}
