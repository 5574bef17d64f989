import Agent
import ArgumentParser
import CAllocations
import CBench
import Foundation
import NetnsCore
import NetnsSystem

/// Measures a collection in process, step by step.
struct PipelineWorker: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pipeline", shouldDisplay: false)

    @OptionGroup var load: LoadOptions

    func run() throws {
        var settings = EngineSettings()
        settings.threads = load.threads
        settings.sysctls = try load.selection()
        settings.deepInterval = 0
        settings.maximumNamespaces = 20_000
        settings.descriptors = DescriptorBudget.raisingLimit().budget
        let programs = load.engine == "portable" ? nil : try KernelPrograms()
        let watch = load.engine == "watch" ? try WriteWatch() : nil
        try watch?.start(paths: settings.paths, ledger: ErrorLedger()) { _ in }
        let pipeline = try Pipeline(
            settings, load.collectors, rules: load.expectations ? Expectations.rules() : [], programs: programs,
            written: watch?.written)
        try serveCommands { command in
            switch command {
            case "collect": return try collect(pipeline)
            case "sysctls":
                let meter = Meter()
                let count = try pipeline.collectSysctls()
                guard count > load.count else { throw BenchError("only \(count) namespaces were read") }
                return ["sysctls": meter.cpuNanoseconds, "sysctlswall": meter.wallNanoseconds]
            case "decode": return try decode(pipeline)
            case "collectors":
                _ = try pipeline.collect()
                return Dictionary(uniqueKeysWithValues: pipeline.collectorSeconds.map { ($0.name, $0.seconds * 1e9) })
            default: return ["rss": Self.resident(of: getpid())]
            }
        }
    }

    private func collect(_ pipeline: Pipeline) throws -> [String: Double] {
        let before = Self.allocations()
        let meter = Meter()
        let count = try pipeline.collect()
        let collected = meter.cpuNanoseconds
        guard count > load.count else { throw BenchError("only \(count) of \(load.count + 1) namespaces were read") }
        let middle = Self.allocations()
        let bytes = pipeline.encode()
        let encoded = meter.cpuNanoseconds
        let wall = meter.wallNanoseconds
        let after = Self.allocations()
        let compressed = try pipeline.compress()
        let discover = pipeline.discoverySeconds * 1e9
        let evaluate = pipeline.evaluationSeconds * 1e9
        return [
            "discover": discover, "visit": collected - discover - evaluate, "evaluate": evaluate,
            "encode": encoded - collected,
            "compress": meter.cpuNanoseconds - encoded, "wall": wall, "bytes": Double(bytes),
            "gzipbytes": Double(compressed), "samples": Double(pipeline.samples),
            "allocations": after.count - before.count, "allocated": after.bytes - before.bytes,
            "encodeallocations": after.count - middle.count,
        ]
    }

    /// The decoders alone, on what was read: every sysctl value, and one namespace's link dump once for each namespace.
    private func decode(_ pipeline: Pipeline) throws -> [String: Double] {
        let dump = Dump()
        let path = "/run/netns/\(load.prefix)1"
        let thread = try NativeThread("capture") {
            var buffer = [CChar](repeating: 0, count: 65536)
            let length = bench_capture_links(path, &buffer, buffer.count)
            dump.bytes = buffer.prefix(max(Int(length), 0)).map { UInt8(bitPattern: $0) }
        }
        thread.join()
        var links: [Link] = []
        let meter = Meter()
        _ = pipeline.decodeSysctlsAgain()
        for _ in 0..<load.count {
            links.removeAll(keepingCapacity: true)
            try NetlinkDecoding.forEachMessage(in: dump.bytes.span.bytes) {
                (header, payload) throws(NetlinkDecodingError) in
                if header.type == 16 { links.append(try Link(decoding: payload)) }
                return .next
            }
        }
        return ["decode": meter.cpuNanoseconds]
    }

    /// Written by the thread before it is joined, read after.
    private final class Dump: @unchecked Sendable {
        var bytes: [UInt8] = []
    }

    private static func allocations() -> (count: Double, bytes: Double) {
        var count: UInt64 = 0
        var bytes: UInt64 = 0
        allocations_counted(&count, &bytes)
        return (Double(count), Double(bytes))
    }

    /// VmRSS of a process, bytes.
    static func resident(of pid: Int32) -> Double {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return (Double(line.split(separator: " ").dropFirst().first ?? "0") ?? 0) * 1024
        }
        return 0
    }
}
