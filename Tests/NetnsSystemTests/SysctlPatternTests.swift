import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    @Suite struct SysctlPatternTests {
        private func engine(
            _ namespace: NamedNamespace, _ include: [String], exclude: [String] = [], builtin: Bool = false,
            descriptors: Int = 10_000
        ) throws -> EngineUnderTest {
            try EngineUnderTest([namespace.name]) {
                $0.sysctls = SysctlSelection(
                    builtin: builtin, include: try include.map { try SysctlPattern($0) },
                    exclude: try exclude.map { try SysctlPattern($0) })
                $0.descriptors = DescriptorBudget(total: descriptors)
            }
        }

        private func sysctls(_ engine: EngineUnderTest) throws -> [String] {
            try engine.collect(.sysctls)
            return try #require(engine.namespaces.first).sysctls.table.entries.map { $0.name.dotted }
        }

        @Test(arguments: [0, 4, 10_000])
        func interfacesThatComeAndGo(descriptors: Int) throws {
            let namespace = try NamedNamespace()
            let engine = try engine(namespace, ["net.ipv4.conf.*.rp_filter"], descriptors: descriptors)
            #expect(
                try sysctls(engine)
                    == ["net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter", "net.ipv4.conf.lo.rp_filter"])
            try Command.check("ip", "-n", namespace.name, "link", "add", "br0", "type", "bridge")
            try namespace.set("net/ipv4/conf/br0/rp_filter", "2")
            #expect(try sysctls(engine).contains("net.ipv4.conf.br0.rp_filter"))
            let sample = try #require(engine.namespaces.first)
            #expect(sample.value("net.ipv4.conf.br0.rp_filter") == "2")
            #expect(sample.value("net.ipv4.conf.lo.rp_filter") == (try namespace.get("net/ipv4/conf/lo/rp_filter")))
            try Command.check("ip", "-n", namespace.name, "link", "set", "br0", "name", "br1")
            #expect(
                try sysctls(engine) == [
                    "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.br1.rp_filter", "net.ipv4.conf.default.rp_filter",
                    "net.ipv4.conf.lo.rp_filter",
                ])
            #expect(sample.value("net.ipv4.conf.br1.rp_filter") == "2")
            // Another interface of the same name is another interface.
            try Command.check("ip", "-n", namespace.name, "link", "del", "br1")
            try Command.check("ip", "-n", namespace.name, "link", "add", "br1", "type", "bridge")
            try namespace.set("net/ipv4/conf/br1/rp_filter", "1")
            #expect(try sysctls(engine).contains("net.ipv4.conf.br1.rp_filter"))
            #expect(sample.value("net.ipv4.conf.br1.rp_filter") == "1")
            try Command.check("ip", "-n", namespace.name, "link", "del", "br1")
            #expect(try sysctls(engine).count == 3)
            #expect(engine.ledger.entries.isEmpty)
        }

        @Test func interfaceNamesWithDotsAndOtherBytes() throws {
            let namespace = try NamedNamespace()
            try namespace.check(
                "sh", "-c",
                """
                for name in eth0.100 '[x]' 'q"\\' "$(printf 'a\\377b')"; do
                    ip link add name "$name" type bridge
                    echo 2 > "/proc/sys/net/ipv4/conf/$name/rp_filter"
                done
                """)
            let engine = try engine(namespace, ["net.ipv4.conf.*.rp_filter", "net.ipv4.conf.eth0/100.arp_ignore"])
            let names = try sysctls(engine)
            let sample = try #require(engine.namespaces.first)
            for name in ["eth0/100", "[x]", "q\"\\", "a\\xffb"] {
                #expect(names.contains("net.ipv4.conf.\(name).rp_filter"))
                #expect(sample.value("net.ipv4.conf.\(name).rp_filter") == "2")
            }
            #expect(sample.value("net.ipv4.conf.eth0/100.arp_ignore") == "0")
        }

        /// Secrets have mode 0600, commands 0200.
        @Test func whatIsNeverRead() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_fastopen_key", "0-1-2-3")
            let engine = try engine(
                namespace,
                [
                    "net.ipv4.tcp_*", "net.ipv6.conf.*.*", "net.ipv4.route.*", "net.ipv6.route.*",
                    "net.ipv4.tcp_fastopen_key", "net.ipv6.conf.all.stable_secret",
                ])
            let names = try sysctls(engine)
            let sample = try #require(engine.namespaces.first)
            #expect(names.contains("net.ipv4.tcp_fastopen"))
            #expect(names.contains("net.ipv6.conf.lo.mtu"))
            #expect(names.contains("net.ipv6.route.gc_timeout"))
            for word in ["tcp_fastopen_key", "stable_secret", "route.flush"] {
                #expect(!names.contains { $0.hasSuffix(word) })
            }
            #expect(!sample.allReadings.contains { $0.contains("00000000-00000001") })
            // What everybody may read, and what no module keeps back, is read.
            #expect(sample.sysctls.readings.allSatisfy { if case .value = $0.state { true } else { false } })
            let listed = try namespace.check("sh", "-c", "cd /proc/sys/net/ipv4; find . -name 'tcp_*' -perm -004")
                .split(separator: "\n").map { "net.ipv4.\($0.dropFirst(2))" }
            #expect(Set(names.filter { $0.hasPrefix("net.ipv4.tcp_") }) == Set(listed))
        }

        @Test func excluded() throws {
            let namespace = try NamedNamespace()
            let engine = try engine(
                namespace, ["net.ipv4.conf.*.rp_filter"],
                exclude: ["net.ipv4.conf.default.*", "net.ipv4.tcp_keepalive_*"], builtin: true)
            let names = try sysctls(engine)
            #expect(names.contains("net.ipv4.conf.lo.rp_filter"))
            #expect(names.contains("net.ipv4.tcp_fin_timeout"))
            #expect(!names.contains { $0.hasPrefix("net.ipv4.conf.default.") })
            #expect(!names.contains { $0.hasPrefix("net.ipv4.tcp_keepalive_") })
        }

        /// On a made-up procfs: directories full of files, which is what interfaces by the thousand are.
        @Test func moreThanAreRead() throws {
            let directory = try TemporaryDirectory()
            let files = FileManager.default
            let core = "\(directory.path)/sys/net/core"
            try files.createDirectory(atPath: core, withIntermediateDirectories: true)
            let names = (0..<SysctlExpansion.maximumEntries + 1).map { "e\($0)" }
            for name in names.dropLast() {
                #expect(files.createFile(atPath: "\(core)/\(name)", contents: nil))
            }
            let selection = SysctlSelection(builtin: false, include: [try SysctlPattern("net.core.*")], exclude: [])
            var expansion = SysctlExpansion(selection, pool: SysctlTablePool(), procfs: directory.path)
            let kept = KeptDescriptors()
            var found = expansion.table(kept: kept, declared: [], allowance: 0, round: 1)
            #expect(found.table.entries.count == SysctlExpansion.maximumEntries)
            #expect(!found.tooMany)
            #expect(files.createFile(atPath: "\(core)/\(names.last ?? "")", contents: nil))
            found = expansion.table(kept: kept, declared: [], allowance: 0, round: 2)
            #expect(found.table.entries.count == SysctlExpansion.maximumEntries)
            #expect(found.tooMany)
        }

        /// Namespaces with the same entries share a table; a table that no namespace needs is let go.
        @Test func tablesAreShared() throws {
            let namespaces = try (0..<3).map { _ in try NamedNamespace() }
            let engine = try EngineUnderTest(namespaces.map(\.name)) {
                $0.sysctls = SysctlSelection(
                    builtin: false, include: [try SysctlPattern("net.ipv4.conf.*.rp_filter")], exclude: [])
            }
            func tables() throws -> [ObjectIdentifier] {
                try engine.collect(.sysctls)
                return namespaces.compactMap { engine[$0.inode].map { ObjectIdentifier($0.sysctls.table) } }
            }
            #expect(Set(try tables()).count == 1)
            try Command.check("ip", "-n", namespaces[1].name, "link", "add", "br0", "type", "bridge")
            let ids = try tables()
            #expect(ids[0] == ids[2] && ids[0] != ids[1])
        }
    }
}
