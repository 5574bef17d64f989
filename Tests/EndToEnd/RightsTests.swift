import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// An agent that may not do everything.
    @Suite struct RightsTests {
        static let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

        /// The binary where every user can read it.
        private static func copy(in directory: TemporaryDirectory) throws -> String {
            let path = "\(directory.path)/netdrift"
            try FileManager.default.copyItem(atPath: AgentProcess.binary, toPath: path)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
            return path
        }

        /// The one line that tells what is missing.
        private func warning(_ agent: AgentProcess) throws -> String {
            // Told once, however often it is scraped.
            for _ in 0..<3 { _ = try agent.scrape() }
            let lines = agent.logLines.filter { $0.contains("level=warn") || $0.contains("level=error") }
            #expect(lines.count == 1, "\(lines)")
            return lines.first ?? ""
        }

        @Test(
            "an ordinary user sees the host's namespace, and is told the rest",
            .needs(.root, .tool("setpriv"), .tool("ip")))
        func ordinaryUser() throws {
            let directory = try TemporaryDirectory()
            let wired = try WiredNamespace(keepalive: 831)
            let binary = try Self.copy(in: directory)
            let agent = try AgentProcess(
                ["--discovery.include=host", "--discovery.include=\(wired.name)"], prefix: Self.nobody, binary: binary)
            let line = try warning(agent)
            for name in ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_NET_ADMIN", "CAP_DAC_READ_SEARCH"] {
                #expect(line.contains(name), "\(line)")
            }
            #expect(line.contains("remedy=") && line.contains("root") && line.contains("AmbientCapabilities="))
            let exposition = try agent.scrape()
            #expect(exposition.sysctls(of: "host").count > 20)
            #expect(exposition.devices(of: "host").contains("lo"))
            // Its name is known from the mount; it cannot be entered, and nothing is made up for it.
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: wired.name) == nil)
            #expect(exposition.value("netdrift_namespaces_left_out", ["reason": "unreachable"]) == 1)
            #expect((exposition.value("netdrift_processes_denied") ?? 0) > 0)
            #expect(!exposition.series("netdrift_namespace_errors_total", ["operation": "enter"]).isEmpty)
            #expect(agent.stop() == 0)

            let listed = try Command.run(Self.nobody + [binary, "list"])
            #expect(listed.status == 0 && listed.output.contains(" host "))
            #expect(listed.errors.contains("CAP_SYS_ADMIN") && listed.errors.split(separator: "\n").count == 1)
        }

        @Test("root without capabilities is told the same", .needs(.root, .tool("setpriv")))
        func rootWithout() throws {
            let agent = try AgentProcess(
                ["--discovery.include=host"], prefix: ["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
            let line = try warning(agent)
            #expect(line.contains("missing=") && line.contains("CAP_SYS_ADMIN") && line.contains("CAP_SYS_PTRACE"))
            #expect(try agent.scrape().sysctls(of: "host").count > 20)
            #expect(agent.stop() == 0)
        }

        @Test("only what is missing is named", .needs(.root, .tool("setpriv"), .tool("ip")))
        func partly() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "832")
            let include = ["--discovery.include=host", "--discovery.include=\(namespace.name)"]
            let agent = try AgentProcess(include, prefix: ["setpriv", "--bounding-set=-sys_ptrace"])
            let line = try warning(agent)
            #expect(line.contains("missing=CAP_SYS_PTRACE ") && !line.contains("CAP_SYS_ADMIN"), "\(line)")
            #expect(try agent.scrape().sysctl("net.ipv4.tcp_keepalive_time", in: namespace.name) == 832)
            // With everything there is nothing to tell.
            let whole = try AgentProcess(include)
            _ = try whole.scrape()
            #expect(!whole.log.contains("level=warn"), "\(whole.log)")
        }

        @Test("every thread has what is needed and nothing else", .needs(.root, .tool("ip")))
        func reduced() throws {
            let namespace = try NamedNamespace()
            let agent = try AgentProcess(["--discovery.include=\(namespace.name)"])
            _ = try agent.scrape()
            let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent.pid)/task")
            #expect(tasks.count > 3)
            // CAP_DAC_READ_SEARCH 2, CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_SYS_PTRACE 19, CAP_SYS_ADMIN 21.
            let wanted = [
                "CapInh:\t0000000000000000", "CapPrm:\t0000000000283004", "CapEff:\t0000000000283004",
                "CapBnd:\t0000000000283004", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
            ]
            for task in tasks {
                let status = try String(contentsOfFile: "/proc/\(agent.pid)/task/\(task)/status", encoding: .utf8)
                for line in wanted { #expect(status.contains(line + "\n"), "\(task): \(line)") }
            }
            #expect(agent.log.contains("seccomp=true"))
            let whole = try AgentProcess(["--no-security.drop-rights"])
            let status = try String(contentsOfFile: "/proc/\(whole.pid)/status", encoding: .utf8)
            #expect(status.contains("Seccomp:\t0\n") && status.contains("NoNewPrivs:\t0\n"))
        }

        @Test(
            "with the capabilities it names, an ordinary user sees everything",
            .needs(.root, .tool("setpriv"), .tool("ip"), .tool(Holder.python)))
        func ambient() throws {
            let directory = try TemporaryDirectory()
            let wired = try WiredNamespace(keepalive: 833)
            let holders = try Holder.Way.allCases.enumerated().map { try Holder($1, keepalive: 900 + $0) }
            let capabilities = "+sys_admin,+sys_ptrace,+net_admin,+dac_read_search"
            let agent = try AgentProcess(
                ["--discovery.include=\(wired.name)", "--discovery.include=net:*"],
                prefix: Self.nobody + ["--inh-caps=\(capabilities)", "--ambient-caps=\(capabilities)"],
                binary: try Self.copy(in: directory))
            let exposition = try agent.scrape()
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: wired.name) == 833)
            for (index, holder) in holders.enumerated() {
                #expect(exposition.info(inode: holder.inode)?["origin"] == holder.way.rawValue)
                let value = exposition.sysctl("net.ipv4.tcp_keepalive_time", in: "net:[\(holder.inode)]")
                #expect(value == Double(900 + index), "\(holder.way)")
            }
            #expect(!agent.log.contains("level=warn"), "\(agent.log)")
        }

        @Test(
            "what it has no right to try is no failure of the namespace's",
            .needs(.root, .tool("setpriv"), .tool("ip")))
        func noEcho() throws {
            let directory = try TemporaryDirectory()
            let wired = try WiredNamespace()
            let name = wired.name
            try Command.check("ip", "-n", name, "address", "add", "198.18.0.2/24", "dev", "eth0")
            let file = try directory.write(
                "netdrift.yml",
                """
                probes:
                  - { name: echo, kind: icmp, target: 198.18.0.2, interval: 200ms, timeout: 200ms }
                  - { name: knock, kind: tcp, target: "198.18.0.2:1", interval: 200ms, timeout: 200ms }
                """)
            let capabilities = "+sys_admin,+sys_ptrace"
            let agent = try AgentProcess(
                ["--discovery.include=\(name)", "--collector.probe", "--config.file=\(file)"],
                prefix: Self.nobody + ["--inh-caps=\(capabilities)", "--ambient-caps=\(capabilities)"],
                binary: try Self.copy(in: directory))
            let knock = ["netns": name, "probe": "knock"]
            let tried = try eventually { try agent.scrape().any("netns_probe_success", knock) }
            #expect(tried == 0)
            #expect(
                try agent.scrape().any("netns_probe_failures_total", knock.merging(["reason": "refused"]) { $1 })
                    ?? 0 > 0)
            let denied = ["operation": "probe", "reason": "EACCES"]
            let counted = try eventually { () -> Bool? in
                try agent.scrape().value("netdrift_namespace_errors_total", denied) ?? 0 > 1 ? true : nil
            }
            #expect(counted == true)
            #expect(try agent.scrape().series("netns_probe_success", ["netns": name, "probe": "echo"]).isEmpty)
            // With the right to a ping socket it is tried.
            try wired.namespace.set("net/ipv4/ping_group_range", "0 2147483647")
            let echo = ["netns": name, "probe": "echo"]
            #expect(
                try eventually { try agent.scrape().any("netns_probe_success", echo) == 1 ? true : nil } == true)
        }
    }
}
