import NetnsSystem
import TestSupport
import Testing

@testable import Agent
@testable import Exposition
@testable import NetnsCore

/// How a collector of files is tried: on texts, and on a real namespace.
extension FileCollector {
    /// What it writes, without the label `netns`, of the host with these files, by their names in /proc/net.
    static func lines(_ files: [String: String]) throws -> [String] {
        let sample = try Samples.namespace("host", inode: 1, isHost: true)
        Samples.read(files, for: Self.self, into: sample)
        return try written(try Stage([sample]))
    }

    /// What it writes, without the label `netns`, of a namespace that the engine enters now.
    static func lines(of namespace: NamedNamespace) throws -> [String] {
        var settings = EngineSettings()
        settings.include = [Glob(namespace.name)]
        settings.deepInterval = 0
        settings.descriptors = DescriptorBudget(total: 100)
        settings.sources = fileCollectors.map { $0.engineSource }
        let engine = try PortableEngine(settings, ledger: ErrorLedger())
        let report = try engine.collect(parts, until: nil)
        #expect(report.sources.allSatisfy { $0.failures == 0 })
        let sample = try #require(engine.namespaces.first { $0.inode == namespace.inode })
        return try written(try Stage([sample]))
    }

    private static func written(_ stage: Stage) throws -> [String] {
        let families = Set(Self().emitters.map(\.family.name))
        return try stage.expose(.text, [CollectorName(Self.self)]).samples
            .filter { line in families.contains(String(line.prefix { $0 != "{" })) }
            .map { String($0).replacing(/\{netns="[^"]*",?/, with: "{").replacing("{}", with: "") }
    }
}

extension Samples {
    /// Gives a namespace what a collector reads in these texts, each under its name in /proc/net.
    static func read<Files: FileCollector>(
        _ files: [String: String], for collector: Files.Type, into sample: NamespaceSample
    ) {
        let sources = fileCollectors.map { $0.engineSource }
        for (index, source) in sources.enumerated() where source.name == collector.source.name {
            let reading = sample.reading(at: index, of: sources)
            source.begin(reading)
            for file in source.files {
                guard let text = files[file].map({ Array($0.utf8) }) else { continue }
                unsafe source.read(text.span.bytes, of: file, into: reading)
            }
            reading.wasRead = true
        }
    }
}
