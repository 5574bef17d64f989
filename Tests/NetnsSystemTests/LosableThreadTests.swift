import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

/// Reading that does not come back.
@Suite struct LosableThreadTests {
    @Test func oneThatDoesNotComeBack() {
        let gate = Monitor(false)
        defer { gate.withLock { $0 = true } }
        let wait: @Sendable () -> Int = { gate.wait { $0 ? 1 : nil } ?? 0 }
        #expect(LosableThread.run("a", within: 10) { 7 } == 7)
        #expect(LosableThread.run("a", within: 0.1, wait) == nil)
        #expect(LosableThread.lostThreads == 1)
        // Not again there; elsewhere as before.
        #expect(LosableThread.run("a", within: 10) { 7 } == nil)
        #expect(LosableThread.run("b", within: 10) { 7 } == 7)
        for number in 1..<LosableThread.maximumLost {
            #expect(LosableThread.run("c\(number)", within: 0.02, wait) == nil)
        }
        #expect(LosableThread.run("b", within: 10) { 7 } == nil)
        gate.withLock { $0 = true }
        #expect(eventually { LosableThread.lostThreads == 0 ? true : nil } == true)
        #expect(LosableThread.run("a", within: 10) { 7 } == 7)
    }
}
