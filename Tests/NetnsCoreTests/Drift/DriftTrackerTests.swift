import NetnsCore
import Testing

@Suite struct DriftTrackerTests {
    @Test func aDriftBeginsChangesAndEnds() {
        var tracker = DriftTracker()
        #expect(tracker.update(.matched, changed: false, at: 1) == nil)
        #expect(tracker.update(.drifted, changed: true, at: 2) == .began)
        #expect(tracker.since == 2)
        #expect(tracker.update(.drifted, changed: false, at: 3) == nil)
        #expect(tracker.update(.drifted, changed: true, at: 4) == .changed)
        #expect(tracker.since == 2)
        #expect(tracker.update(.matched, changed: true, at: 5) == .ended(since: 2))
        #expect(tracker.since == nil)
        #expect(tracker.update(.matched, changed: false, at: 6) == nil)
    }

    @Test func aDriftOutlivesAFailedReading() {
        var tracker = DriftTracker()
        #expect(tracker.update(.drifted, changed: false, at: 2) == .began)
        #expect(tracker.update(.unreadable, changed: false, at: 3) == nil)
        #expect(tracker.state == .unreadable)
        #expect(tracker.update(.drifted, changed: false, at: 4) == nil)
        #expect(tracker.since == 2)
    }

    @Test func whatIsGoneHasEndedItsDrift() {
        var tracker = DriftTracker()
        #expect(tracker.update(.drifted, changed: false, at: 2) == .began)
        #expect(tracker.update(.absent, changed: false, at: 3) == .ended(since: 2))
        #expect(tracker.update(.drifted, changed: false, at: 4) == .began)
        #expect(tracker.since == 4)
    }
}

@Suite struct SysctlHistoryTests {
    private static func table(_ names: [String] = ["net.a", "net.b"]) throws -> SysctlTable {
        SysctlTable(try names.map { try SysctlName($0) })
    }

    /// Readings in which nil is absent and "?" unreadable.
    private static func readings(_ table: SysctlTable, _ values: [String?]) -> SysctlReadings {
        var readings = SysctlReadings(table: table)
        for value in values {
            switch value {
            case nil: readings.append(.absent)
            case "?": readings.append(.unreadable(5))
            case let value?:
                let bytes = Array(value.utf8)
                unsafe readings.append(value: bytes.span.bytes, isText: false)
            }
        }
        return readings
    }

    private static func changes(_ history: inout SysctlHistory, _ table: SysctlTable, _ values: [String?]) -> [String] {
        var changes: [String] = []
        history.update(readings(table, values)) { index, old, new in
            changes.append("\(index) \(PrintableText.string(old))>\(PrintableText.string(new))")
        }
        return changes
    }

    @Test func changesAreCountedAndTold() throws {
        let table = try Self.table()
        var history = SysctlHistory(table: table)
        #expect(Self.changes(&history, table, ["1", "2"]).isEmpty)
        #expect(Self.changes(&history, table, ["1", "2"]).isEmpty)
        #expect(Self.changes(&history, table, ["10", "2"]) == ["0 1>10"])
        #expect(Self.changes(&history, table, ["1", "3"]) == ["0 10>1", "1 2>3"])
        #expect(history.changes(at: 0) == 2)
        #expect(history.changes(at: 1) == 1)
    }

    @Test func absenceForgetsAndUnreadableDoesNot() throws {
        let table = try Self.table()
        var history = SysctlHistory(table: table)
        #expect(Self.changes(&history, table, [nil, "2"]).isEmpty)
        #expect(Self.changes(&history, table, ["1", "?"]).isEmpty)
        #expect(Self.changes(&history, table, [nil, "?"]).isEmpty)
        #expect(Self.changes(&history, table, ["5", "3"]) == ["1 2>3"])
        #expect(Self.changes(&history, table, ["5", "3"]).isEmpty)
        #expect(history.changes(at: 0) == 0)
    }

    @Test func anotherTableTakesTheCountsOver() throws {
        let table = try Self.table()
        var history = SysctlHistory(table: table)
        _ = Self.changes(&history, table, ["1", "2"])
        _ = Self.changes(&history, table, ["1", "3"])
        let wider = try Self.table(["net.a", "net.aa", "net.b"])
        #expect(Self.changes(&history, wider, ["7", "1", "3"]) == ["0 1>7"])
        #expect(history.changes(at: 2) == 1)
        #expect(history.changes(at: 1) == 0)
    }
}

@Suite struct AssertionTests {
    @Test(
        arguments: [
            ("600", "net.a.x", .matched, .matched), ("700", "net.a.x", .drifted, .drifted),
            (nil, "net.a.x", .absent, nil), ("?", "net.a.x", .unreadable, .unreadable),
        ] as [(String?, String, ExpectationState, ExpectationState?)])
    func states(
        _ value: String?, _ name: String, _ named: ExpectationState, _ patterned: ExpectationState?
    ) throws {
        let table = SysctlTable([try SysctlName(name)])
        var readings = SysctlReadings(table: table)
        switch value {
        case nil: readings.append(.absent)
        case "?": readings.append(.tooLong)
        case let value?:
            let bytes = Array(value.utf8)
            unsafe readings.append(value: bytes.span.bytes, isText: false)
        }
        for (pattern, expected) in [(name, named), ("net.a.*", patterned)] {
            for expectation in [Expectation.equal("600"), .sameAs(.host)] {
                let rule = Rule(name: "r", content: .sysctls([.init(try SysctlPattern(pattern), expectation)]))
                let assertion = try #require(
                    RuleSet(DriftConfiguration(rules: [rule]))
                        .assertions(for: NamespaceIdentity(name: "x"), table: table, declared: [:]).first)
                let host = Array("600".utf8)
                #expect(assertion.evaluate(readings, reference: { _, compare in compare(host.span) }) == expected)
            }
        }
    }

    @Test func aSysctlOutsideTheTableAndAPlaceWithoutAValueAreAbsent() throws {
        let table = SysctlTable([try SysctlName("net.a.x")])
        var readings = SysctlReadings(table: table)
        let value = Array("1".utf8)
        unsafe readings.append(value: value.span.bytes, isText: false)
        let rule = Rule(
            name: "r",
            content: .sysctls([
                .init(try SysctlPattern("net.a.x"), .sameAs(.baseline)),
                .init(try SysctlPattern("net.a.y"), .equal("1")),
            ]))
        let assertions = RuleSet(DriftConfiguration(rules: [rule]))
            .assertions(for: NamespaceIdentity(name: "x"), table: table, declared: [:])
        #expect(assertions.map { $0.evaluate(readings) } == [.absent, .absent])
    }
}
