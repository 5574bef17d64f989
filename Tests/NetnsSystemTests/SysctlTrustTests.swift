import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

/// A trust under test: a macro cannot change what it is given.
private final class Trust {
    var value: SysctlTrust

    init(_ written: WrittenNamespaces?, interval: Double) { value = SysctlTrust(written, interval: interval) }

    var changes: WrittenNamespaces.Changes { value.changes }
    var sweeps: UInt64 { value.sweeps }
    var unexplained: UInt64 { value.unexplained }

    func begins(_ seconds: Double, canTrust: Bool = true) -> Bool {
        value.begin(at: SysctlTrustTests.at(seconds), namespaces: 1000, canTrust: canTrust, canVisit: true)
    }

    func suspect(_ cookie: UInt64) { value.suspect(cookie) }
}

/// When sysctls are read, by a clock of the test's own.
@Suite struct SysctlTrustTests {
    fileprivate static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 1).advanced(bySeconds: seconds) }

    @Test func whatIsWrittenAndTheSweep() {
        let written = WrittenNamespaces()
        let trust = Trust(written, interval: 60)
        #expect(trust.begins(0) && trust.sweeps == 1)
        #expect(!trust.begins(15) && trust.changes.cookies.isEmpty)
        written.note(5, at: Self.at(20))
        #expect(!trust.begins(30) && trust.changes.cookies == [5])
        // What was written within the second before the last reading may have been taken after it.
        written.note(6, at: Self.at(44.5))
        #expect(!trust.begins(45) && trust.changes.cookies == [6])
        #expect(!trust.begins(46) && trust.changes.cookies == [6])
        #expect(!trust.begins(47) && trust.changes.cookies.isEmpty)
        #expect(trust.begins(61) && trust.sweeps == 2)
        // What the host shows may be everybody's; what was lost may be anybody's.
        written.noteEverywhere(at: Self.at(70))
        #expect(trust.begins(72))
        #expect(!trust.begins(75))
        written.note(lost: 3, at: Self.at(75.5))
        #expect(trust.begins(77))
        written.note(lost: 3, at: Self.at(79))
        #expect(!trust.begins(80))
        // To go to many costs more than to read all.
        for cookie in 0..<100 { written.note(UInt64(cookie), at: Self.at(81)) }
        #expect(trust.begins(82))
        #expect(trust.unexplained == 0)
    }

    /// A change that was not heard is one only when it is not heard a little later either.
    @Test func whatWasNotHeard() {
        let written = WrittenNamespaces()
        let trust = Trust(written, interval: 60)
        _ = trust.begins(0)
        #expect(trust.begins(60))
        trust.suspect(9)
        written.note(9, at: Self.at(60.1))
        #expect(!trust.begins(70) && trust.unexplained == 0)
        #expect(trust.begins(130))
        trust.suspect(9)
        #expect(trust.begins(140) && trust.unexplained == 1)
        // For ten minutes all is read.
        #expect(trust.begins(150) && trust.begins(700))
        #expect(!trust.begins(755))
    }

    @Test func withoutAWatchAllIsReadEachTime() {
        let trust = Trust(nil, interval: 60)
        #expect(trust.begins(0) && trust.begins(1) && !trust.value.isInUse)
        let off = Trust(WrittenNamespaces(), interval: 0)
        #expect(off.begins(0) && off.begins(1) && !off.value.isInUse)
        let patterns = Trust(WrittenNamespaces(), interval: 60)
        for second in 0..<3 {
            #expect(patterns.begins(Double(second), canTrust: false))
            patterns.suspect(1)
        }
        #expect(patterns.unexplained == 0)
    }

    @Test func whatChangesByItselfIsNotTrusted() throws {
        #expect(SysctlTrust.isSteady(SysctlTable(BuiltinSysctls.names)))
        #expect(!SysctlTrust.isSteady(SysctlTable([try SysctlName("net.netfilter.nf_conntrack_count")])))
        #expect(!SysctlTrust.isSteady(SysctlTable([try SysctlName("net.ipv6.conf.eth0.mtu")])))
    }

    /// Namespaces without number that are written in and never read do not fill the memory.
    @Test func thereIsABound() {
        let written = WrittenNamespaces()
        for cookie in 0..<UInt64(50_000) { written.note(cookie, at: Self.at(1)) }
        let changes = written.changes(since: Self.at(0))
        #expect(changes.isEverywhere && changes.cookies.count <= 20_002)
    }
}
