import ArgumentParser
import CAllocations
import NetnsCore

/// Counts the allocations of evaluating 30 expectations of every kind on values that match, in 3,000 namespaces' worth of
/// rounds, and says what one took. A test runs this, in an optimised build: without optimisation every closure allocates.
struct EvaluationCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluation", abstract: "Count the allocations of evaluating expectations that match.")

    @Option(help: "How often all are evaluated.") var rounds = 3000

    /// Sysctl, what is expected, and a value that is so.
    private static let cases: [(String, Expectation, String)] = [
        ("net.ipv4.a", .equal("600"), "600"), ("net.ipv4.b", .equal("bbr"), "bbr"),
        ("net.ipv4.c", .equal("4096 131072 6291456"), "4096\t131072\t6291456"),
        ("net.ipv4.d", .compare(.greaterOrEqual, SysctlNumber(magnitude: 4096)), "65536"),
        ("net.ipv4.e", .range(SysctlNumber(magnitude: 1)...SysctlNumber(magnitude: 9)), "5"),
        ("net.ipv4.f", .oneOf([.equal("bbr"), .equal("cubic")]), "cubic"), ("net.ipv4.g", .not(.equal("0")), "1"),
        ("net.ipv4.h", .tuple([.equal("1"), .compare(.greater, SysctlNumber(magnitude: 2))]), "1\t3"),
        ("net.ipv4.i", .sameAs(.host), "7200"), ("net.ipv4.ip_local_reserved_ports", .equal("5,1-3"), "1-3,5"),
    ]

    func run() throws {
        let cases =
            Self.cases + Self.cases + Self.cases.map { ($0.0 + "x", $0.1, $0.2) }.filter { $0.0.count < 20 }
            + [Self.cases[0]]
        let table = SysctlTable(try cases.map { try SysctlName($0.0) })
        var readings = SysctlReadings(table: table)
        for entry in table.entries {
            let value = cases.first { $0.0 == entry.name.dotted }?.2 ?? ""
            readings.append(value: value.utf8Span.span.bytes, isText: entry.isText)
        }
        let rules = try cases.enumerated().map { index, one in
            Rule(name: "r\(index)", content: .sysctls([.init(try SysctlPattern(one.0), one.1)]))
        }
        let assertions = RuleSet(DriftConfiguration(rules: rules))
            .assertions(for: NamespaceIdentity(name: "x"), table: table, declared: [:])
        let host = Array("7200".utf8)
        var history = SysctlHistory(table: table)
        history.update(readings) { _, _, _ in }
        var trackers = Array(repeating: DriftTracker(), count: assertions.count)
        var (before, after, bytes): (UInt64, UInt64, UInt64) = (0, 0, 0)
        var matched = 0
        let clock = ContinuousClock()
        allocations_counted(&before, &bytes)
        let took = clock.measure {
            for round in 0..<rounds {
                history.update(readings) { _, _, _ in }
                for (index, assertion) in assertions.enumerated() {
                    let state = assertion.evaluate(readings, reference: { _, compare in compare(host.span) })
                    guard let state else { continue }
                    if state == .matched { matched += 1 }
                    _ = trackers[index].update(state, changed: false, at: Double(round))
                }
            }
        }
        allocations_counted(&after, &bytes)
        let total = rounds * assertions.count
        let nanoseconds = Double(took.components.attoseconds) / 1e9 + Double(took.components.seconds) * 1e9
        print(
            "evaluations=\(total) matched=\(matched) allocations=\(after - before) "
                + "nanoseconds=\(Int(nanoseconds / Double(total)))")
    }
}
