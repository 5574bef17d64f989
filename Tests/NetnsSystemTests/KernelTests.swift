import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

/// Tests on the real kernel, in namespaces of their own. One at a time: they share a host, and each sees all of it.
@Suite(.serialized, .needs(.root)) enum KernelTests {}

/// An engine under test, with its ledger.
struct EngineUnderTest {
    let engine: PortableEngine
    let ledger = ErrorLedger()

    /// An engine of namespaces whose names match one of `include` (all when there are none), without deep scans.
    ///
    /// With `asksKernel`, by the BPF programs.
    init(_ include: [String] = [], asksKernel: Bool = false, _ change: (inout EngineSettings) throws -> Void = { _ in })
        throws
    {
        var settings = EngineSettings()
        settings.include = include.map { Glob($0) }
        settings.deepInterval = 0
        // Foundation's Process.run, which starts the tests' programs, crashes with some 1,360 open descriptors.
        settings.descriptors = DescriptorBudget(total: 400)
        try change(&settings)
        engine = try PortableEngine(settings, ledger: ledger, programs: asksKernel ? try KernelPrograms() : nil)
    }

    @discardableResult
    func collect(_ parts: CollectionParts = .all, until deadline: Instant? = nil) throws -> CollectionReport {
        try engine.collect(parts, until: deadline)
    }

    var namespaces: [NamespaceSample] { engine.namespaces }

    var names: [String] { engine.namespaces.map(\.name) }

    /// The namespace with this inode in the last collection.
    subscript(inode: UInt64) -> NamespaceSample? { engine.namespaces.first { $0.inode == inode } }

    /// What was counted for an operation and a reason.
    func errors(_ operation: String, _ reason: String) -> UInt64 {
        ledger.entries.first { $0.key.operation == operation && $0.key.reason == reason }?.count ?? 0
    }
}

extension NamespaceSample {
    /// A value as it was read, nil when it was not.
    func value(_ sysctl: String) -> String? { sysctls.value(of: sysctl) }

    /// Every reading, as `NAME=VALUE`, byte for byte, or `NAME: STATE`.
    var allReadings: [String] {
        sysctls.readings.indices.map { index in
            let name = sysctls.table.entries[index].name
            guard case .value = sysctls.readings[index].state else {
                return "\(name): \(sysctls.readings[index].state)"
            }
            return sysctls.withValue(at: index) { value in
                "\(name)=" + String(decoding: value.indices.map { value[$0] }, as: UTF8.self)
            }
        }
    }

    func state(_ sysctl: String) -> SysctlReadings.State? {
        zip(sysctls.table.entries, sysctls.readings).first { $0.0.name.dotted == sysctl }?.1.state
    }

    func link(_ name: String) -> Link? { links.first { $0.name.description == name } }
}

/// What this process has open.
enum OpenDescriptors {
    /// The targets of /proc/self/fd: `net:[4026531840]`, `socket:[1]`, paths.
    static func targets() -> [String] {
        let directory = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)") }
    }

    /// Those that keep a namespace alive.
    static func holding() -> Int { targets().count { $0.hasPrefix("net:[") || $0.hasPrefix("socket:[") } }

    /// Those below /proc/sys.
    static func sysctls() -> Int { targets().count { $0.hasPrefix("/proc/sys/") } }
}

/// The inode of the network namespace at a path of procfs.
func namespaceInode(_ path: String) throws -> UInt64 { try NamedNamespace.inode(of: path) }

/// A glob for the name of a namespace that nothing names.
func anonymous(_ inode: UInt64) -> String { "net:\\[\(inode)\\]*" }

/// Two ends of a veth, one in each of two namespaces.
func makeVeth(_ name: String, in first: NamedNamespace, to peer: String, in second: NamedNamespace) throws {
    try Command.check(
        "ip", "-n", first.name, "link", "add", name, "type", "veth", "peer", "name", peer, "netns", second.name)
}

/// An empty directory that goes with its owner, and what is mounted in it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = "/tmp/netdrift-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            _ = try? Command.run(["umount", "-l", "\(path)/\(name)"])
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Mounts the namespace at `source` on a new file.
    func mount(_ source: String, as name: String) throws {
        guard FileManager.default.createFile(atPath: "\(path)/\(name)", contents: nil) else {
            throw CocoaError(.fileWriteUnknown)
        }
        try Command.check("mount", "--bind", source, "\(path)/\(name)")
    }
}
