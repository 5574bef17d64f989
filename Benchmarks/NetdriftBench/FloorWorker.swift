import Agent
import ArgumentParser
import CBench
import Foundation
import NetnsCore
import NetnsSystem

/// Measures the bare system calls, in the reading mode that netdrift would be in: the same files and directories kept.
struct FloorWorker: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "floor", shouldDisplay: false)

    @OptionGroup var load: LoadOptions
    @Option var naive = 20

    func run() throws {
        let table = try load.selection().table()
        let (budget, _) = DescriptorBudget.raisingLimit()
        // The host is one more.
        let share = DescriptorBudget.Share(
            allowance: budget.allowance(position: load.count, of: load.count + 1),
            directories: table.directories.count, files: table.entries.count)
        let failure = Failure()
        let load = load
        let naive = naive
        // On a thread that does nothing else: it ends in a foreign namespace.
        let thread = try NativeThread("floor") {
            do { try Self.serve(table, share, load, naive) } catch { failure.error = "\(error)" }
        }
        thread.join()
        if let error = failure.error { throw BenchError(error) }
    }

    /// Written by the thread before it is joined, read after.
    private final class Failure: @unchecked Sendable {
        var error: String?
    }

    private static func serve(
        _ table: SysctlTable, _ share: DescriptorBudget.Share, _ load: LoadOptions, _ naive: Int
    ) throws {
        // Memory of the world is never freed: the process ends with the measurement.
        let directories = table.directories.map { path in
            UnsafePointer(
                strdup("/proc/sys/" + String(decoding: path.dropLast().map(UInt8.init), as: UTF8.self)))
        }
        let sysctls = table.entries.map { entry in
            let full = "/proc/sys/" + entry.name.components.joined(separator: "/")
            let relative = entry.name.components.dropFirst(entry.name.components.count > 2 ? 2 : 1)
                .joined(separator: "/")
            return bench_sysctl(
                directory: Int32(entry.directory), relative: strdup(relative), full: strdup(full))
        }
        // The host's own is part of every collection, with all its veths: last, since the naive way takes the first few.
        let paths = (1...load.count).map { "/run/netns/\(load.prefix)\($0)" } + ["/proc/self/ns/net"]
        let namespaces = paths.map { path in
            bench_namespace(
                path: strdup(path),
                directories: filled(table.directories.count), files: filled(table.entries.count))
        }
        try serve(
            bench_world(
                namespaces: copy(namespaces), namespace_count: Int32(namespaces.count), sysctls: copy(sysctls),
                sysctl_count: Int32(sysctls.count), directories: copy(directories),
                directory_count: Int32(directories.count), defaults: load.collectors == .basic ? 0 : 1),
            ranks: table.keepRank.map(Int32.init), files: Int32(share.files),
            directoryRanks: table.directoryRank.map(Int32.init), directories: Int32(share.directories),
            naive: Int32(min(naive, load.count)))
    }

    private static func serve(
        _ world: bench_world, ranks: [Int32], files: Int32, directoryRanks: [Int32], directories: Int32, naive: Int32
    ) throws {
        var world = world
        let prepared = bench_prepare(&world, ranks, files, directoryRanks, directories)
        guard prepared == 0 else { throw BenchError("the floor cannot be prepared: errno \(-prepared)") }
        defer { bench_release(&world) }
        try serveCommands { command in
            let meter = Meter()
            let result = command == "naive" ? bench_naive(&world, naive) : bench_floor(&world)
            guard result >= 0 else { throw BenchError("\(command) failed: errno \(-result)") }
            // The naive way is measured in some namespaces: its cost is given for one.
            let scale = command == "naive" ? 1 / Double(naive) : 1
            return [
                "cpu": meter.cpuNanoseconds * scale, "wall": meter.wallNanoseconds * scale, "bytes": Double(result),
            ]
        }
    }

    private static func filled(_ count: Int) -> UnsafeMutablePointer<Int32> {
        let memory = UnsafeMutablePointer<Int32>.allocate(capacity: count)
        memory.initialize(repeating: -1, count: count)
        return memory
    }

    private static func copy<T>(_ array: [T]) -> UnsafeMutablePointer<T> {
        let memory = UnsafeMutablePointer<T>.allocate(capacity: array.count)
        memory.initialize(from: array, count: array.count)
        return memory
    }
}
