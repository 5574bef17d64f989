import Foundation
import NetnsCore
import NetnsSystem
import Testing
import Web

@testable import Agent
@testable import Exposition

/// The whole output for three namespaces against Golden/. After a change that is meant, run the tests with
/// NETDRIFT_UPDATE_GOLDEN=1 and look at what git says of the files.
@Suite struct GoldenTests {
    /// Left out of the files, since they are not the samples': what the agent uses of this machine (`process_*`) and its
    /// version. All other values are given by the fake engine.
    private static func isCompared(_ line: Substring) -> Bool {
        let names = ["process_", "netdrift_build_"]
        let words = line.split(separator: " ")
        let name = line.hasPrefix("# ") && words.count > 2 ? words[2] : words.first ?? ""
        return !names.contains { name.hasPrefix($0) }
    }

    private static func stage() throws -> Stage {
        // Of the collectors of files one stands for all: another is tried by its own test.
        let others = fileCollectors.map { CollectorName($0) }.filter { $0.rawValue != "softnet" }
        let stage = try Stage(try Samples.three(), enabled: Set(CollectorName.allCases).subtracting(others))
        stage.engine.report.discoverySeconds = 0.0125
        stage.engine.report.sysctls.seconds = 0.5
        stage.engine.report.sysctls.attempts = 3
        stage.engine.report.links.seconds = 0.25
        stage.engine.report.links.attempts = 3
        stage.engine.report.links.failures = 3
        stage.engine.report.leftOutByDeadline = 1
        stage.engine.report.leftOutByLimit = 2
        stage.engine.report.unreachable = 3
        stage.engine.report.deniedProcesses = 4
        stage.engine.report.keptDescriptors = 1234
        var findings = DeepFindings()
        findings.denied = 5
        findings.socketsDenied = 6
        findings.duration = 0.75
        findings.finished = 1_700_000_001.5
        stage.engine.report.deepScan = findings
        stage.state.ledger.count("sysctl", "EACCES")
        stage.state.ledger.count("links", "EBADMSG")
        stage.state.ledger.count("sysctl", "EACCES")
        return stage
    }

    private static func golden(_ name: String) throws -> String {
        String(
            decoding: try Data(contentsOf: Bundle.module.bundleURL.appendingPathComponent("Golden/\(name)")),
            as: UTF8.self)
    }

    @Test(arguments: [(ExpositionFormat.text, "three.prom"), (.openMetrics, "three.om")])
    func wholeOutput(_ format: ExpositionFormat, _ name: String) throws {
        let text = try Self.stage().expose(format)
        let compared = text.split(separator: "\n", omittingEmptySubsequences: false).filter(Self.isCompared)
            .joined(separator: "\n")
        if ProcessInfo.processInfo.environment["NETDRIFT_UPDATE_GOLDEN"] == "1" {
            let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            try Data(compared.utf8).write(to: source.appendingPathComponent("Golden/\(name)"))
            return
        }
        let lines = compared.split(separator: "\n", omittingEmptySubsequences: false)
        let expected = try Self.golden(name).split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines.difference(from: expected) { Issue.record("\(name): \(line)") }
    }

    /// The family names of `# TYPE` lines, in their order.
    private static func families(_ text: String) -> [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) }
    }

    @Test func bothFormatsHoldTheSameSamples() throws {
        let stage = try Self.stage()
        let text = try stage.expose(.text)
        let open = try stage.render(.openMetrics)
        let draft = try stage.render(.openMetricsDraft)
        #expect(text.samples == open.samples)
        #expect(open == draft)
        #expect(text.samples.count > 250)
        #expect(open.hasSuffix("\n# EOF\n"))
        #expect(!text.contains("# EOF"))
    }

    @Test(arguments: [ExpositionFormat.text, .openMetrics])
    func familiesAreSortedAndEachIsThereOnce(_ format: ExpositionFormat) throws {
        let text = try Self.stage().expose(format)
        let families = Self.families(text)
        #expect(Set(families).count == families.count)
        if format == .text { #expect(families == families.sorted()) }
        #expect(families.count > 50)
        let helps = text.split(separator: "\n").filter { $0.hasPrefix("# HELP ") }.map { $0.split(separator: " ")[2] }
        #expect(helps.map(String.init) == families)
    }

    /// Every sample stands below its own family's header, and no series is there twice.
    @Test func seriesAreUniqueAndInTheirFamily() throws {
        let text = try Self.stage().expose(.text)
        var family = ""
        var seen: Set<Substring> = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") { family = String(line.split(separator: " ")[2]) }
            guard !line.hasPrefix("#"), let end = line.lastIndex(of: " ") else { continue }
            let series = line[..<end]
            #expect(series.prefix { $0 != "{" } == family)
            #expect(seen.insert(series).inserted)
        }
    }

    @Test func aSecondCollectionOfTheSameIsTheSame() throws {
        let stage = try Self.stage()
        let first = try stage.expose().split(separator: "\n").filter(Self.isCompared)
        let second = try stage.expose().split(separator: "\n").filter(Self.isCompared)
        let difference = zip(first, second).filter { $0 != $1 }.map(\.1)
        #expect(first.count == second.count)
        #expect(difference == ["netdrift_collections_total 2"])
    }

    @Test func compressedItIsTheSame() throws {
        let stage = try Self.stage()
        try stage.exposer.collect(stage.enabled, until: nil)
        let body = try stage.exposer.render(Exposer.Variant(format: .text, gzip: true), stage.enabled)
        let head = body.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0.prefix(3)) } }
        #expect(head == [0x1F, 0x8B, 8])
    }
}
