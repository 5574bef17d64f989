import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Every sysctl of one namespace.
    @Suite struct SysctlSurveyTests {
        private static let time = SysctlName(components: ["net", "ipv4", "tcp_keepalive_time"])

        @Test func aFreshNamespaceHasTheKernelsDefaults() throws {
            let fresh = try SysctlSurvey.fresh()
            #expect(fresh.text(of: Self.time) == "7200")
            #expect(fresh.values.count > 300)
            #expect(try #require(fresh.values[Self.time]).isWritable)
            #expect(fresh.values.keys.contains { $0.dotted == "net.ipv4.conf.lo.rp_filter" })
            #expect(try eventually { try foreignHolds().isEmpty ? true : nil } == true)
        }

        @Test func theValuesAreThoseThatCatShows() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "611")
            try namespace.set("net/ipv4/tcp_rmem", "4096 100000 200000")
            try namespace.check("ip", "link", "add", "a.b", "type", "veth", "peer", "name", "c")
            let survey = try SysctlSurvey.at(namespace.path)
            #expect(survey.text(of: Self.time) == "611")
            #expect(survey.text(of: try SysctlName("net.ipv4.tcp_rmem")) == "4096 100000 200000")
            #expect(survey.text(of: try SysctlName("net.ipv4.conf.a/b.rp_filter")) != nil)
            let files = try namespace.check("sh", "-c", "find /proc/sys/net -type f | wc -l")
            #expect(Int(files.filter(\.isNumber)) == survey.values.count)
        }

        @Test func keysAndCommandsAreNotRead() throws {
            let survey = try SysctlSurvey.fresh()
            for name in ["net.ipv4.tcp_fastopen_key", "net.ipv4.route.flush", "net.ipv6.conf.all.stable_secret"] {
                guard let entry = survey.values[try SysctlName(name)] else { continue }
                #expect(entry.value == .secret, "\(name)")
                #expect(entry.mode & 0o004 == 0)
            }
            #expect(survey.values[try SysctlName("net.ipv4.tcp_fastopen_key")] != nil)
        }

        @Test func whatIsNoNamespace() throws {
            #expect(throws: SystemError.self) { try SysctlSurvey.at("/etc/passwd") }
            #expect(throws: SystemError.self) { try SysctlSurvey.at("/nonexistent") }
            #expect(throws: SystemError.self) { try SysctlSurvey.at("/proc/thread-self/ns/mnt") }
            #expect(throws: SystemError.self) { try SysctlSurvey.at("/dev/zero") }
        }

        @Test func anEnginesNamespaceAndTheHosts() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "612")
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect(.links)
            let sample = try #require(engine[namespace.inode])
            #expect(try SysctlSurvey.of(sample, paths: SystemPaths()).text(of: Self.time) == "612")
            try namespace.delete()
            #expect(throws: SystemError.self) { try SysctlSurvey.of(sample, paths: SystemPaths()) }
            let host = try SysctlSurvey.current()
            #expect(host.values.count > sample.sysctls.readings.count)
        }
    }
}

/// What of this process holds a network namespace that is not its own: threads in it, descriptors of it.
private func foreignHolds() throws -> [String] {
    let files = FileManager.default
    let own = try files.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
    var links = try files.contentsOfDirectory(atPath: "/proc/self/fd").map { "/proc/self/fd/\($0)" }
    links += try files.contentsOfDirectory(atPath: "/proc/self/task").map { "/proc/self/task/\($0)/ns/net" }
    return links.compactMap { try? files.destinationOfSymbolicLink(atPath: $0) }
        .filter { $0.hasPrefix("net:[") && $0 != own }
}
