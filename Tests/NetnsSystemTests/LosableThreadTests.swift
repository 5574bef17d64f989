import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

/// Reading that does not come back.
@Suite struct LosableThreadTests {
    private func place(_ name: String, _ purpose: LosableThread.Place.Purpose = .resolver) -> LosableThread.Place {
        LosableThread.Place(purpose, "test \(name)")
    }

    @Test func oneThatDoesNotComeBack() {
        let gate = Monitor(false)
        defer { gate.withLock { $0 = true } }
        let wait: @Sendable () -> Int = { gate.wait { $0 ? 1 : nil } ?? 0 }
        #expect(LosableThread.run(place("a"), within: 10) { 7 } == 7)
        #expect(LosableThread.run(place("a"), within: 0.1, wait) == nil)
        #expect(LosableThread.lostThreads(.resolver) == 1)
        // Not again there; elsewhere as before.
        #expect(LosableThread.run(place("a"), within: 10) { 7 } == nil)
        #expect(LosableThread.run(place("b"), within: 10) { 7 } == 7)
        for number in 1..<LosableThread.maximumLost {
            #expect(LosableThread.run(place("c\(number)"), within: 0.02, wait) == nil)
        }
        #expect(LosableThread.run(place("b"), within: 10) { 7 } == nil)
        // What is done for something else goes on.
        #expect(LosableThread.run(place("b", .mounts), within: 10) { 7 } == 7)
        gate.withLock { $0 = true }
        #expect(eventually { LosableThread.lostThreads(.resolver) == 0 ? true : nil } == true)
        #expect(LosableThread.run(place("b"), within: 10) { 7 } == 7)
        // Who was late once is left alone for a while.
        #expect(LosableThread.run(place("a"), within: 10) { 7 } == nil)
    }

    @Test func whoIsLateIsLeftAloneForLonger() {
        var places = LosablePlaces(maximumLost: 2)
        let (slow, other) = (place("slow"), place("other"))
        var now = Instant(nanoseconds: 0)
        for (times, pause) in [30.0, 60, 120, 240, 480, 960, 1920, 1920, 1920].enumerated() {
            #expect(places.isOpen(slow, at: now), "\(times)")
            places.wasLost(slow)
            #expect(!places.isOpen(slow, at: now.advanced(bySeconds: 1e6)) && places.lost == [slow: 1])
            places.cameBack(slow, at: now)
            #expect(places.lost.isEmpty && places.isOpen(other, at: now))
            #expect(!places.isOpen(slow, at: now.advanced(bySeconds: pause - 1)), "\(times)")
            now = now.advanced(bySeconds: pause)
        }
        // One answer in time, and it is as it was.
        places.wasInTime(slow)
        places.wasLost(slow)
        places.cameBack(slow, at: now)
        #expect(places.isOpen(slow, at: now.advanced(bySeconds: 30)))
    }

    /// Two that set out at once are both to come back before a third goes there.
    @Test func severalAtOnePlace() {
        var places = LosablePlaces(maximumLost: 2)
        let start = Instant(nanoseconds: 0)
        let (one, other) = (place("one"), place("other"))
        places.wasLost(one)
        places.wasLost(one)
        #expect(places.count(.resolver) == 2 && !places.isOpen(other, at: start))
        places.cameBack(one, at: start)
        #expect(places.count(.resolver) == 1 && places.isOpen(other, at: start))
        #expect(!places.isOpen(one, at: start.advanced(bySeconds: 1e6)))
        places.cameBack(one, at: start)
        #expect(places.lost.isEmpty && places.isOpen(one, at: start.advanced(bySeconds: 1e6)))
    }

    @Test func placesAreNotRememberedWithoutEnd() {
        var places = LosablePlaces(maximumLost: 2)
        let start = Instant(nanoseconds: 0)
        for number in 0..<LosablePlaces.maximumPlaces + 1 {
            places.cameBack(place("\(number)"), at: start.advanced(bySeconds: Double(number) / 1e6))
        }
        let then = start.advanced(bySeconds: 1)
        #expect(places.isOpen(place("0"), at: then) && !places.isOpen(place("1"), at: then))
    }
}
