import Agent
import ArgumentParser
import CAllocations
import Foundation
import NetnsCore
import NetnsSystem

/// Counts the allocations of a collection in steady state, in worlds that differ in one thing: when nothing is allocated
/// for a series, the numbers are the same. A test runs this, in an optimised build: without optimisation every closure
/// allocates.
struct AllocationCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allocations", abstract: "Count the allocations of a collection in worlds of different size.")

    @Option(help: "Prefix of the namespaces' names.") var prefix = "alloc"

    func run() throws {
        let few = try SysctlSelection(
            builtin: false, include: LoadOptions.compared.prefix(4).map { try SysctlPattern($0) }, exclude: [])
        let many = SysctlSelection(builtin: true, include: [], exclude: [])
        try print("base", count("b", namespaces: 4, pairs: 0, few))
        try print("links", count("l", namespaces: 4, pairs: 30, few))
        try print("sysctls", count("s", namespaces: 4, pairs: 0, many))
        try print("namespaces", count("n", namespaces: 40, pairs: 0, few))
        let compared = SysctlSelection(
            builtin: false, include: try LoadOptions.compared.map { try SysctlPattern($0) }, exclude: [])
        try print(
            "expectations", count("e", namespaces: 40, pairs: 0, compared, rules: Expectations.rules()))
    }

    private func print(_ name: String, _ result: (allocations: Int, samples: Int)) {
        Swift.print("\(name) allocations=\(result.allocations) samples=\(result.samples)")
    }

    /// The least of some collections: others' processes come and go meanwhile, and a new namespace is new.
    private func count(_ letter: String, namespaces: Int, pairs: Int, _ selection: SysctlSelection, rules: [Rule] = [])
        throws -> (allocations: Int, samples: Int)
    {
        // Names of its own: the veths of a namespace that was deleted go a moment later.
        let prefix = prefix + letter
        let world = try World(prefix: prefix, count: namespaces, more: pairs)
        defer { world.remove() }
        var settings = EngineSettings()
        settings.sysctls = selection
        settings.deepInterval = 0
        settings.include = [Glob(prefix + "*")]
        let pipeline = try Pipeline(settings, .all, rules: rules)
        var least = Int.max
        for round in 0..<12 {
            var before: UInt64 = 0
            var after: UInt64 = 0
            var bytes: UInt64 = 0
            allocations_counted(&before, &bytes)
            let found = try pipeline.collect()
            _ = pipeline.encode()
            allocations_counted(&after, &bytes)
            guard found == namespaces else { throw BenchError("found \(found) of \(namespaces) namespaces") }
            if round >= 2 { least = min(least, Int(after - before)) }
        }
        return (least, pipeline.samples)
    }
}
