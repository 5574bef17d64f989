import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `--engine`: which one runs, why, and that nobody can tell from what is measured.
    @Suite(.needs(.root, .bpf)) struct EngineTests {
        private static let least = [
            "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=+bpf,+perfmon",
            "--ambient-caps=+bpf,+perfmon", "--bounding-set=-all,+bpf,+perfmon",
        ]

        /// The binary where every user can read it.
        private func copy(in directory: TemporaryDirectory) throws -> String {
            let path = "\(directory.path)/netdrift"
            try FileManager.default.copyItem(atPath: AgentProcess.binary, toPath: path)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
            return path
        }

        /// The samples of a scrape that a still world does not change, and that are not the agent's own.
        private func samples(_ agent: AgentProcess) throws -> [String] {
            let body = try #require(try agent.get("/metrics").text)
            return body.split(separator: "\n").map(String.init)
                .filter { $0.hasPrefix("netns_") && !$0.hasPrefix("netns_first_seen") }
        }

        @Test("both engines give the same exposition of a still world", .needs(.tool("ip")))
        func sameExposition() throws {
            let wired = try (0..<3).map { try WiredNamespace(keepalive: 700 + $0) }
            // Neighbours are found and addresses become usable for some seconds after a link comes up.
            sleep(3)
            let flags =
                wired.map { "--discovery.include=\($0.name)" } + ["--collector.qdisc", "--collector.tcp"]
                // Which one of them hears.
                + ["--no-collector.writes"]
            let kernel = try AgentProcess(["--engine=bpf"] + flags)
            let portable = try AgentProcess(["--engine=portable"] + flags)
            let same = try eventually { () -> Bool? in
                let first = try samples(kernel)
                // The kernel counts a socket for a moment after it was closed: those of the one scrape in the other.
                usleep(200_000)
                return try first == samples(portable) ? true : nil
            }
            if same != true {
                let (one, other) = (try samples(kernel), try samples(portable))
                let change = other.difference(from: one)
                Issue.record("portable: \(change.insertions.prefix(20)), bpf: \(change.removals.prefix(20))")
            }
            let exposition = try kernel.scrape()
            #expect(exposition.value("netdrift_engine_info", ["engine": "bpf"]) == 1)
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: wired[2].name) == 702)
            #expect(exposition.series("netdrift_namespace_errors_total").isEmpty)
            #expect(
                try portable.scrape().value("netdrift_engine_info", ["engine": "portable", "reason": "not_wanted"]) == 1
            )
            // What is written the next moment is there at the next scrape.
            try wired[0].namespace.set("net/ipv4/tcp_keepalive_time", "799")
            #expect(try kernel.scrape().sysctl("net.ipv4.tcp_keepalive_time", in: wired[0].name) == 799)
        }

        @Test("as an ordinary user with CAP_BPF and CAP_PERFMON alone", .needs(.tool("setpriv"), .tool("ip")))
        func leastPrivilege() throws {
            let directory = try TemporaryDirectory()
            let binary = try copy(in: directory)
            let wired = try WiredNamespace(keepalive: 755)
            let file = try directory.write(
                "netdrift.yml",
                """
                expectations:
                  - rule: keepalive
                    namespaces: { name: "\(wired.name)" }
                    sysctls: { net.ipv4.tcp_keepalive_time: 600 }
                probes:
                  - name: quick
                    kind: icmp
                    target: 198.18.0.1
                    namespaces: { name: "\(wired.name)" }
                    interval: 200ms
                    timeout: 200ms
                """)
            let checked = try Command.run(Self.least + [binary, "check", "--config", file])
            #expect(checked.status == 1, "\(checked.errors)")
            #expect(checked.output.contains("\(wired.name)  net.ipv4.tcp_keepalive_time"))
            #expect(checked.output.contains("actual 755"))
            #expect(
                checked.errors.contains("CAP_SYS_ADMIN") && checked.errors.contains("declared"), "\(checked.errors)")

            let agent = try AgentProcess(
                [
                    "--discovery.include=\(wired.name)", "--discovery.include=host", "--collector.probe",
                    "--config.file=\(file)",
                ],
                prefix: Self.least, binary: binary)
            let exposition = try agent.scrape()
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: wired.name) == 755)
            #expect(
                exposition.series("netns_sysctl_drift", ["netns": wired.name, "rule": "keepalive"]).map {
                    exposition.samples[$0]
                } == ["1"])
            #expect(exposition.value("netdrift_engine_info", ["engine": "bpf"]) == 1)
            // What cannot be had is not made up, and the log says it once: of links there is all but the counters.
            let link = ["netns": wired.name, "device": "eth0"]
            #expect(exposition.value("netns_network_up", link) == 1)
            #expect(exposition.value("netns_network_mtu_bytes", link) == 1500)
            #expect(exposition.value("netns_network_carrier", link) == 1)
            #expect(exposition.series("netns_network_info", link).first?.labels["kind"] == "veth")
            #expect(
                exposition.series("netns_network_peer_info", link).first.map {
                    [$0.labels["peer_netns"], $0.labels["peer_device"]]
                } == ["host", wired.hostDevice])
            #expect(exposition.series("netns_network_receive_bytes_total", ["netns": wired.name]).isEmpty)
            #expect(!exposition.series("netns_network_receive_bytes_total", ["netns": "host"]).isEmpty)
            let listed = try Command.run(Self.least + [binary, "list", "--json"])
            let pair = #""peer_device":"\#(wired.hostDevice)""#
            #expect(listed.status == 0 && listed.output.replacing(" ", with: "").contains(pair), "\(listed.errors)")
            let warnings = agent.logLines.filter { $0.contains("level=warn") && !$0.contains("a sysctl drifted") }
            #expect(warnings.count == 1 && warnings[0].contains("CAP_SYS_ADMIN"), "\(warnings)")
            #expect(exposition.series("netdrift_namespace_errors_total", ["operation": "enter"]).isEmpty)
            // Nobody knows whether the namespace reaches anything: that the agent may not try is no failure of the namespace's.
            sleep(1)
            let later = try agent.scrape()
            #expect(later.series("netns_probe_success", ["netns": wired.name]).isEmpty)
            #expect(later.series("netns_probe_failures_total", ["netns": wired.name]).isEmpty)
            // It does not even try to enter. The echo requests of the host, which ping_group_range denies, are another matter.
            let entering = ["operation": "probe", "reason": "EPERM"]
            #expect(later.series("netdrift_namespace_errors_total", entering).isEmpty)
        }

        @Test(
            "without what it needs, the portable engine runs and says why", .needs(.tool("setpriv"), .tool("unshare")))
        func reasons() throws {
            func hiding(_ path: String) -> [String] {
                ["unshare", "--mount", "sh", "-c", "mount --bind /dev/null \(path) && exec \"$@\"", "sh"]
            }
            let listing = try Command.check("ldconfig", "-p")
            let library = try #require(
                listing.split(separator: "\n").first { $0.contains("libbpf.so.1") }?.split(separator: " ").last)
            for (prefix, reason) in [
                (hiding("$(readlink -f \(library))"), "no_libbpf"),
                (
                    ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys/kernel/btf && exec \"$@\"", "sh"],
                    "no_btf"
                ),
                (["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin"], "missing_capability"),
            ] {
                let agent = try AgentProcess(["--discovery.include=host"], prefix: prefix)
                let exposition = try agent.scrape()
                #expect(exposition.value("netdrift_engine_info", ["engine": "portable", "reason": reason]) == 1)
                #expect(exposition.sysctls(of: "host").count > 20)
                #expect(agent.logLines.count { $0.contains("the portable engine is used") } == 1)
                let forced = try AgentProcess.run(["--engine=bpf", "--web.listen-address=127.0.0.1:0"], prefix: prefix)
                #expect(forced.status == 1 && forced.errors.contains("--engine=bpf: "), "\(forced.errors)")
            }
            #expect(try AgentProcess.run(["--engine=ebpf"]).status == 2)
        }

        @Test("netdrift engine says which sysctl comes which way")
        func command() throws {
            let result = try AgentProcess.run(["engine"])
            #expect(result.status == 0, "\(result.errors)")
            let lines = result.output.split(separator: "\n")
            #expect(lines.first == "engine bpf")
            #expect(lines.contains { $0 == "net.ipv4.tcp_keepalive_time  bpf  (proc_dointvec_jiffies)" })
            let without = try AgentProcess.run(
                ["engine"], prefix: ["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin"])
            #expect(without.status == 1 && without.output.contains("missing_capability"))
        }
    }
}
