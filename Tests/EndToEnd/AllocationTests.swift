import Foundation
import TestSupport
import Testing

/// In steady state (the same namespaces, the same links) a scrape allocates nothing for a series: four namespaces, and the
/// same with 25 times the links, 13 times the sysctls, or ten times the namespaces, also with 30 expectations each that
/// are met, allocate the same few times.
@Suite(.serialized, .needs(.root, .environment("NETDRIFT_BENCH"), .tool("ip"))) struct AllocationTests {
    @Test func aScrapeAllocatesNothingForASeries() throws {
        let bench = try #require(ProcessInfo.processInfo.environment["NETDRIFT_BENCH"])
        let output = try Command.check(bench, "allocations", "--prefix", "al\(getpid() % 10000)")
        let worlds = try output.split(separator: "\n").map { line in
            let match = try #require(try /(\w+) allocations=(\d+) samples=(\d+)/.wholeMatch(in: line), "\(line)")
            return (name: match.1, allocations: try #require(Int(match.2)), samples: try #require(Int(match.3)))
        }
        #expect(worlds.map(\.name) == ["base", "links", "sysctls", "namespaces", "expectations"])
        let base = try #require(worlds.first)
        #expect(base.samples > 200)
        for world in worlds.dropFirst() {
            #expect(world.samples > base.samples + 200)
            // A few more, for a table that is a size larger; one a series would be hundreds.
            #expect(world.allocations <= base.allocations + 20, "\(output)")
        }
    }
}

/// What matches is compared in place: 3,000 namespaces with 30 expectations each allocate no more than one does.
@Suite(.needs(.environment("NETDRIFT_BENCH"))) struct EvaluationTests {
    @Test func anEvaluationThatMatchesAllocatesNothing() throws {
        let bench = try #require(ProcessInfo.processInfo.environment["NETDRIFT_BENCH"])
        let output = try Command.check(bench, "evaluation")
        let pattern = /evaluations=(\d+) matched=(\d+) allocations=(\d+) nanoseconds=\d+\n/
        let match = try #require(try pattern.wholeMatch(in: output), "\(output)")
        #expect(try #require(Int(match.1)) >= 3000 * 29)
        #expect(match.1 == match.2)
        // What measuring itself allocates.
        #expect(try #require(Int(match.3)) < 10, "\(output)")
    }
}
