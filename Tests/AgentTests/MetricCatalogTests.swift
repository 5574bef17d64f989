import Foundation
import NetnsSystem
import Testing

@testable import Agent
@testable import Exposition

/// docs/metrics.md and what `netdrift metrics` says.
@Suite struct MetricCatalogTests {
    @Test func theDocumentIsWhatTheProgramSays() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let document = root.appendingPathComponent("docs/metrics.md")
        let text = MetricCatalog().markdown
        if ProcessInfo.processInfo.environment["NETDRIFT_UPDATE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: document)
        }
        #expect(
            try String(contentsOf: document, encoding: .utf8) == text,
            "docs/metrics.md is old: netdrift metrics --markdown writes it")
    }

    /// A sample has only labels that are declared, in their order.
    @Test func samplesHaveTheirLabels() throws {
        let stage = try Stage(try Samples.three())
        stage.state.ledger.count("links", "EBADMSG")
        let text = try stage.expose()
        let declared = Dictionary(
            uniqueKeysWithValues: everyCollector(stage.state, mib: Samples.mib).flatMap(\.emitters).map {
                ($0.family.name, $0.labels)
            })
        let expression = /([a-z_]+)="(?:[^"\\]|\\.)*"/
        for line in text.samples {
            let name = String(line.prefix { $0 != "{" && $0 != " " })
            let labels = line.dropFirst(name.count).matches(of: expression).map { String($0.output.1) }
            let known = try #require(declared[name], "\(name)")
            #expect(known.filter { labels.contains($0) } == labels, "\(line)")
            #expect(labels.isEmpty == known.isEmpty, "\(line)")
        }
    }

    @Test func everyFamilyIsThereOnce() {
        let catalog = MetricCatalog()
        let names = catalog.sections.flatMap { $0.emitters.map(\.family.name) }
        #expect(Set(names).count == names.count && names.count > 150)
        #expect(catalog.text.split(separator: "\n").count == names.count + 1)
        #expect(catalog.text.split(separator: "\n").allSatisfy { $0.split(separator: "\t").count == 5 })
        #expect(Set(catalog.sections.compactMap(\.collector)) == Set(CollectorName.allCases.map(\.rawValue)))
    }
}
