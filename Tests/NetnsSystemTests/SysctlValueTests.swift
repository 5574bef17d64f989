import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

/// What a descriptor budget lets the reader do.
enum DescriptorMode: String, CaseIterable, Codable, Sendable {
    case files, someFiles, directories, nothing

    func budget(namespaces: Int) -> DescriptorBudget {
        let table = EngineSettings().sysctls.table()
        return switch self {
        case .files: DescriptorBudget(total: 10_000)
        case .someFiles: DescriptorBudget(total: namespaces * (table.directories.count + 7))
        case .directories: DescriptorBudget(total: namespaces * table.directories.count)
        case .nothing: DescriptorBudget(total: 0)
        }
    }
}

extension NamedNamespace {
    /// Sysctls as `cat` shows them inside: NAME=VALUE, or `NAME: absent`.
    func readings(of names: [SysctlName]) throws -> [String] {
        let paths = names.map { $0.components.joined(separator: "/") }
        let script = """
            cd /proc/sys
            for f; do
                if [ -e "$f" ]; then printf '%s\\n' "$(cat "$f")"; else echo absent; fi
            done
            """
        let result = try Command.run(["ip", "netns", "exec", name, "sh", "-c", script, "sh"] + paths)
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        return zip(names, lines).map { $1 == "absent" ? "\($0): absent" : "\($0)=\($1)" }
    }

    /// Gives a few sysctls random values.
    func randomise() throws {
        var values: [(String, String)] = []
        for path in ["tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_fin_timeout"] {
            values.append(("ipv4/\(path)", "\(Int.random(in: 1...120))"))
        }
        values.append(("core/somaxconn", "\(Int.random(in: 1...65535))"))
        values.append(("ipv4/tcp_rmem", "4096 \(Int.random(in: 5000...9999)) \(Int.random(in: 10_000...6_291_456))"))
        values.append(("ipv4/ip_local_port_range", "\(Int.random(in: 1025...2000)) \(Int.random(in: 3000...60_000))"))
        values.append(("ipv4/conf/all/rp_filter", "\(Int.random(in: 0...2))"))
        values.append(("ipv6/conf/default/accept_ra", "\(Int.random(in: 0...2))"))
        let ports = "\(Int.random(in: 1...99)),200-\(Int.random(in: 201...999))"
        values.append(("ipv4/ip_local_reserved_ports", ports))
        let script = values.map { "echo '\($0.1)' > /proc/sys/net/\($0.0)" }.joined(separator: "\n")
        try check("sh", "-ec", script)
    }
}

extension KernelTests {
    @Suite struct SysctlValueTests {
        private let names = BuiltinSysctls.names

        /// Every value is what `cat` says inside, however it is read.
        @Test(arguments: DescriptorMode.allCases, [1, 2])
        func asCatReadsThem(_ mode: DescriptorMode, threads: Int) throws {
            let namespaces = try (0..<3).map { _ in try NamedNamespace() }
            let engine = try EngineUnderTest(namespaces.map(\.name)) {
                $0.descriptors = mode.budget(namespaces: 3)
                $0.threads = threads
            }
            for _ in 0..<3 {
                for namespace in namespaces { try namespace.randomise() }
                let report = try engine.collect(.sysctls)
                #expect(report.sysctls.attempts == 3)
                #expect(report.sysctls.failures == 0)
                for namespace in namespaces {
                    let sample = try #require(engine[namespace.inode])
                    let expected = try namespace.readings(of: names)
                    #expect(sample.allReadings.count == expected.count)
                    for (reading, expected) in zip(sample.allReadings, expected) { #expect(reading == expected) }
                    #expect(sample.hasSysctls && !sample.hasLinks)
                }
                switch mode {
                case .files: #expect(report.keptDescriptors > 3 * 50)
                case .someFiles: #expect(report.keptDescriptors > 3)
                case .directories, .nothing: break
                }
            }
            #expect(engine.ledger.entries.isEmpty)
        }

        /// In a process of its own: what is open below /proc/sys never exceeds the budget, while namespaces come and go.
        @Test(arguments: DescriptorMode.allCases, [false, true])
        func theBudget(_ mode: DescriptorMode, withPatterns: Bool) async throws {
            let namespaces = try (0..<8).map { _ in try NamedNamespace() }
            let names = namespaces.map(\.name)
            await #expect(processExitsWith: .success) {
                [names = names as [String], mode = mode as DescriptorMode, withPatterns = withPatterns as Bool] in
                let directory = try TemporaryDirectory()
                let budget = mode.budget(namespaces: 5)
                let patterns = ["net.ipv4.conf.*.rp_filter", "net.ipv6.conf.*.accept_ra", "net.core.*", "net.unix.*"]
                let engine = try EngineUnderTest(["n*"]) {
                    $0.paths.namedNamespaces = directory.path
                    $0.descriptors = budget
                    $0.threads = 2
                    if withPatterns {
                        $0.sysctls = SysctlSelection(
                            builtin: true, include: try patterns.map { try SysctlPattern($0) }, exclude: [])
                    }
                    $0.exclude = [Glob("net:*"), Glob("nt*")]
                }
                var readings: [String: [String]] = [:]
                func check(_ count: Int) throws {
                    try engine.collect(.sysctls)
                    #expect(engine.namespaces.count == count)
                    #expect(OpenDescriptors.sysctls() <= budget.total)
                    for sample in engine.namespaces {
                        #expect(readings[sample.name, default: sample.allReadings] == sample.allReadings)
                        readings[sample.name] = sample.allReadings
                    }
                }
                for (index, name) in names.enumerated() {
                    try directory.mount("/run/netns/\(name)", as: "n\(index)")
                    try check(index + 1)
                }
                for index in names.indices.dropLast() {
                    try Command.check("umount", "\(directory.path)/n\(index)")
                    try check(names.count - index - 1)
                }
                // Alone it has all the room again.
                if mode == .files || mode == .someFiles { #expect(OpenDescriptors.sysctls() > 25) }
            }
        }

        @Test func longValues() throws {
            let namespace = try NamedNamespace()
            let name = "net.ipv4.ip_local_reserved_ports"
            let engine = try EngineUnderTest([namespace.name])
            for count in [20, 24, 30, 200, 780, 0] {
                // Five bytes and a comma each; not adjacent, or they would become a range.
                let value = (0..<count).map { String(10_001 + 2 * $0) }.joined(separator: ",")
                try namespace.set("net/ipv4/ip_local_reserved_ports", value.isEmpty ? "\n" : value)
                if count == 780 {
                    try #require(value.utf8.count > SysctlReadings.maximumLength)
                    for round in 1...2 {
                        try engine.collect(.sysctls)
                        let sample = try #require(engine[namespace.inode])
                        #expect(sample.state(name) == .tooLong)
                        #expect(sample.value(name) == nil)
                        #expect(engine.errors("sysctl", "too_long") == UInt64(round))
                        #expect(sample.value("net.ipv4.tcp_keepalive_time") == "7200")
                    }
                } else {
                    try engine.collect(.sysctls)
                    #expect(engine[namespace.inode]?.value(name) == value)
                }
            }
        }

        /// Buffers end at 128 and 4096 bytes: values as long as that, and one shorter and longer.
        @Test(arguments: [126, 127, 128, 129, 4094, 4095, 4096, 4097])
        func lengthsAtTheBuffersEnds(_ length: Int) throws {
            let namespace = try NamedNamespace()
            // The value ends in a line feed; numbers of 2 to 5 digits make any length.
            var value = ""
            var port = 11
            while value.utf8.count < length {
                let rest = length - value.utf8.count
                if rest == 6 { port = max(port, 101) }
                let next = "\(port)"
                if rest < next.utf8.count { break }
                let left = rest - next.utf8.count
                value += next + (left > 0 ? "," : "")
                port += 2
                if port > 97, port < 10_001 { port = 10_001 }
            }
            try namespace.set(
                "net/ipv4/ip_local_reserved_ports", value.hasSuffix(",") ? String(value.dropLast()) : value)
            let expected = try namespace.get("net/ipv4/ip_local_reserved_ports")
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect(.sysctls)
            let sample = try #require(engine[namespace.inode])
            if expected.utf8.count > SysctlReadings.maximumLength {
                #expect(sample.state("net.ipv4.ip_local_reserved_ports") == .tooLong)
            } else {
                #expect(sample.value("net.ipv4.ip_local_reserved_ports") == expected)
            }
        }
    }
}
