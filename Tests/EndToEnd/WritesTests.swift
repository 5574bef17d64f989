import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Who wrote a sysctl, in every answer.
    @Suite(.needs(.root, .bpf, .tool("runc"), .tool("busybox"), .tool("nsenter"))) struct WritesTests {
        private static let keepalive = "net.ipv4.tcp_keepalive_time"
        private static let file = "/proc/sys/net/ipv4/tcp_keepalive_time"

        /// One line of /api/v1/writes, or of `netdrift writes --json`.
        private struct Write: Decodable {
            let number: UInt64?
            let netns: String
            let sysctl: String
            let old: String?
            let new: String?
            let actual: String?
            let result: String
            let from: String
            let container: String?
            let pid: Int32
            let ppid: Int32
            let command: String
            let executable: String?
            let uid: UInt32
            let user: String
        }

        private struct Answer: Decodable {
            let writes: [Write]
            let last: UInt64
            let heard: UInt64
            let lost: UInt64
        }

        private static func writes(_ agent: AgentProcess, _ query: String = "") throws -> [Write] {
            let answer = try agent.get("/api/v1/writes\(query)")
            guard answer.status == 200 else { throw Trouble("\(answer.status) \(answer.text ?? "")") }
            return try JSONDecoder().decode(Answer.self, from: Data(answer.body)).writes
        }

        /// Those of one namespace, once there are so many.
        private static func writes(_ agent: AgentProcess, in netns: String, count: Int) throws -> [Write] {
            let found = try eventually { () -> [Write]? in
                let all = try writes(agent, "?netns=\(netns)")
                return all.count >= count ? all : nil
            }
            return try #require(found, "fewer than \(count) writes in \(netns)")
        }

        @Test("a declared value that is changed by nsenter: who, from where, from what to what, and at once")
        func seedCase() throws {
            let container = try Container(keepalive: 600)
            let flags = ["--path.runc=\(container.root)", "--discovery.include=\(container.id)"]
            let agent = try AgentProcess(flags)
            _ = try agent.scrape()
            let follower = try Follower(["--path.runc=\(container.root)", "--json"])
            let before = Date()
            try Command.check(
                "nsenter", "-t", "\(container.pid)", "-n", "sysctl", "-qw", "\(Self.keepalive)=700")
            let line = try #require(
                eventually { follower.lines.first { $0.contains(container.id) && $0.contains("\"700\"") } },
                "\(follower.text)")
            let heard = try JSONDecoder().decode(Write.self, from: Data(line.utf8))
            #expect(heard.netns == container.id && heard.sysctl == Self.keepalive)
            #expect(heard.old == "600" && heard.new == "700" && heard.result == "applied" && heard.from == "host")
            #expect(heard.command == "sysctl" && heard.uid == 0 && heard.user == "root" && heard.pid > 1)
            #expect(heard.executable?.hasSuffix("/sysctl") == true && heard.container == nil && heard.number == nil)

            // Nobody scrapes: the log has it, with who did it.
            let logged = eventually { agent.driftLines.first { $0.contains("a sysctl drifted") } }
            let drift = try #require(logged, "\(agent.log)")
            #expect(drift.contains("actual=700") && drift.contains("written_by=\"sysctl (pid \(heard.pid), user root)"))
            #expect(agent.logLines.contains { $0.contains("a sysctl was written") && $0.contains("from=host") })
            #expect(Date().timeIntervalSince(before) < 10)

            let mine = try #require(try Self.writes(agent, in: container.id, count: 1).last)
            #expect(mine.pid == heard.pid && mine.old == "600" && mine.new == "700" && mine.number != nil)
            let told = Data(try agent.get("/api/v1/drift").body)
            let entry = try #require(try JSONSerialization.jsonObject(with: told) as? [String: Any])
            let drifted = try #require((entry["drift"] as? [[String: Any]])?.first?["written"] as? [String: Any])
            #expect(drifted["pid"] as? Int == Int(heard.pid) && drifted["from"] as? String == "host")

            let exposition = try agent.scrape()
            let labels = ["netns": container.id, "sysctl": Self.keepalive, "from": "host"]
            #expect(exposition.value("netns_sysctl_writes_total", labels) == 1)
            #expect(exposition.value("netns_sysctl_write_events_lost_total") == 0)
            #expect(exposition.value("netdrift_writes_info", ["state": "on"]) == 1)
            let changed = try #require(exposition.value("netns_sysctl_last_change_timestamp_seconds", labels))
            #expect(changed >= before.timeIntervalSince1970 - 1 && changed <= Date().timeIntervalSince1970)
            let info = try #require(
                exposition.series("netns_sysctl_drift_writer_info", ["netns": container.id]).first?.labels)
            #expect(info["pid"] == "\(heard.pid)" && info["command"] == "sysctl" && info["uid"] == "0")
            #expect(
                info["old"] == "600" && info["new"] == "700" && info["from"] == "host" && info["rule"] == "as-declared")

            // Put back, nothing is said of it any more.
            try container.set("net/ipv4/tcp_keepalive_time", "600")
            #expect(eventually { agent.driftLines.contains { $0.contains("no longer drifted") } ? true : nil } == true)
            #expect(try agent.scrape().series("netns_sysctl_drift_writer_info").isEmpty)
        }

        @Test("inside, from the host, from another container")
        func places() throws {
            let first = try Container(keepalive: 600)
            let second = try Container(keepalive: 601, beside: first)
            let agent = try AgentProcess(["--path.runc=\(first.root)"])
            _ = try agent.scrape()
            func inside(_ container: Container, _ script: String) throws {
                try Command.check(
                    "runc", "--root", container.root, "exec", container.id, "/bin/busybox", "sh", "-c", script)
            }
            try inside(first, "echo 611 > \(Self.file)")
            try first.set("net/ipv4/tcp_keepalive_time", "612")
            let byFirst = try Self.writes(agent, in: first.id, count: 2)
            #expect(byFirst.map(\.from) == ["inside", "host"], "\(byFirst)")
            #expect(byFirst.map(\.new) == ["611", "612"] && byFirst[0].container == first.id)
            // Its mounts and processes are the second's, its network the first's.
            try Command.check(
                "nsenter", "-n/proc/\(first.pid)/ns/net", "-m/proc/\(second.pid)/ns/mnt",
                "-p/proc/\(second.pid)/ns/pid",
                "/bin/busybox", "sh", "-c", "echo 613 > \(Self.file)")
            let third = try #require(try Self.writes(agent, in: first.id, count: 3).last)
            #expect(third.from == "container" && third.container == second.id && third.new == "613")
            let exposition = try agent.scrape()
            for from in ["inside", "host", "container"] {
                let labels = ["netns": first.id, "sysctl": Self.keepalive, "from": from]
                #expect(exposition.value("netns_sysctl_writes_total", labels) == 1)
            }
        }

        @Test("10,000 writes in a burst: each in the history, or counted as lost; the log is bounded")
        func burst() throws {
            let namespace = try NamedNamespace()
            let agent = try AgentProcess(["--discovery.include=\(namespace.name)"])
            _ = try agent.scrape()
            try namespace.check(
                "python3", "-c",
                """
                import os
                f = os.open("\(Self.file)", os.O_WRONLY)
                for i in range(10000): os.pwrite(f, b"%d" % (1000 + i % 7), 0)
                """)
            let labels = ["netns": namespace.name, "sysctl": Self.keepalive, "from": "host"]
            let count = try eventually(within: 20) { () -> Double? in
                let exposition = try agent.scrape()
                let lost = exposition.value("netns_sysctl_write_events_lost_total") ?? 0
                let told = (exposition.value("netns_sysctl_writes_total", labels) ?? 0) + lost
                return told >= 10_000 ? told : nil
            }
            #expect(count == 10_000)
            #expect(try agent.scrape().sysctl(Self.keepalive, in: namespace.name) == Double(1000 + 9999 % 7))
            #expect(agent.logLines.count { $0.contains("a sysctl was written") } <= 200)
            #expect(try Self.writes(agent, "?netns=\(namespace.name)&limit=20000").count <= 10_000)
        }

        @Test("side effects are read with it, before anybody scrapes")
        func sideEffects() throws {
            let namespace = try NamedNamespace()
            let directory = try TemporaryDirectory()
            let file = try directory.write(
                "netdrift.yml",
                """
                expectations:
                  - rule: router
                    namespaces: { name: "\(namespace.name)" }
                    sysctls: { net.ipv4.conf.all.forwarding: 0, net.ipv4.ip_forward: 0 }
                """)
            let agent = try AgentProcess(["--discovery.include=\(namespace.name)", "--config.file=\(file)"])
            _ = try agent.scrape()
            try namespace.set("net/ipv4/ip_forward", "1")
            let lines = eventually { () -> [String]? in
                let lines = agent.driftLines.filter { $0.contains("a sysctl drifted") }
                return lines.count == 2 ? lines : nil
            }
            #expect(lines?.contains { $0.contains("net.ipv4.conf.all.forwarding") } == true, "\(agent.log)")
        }

        /// Values come from memory where nobody wrote, and are right all the same.
        @Test("what nobody wrote is not read again, and what somebody wrote is")
        func readingLess() throws {
            let namespaces = try (0..<3).map { _ in try NamedNamespace() }
            let agent = try AgentProcess(namespaces.map { "--discovery.include=\($0.name)" })
            _ = try agent.scrape()
            let still = try agent.scrape()
            #expect(still.value("netdrift_sysctl_namespaces_kept") == 3)
            #expect(still.sysctl(Self.keepalive, in: namespaces[0].name) == 7200)
            for value in [711, 712, 713] {
                try namespaces[1].set("net/ipv4/tcp_keepalive_time", "\(value)")
                let exposition = try agent.scrape()
                #expect(exposition.sysctl(Self.keepalive, in: namespaces[1].name) == Double(value))
                #expect(exposition.sysctl(Self.keepalive, in: namespaces[2].name) == 7200)
            }
            let fourth = try NamedNamespace()
            _ = fourth
            let end = try agent.scrape()
            #expect(end.value("netdrift_sysctl_unexplained_changes_total") == 0)
            #expect(end.value("netdrift_sysctl_sweeps_total") ?? 0 < 5)
            // With the sweep switched off everything is read each time.
            let other = try AgentProcess(["--collector.sysctl.sweep=0", "--discovery.include=\(namespaces[0].name)"])
            for _ in 0..<3 { #expect(try other.scrape().value("netdrift_sysctl_namespaces_kept") == 0) }
        }

        /// Each of their writes looks like the one before of the same thread.
        @Test("two threads that undo each other's writes are told of each time", .needs(.tool("python3")))
        func backAndForth() throws {
            let namespace = try NamedNamespace()
            let agent = try AgentProcess(["--discovery.include=\(namespace.name)"])
            _ = try agent.scrape()
            let script = """
                import threading
                turns = [threading.Semaphore(1), threading.Semaphore(0)]
                def write(me):
                    for _ in range(8):
                        turns[me].acquire()
                        with open('/proc/sys/net/ipv4/conf/lo/forwarding', 'w') as file: file.write('01'[1 - me])
                        turns[1 - me].release()
                threads = [threading.Thread(target=write, args=(me,)) for me in (0, 1)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                """
            try Command.check("ip", "netns", "exec", namespace.name, "python3", "-c", script)
            let told = try Self.writes(agent, in: namespace.name, count: 16)
            #expect(told.count == 16)
            #expect(told.map(\.new) == (0..<16).map { $0 % 2 == 0 ? "1" : "0" }, "\(told.map(\.new))")
        }

        /// Each visit takes the longer the more namespaces there are.
        @Test("many new namespaces are read in one walk, and few are visited")
        func manyAtOnce() throws {
            let prefix = NamedNamespace.uniqueName("s")
            var namespaces = [try NamedNamespace("\(prefix)a")]
            let agent = try AgentProcess(["--discovery.include=\(prefix)*"])
            _ = try agent.scrape()
            let sweeps = try #require(try agent.scrape().value("netdrift_sysctl_sweeps_total"))
            namespaces.append(try NamedNamespace("\(prefix)b"))
            let few = try agent.scrape()
            #expect(few.sysctl(Self.keepalive, in: namespaces[1].name) == 7200)
            #expect(few.value("netdrift_sysctl_sweeps_total") == sweeps)
            for number in 0..<60 { namespaces.append(try NamedNamespace("\(prefix)c\(number)")) }
            try namespaces[0].set("net/ipv4/tcp_keepalive_time", "711")
            let many = try agent.scrape()
            for namespace in namespaces {
                let value = many.sysctl(Self.keepalive, in: namespace.name)
                #expect(value == (namespace === namespaces[0] ? 711 : 7200), "\(namespace.name)")
            }
            #expect(many.value("netdrift_sysctl_sweeps_total") == sweeps + 1)
            let next = try agent.scrape()
            // Not the one that was written a moment ago, perhaps.
            #expect(try #require(next.value("netdrift_sysctl_namespaces_kept")) >= 61)
            #expect(next.value("netdrift_sysctl_sweeps_total") == sweeps + 1)
            #expect(next.value("netdrift_sysctl_unexplained_changes_total") == 0)
        }

        @Test("netdrift writes asks the agent; what was before a restart is gone, and the next is heard")
        func command() throws {
            let namespace = try NamedNamespace()
            let include = "--discovery.include=\(namespace.name)"
            var agent = try AgentProcess([include])
            _ = try agent.scrape()
            try namespace.set("net/ipv4/tcp_keepalive_time", "721")
            _ = try Self.writes(agent, in: namespace.name, count: 1)
            let address = try agent.listening()
            let shown = try AgentProcess.run(["writes", "--agent", address, "--netns", namespace.name])
            #expect(
                shown.status == 0 && shown.output.contains("7200 -> 721  applied  from host  pid "), "\(shown.errors)")
            let json = try AgentProcess.run(["writes", "--json", "--agent", address, "--sysctl", "net.ipv4.tcp_*"])
            #expect(json.output.split(separator: "\n").allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
            #expect(try AgentProcess.run(["writes", "--agent", address, "--netns", "nobody"]).output.isEmpty)
            _ = agent.stop()
            let gone = try AgentProcess.run(["writes", "--agent", address])
            #expect(gone.status == 1 && gone.errors.contains("is the agent running?"), "\(gone.errors)")
            #expect(try AgentProcess.run(["writes", "--limit", "0"]).status == 2)
            #expect(try AgentProcess.run(["writes", "--sysctl", "vm.x"]).status == 2)

            agent = try AgentProcess([include])
            _ = try agent.scrape()
            #expect(try Self.writes(agent).allSatisfy { $0.netns != namespace.name })
            try namespace.set("net/ipv4/tcp_keepalive_time", "722")
            #expect(try Self.writes(agent, in: namespace.name, count: 1).map(\.old) == ["721"])
        }

        @Test("explain and diagnose quote who wrote what is to blame", .needs(.tool("ip"), .tool("sysctl")))
        func quotations() throws {
            let scene = try PathScene()
            let host = "--path.host-netns=\(scene.host.path)"
            let agent = try AgentProcess([host])
            _ = try agent.scrape()
            let address = try agent.listening()
            try scene.host.check("sysctl", "-qw", "net.ipv4.ip_forward=0")
            let write = try #require(
                eventually { try Self.writes(agent, "?sysctl=net.ipv4.ip_forward").last { $0.netns == "host" } })
            let quoted = "sysctl (pid \(write.pid), user root) from the host, 1 to 0, "

            let explained = try AgentProcess.run(["explain", "net.ipv4.ip_forward", "--agent", address, host])
            #expect(explained.status == 0 && explained.output.contains(quoted), "\(explained)")
            let diagnosed = try AgentProcess.run([
                "diagnose", "--agent", address, "--timeout", "300ms", host, scene.web.name, "198.18.2.2",
            ])
            #expect(
                diagnosed.status == 1 && diagnosed.output.contains("in host last written by \(quoted)"),
                "\(diagnosed)")
            let json = try AgentProcess.run([
                "diagnose", "--json", "--agent", address, "--timeout", "300ms", host, scene.web.name, "198.18.2.2",
            ])
            #expect(json.output.contains("\"pid\" : \(write.pid)"), "\(json)")

            // What was put right since is not to blame, and nobody is quoted for it.
            try scene.host.check("sysctl", "-qw", "net.ipv4.ip_forward=1")
            let mended = try AgentProcess.run([
                "diagnose", "--agent", address, host, scene.web.name, "198.18.2.2",
            ])
            #expect(mended.status == 0 && !mended.output.contains("last written"), "\(mended)")
            // An agent that was named and is not there is told; without one the answer is the same, but for the quotation.
            let nobody = try AgentProcess.run(["explain", "net.ipv4.ip_forward", "--agent", "127.0.0.1:1", host])
            #expect(nobody.status != 0 && nobody.errors.contains("is the agent running?"), "\(nobody)")
        }

        @Test("without it the agent runs and says why; mistakes in a query are told")
        func withoutIt() throws {
            for (flags, reason) in [
                (["--no-collector.writes"], "not_wanted"), (["--engine=portable"], "portable_engine"),
                (["--path.cgroup=/sys"], "no_cgroup"),
            ] {
                let agent = try AgentProcess(flags + ["--discovery.include=host"])
                let answer = try agent.get("/api/v1/writes")
                #expect(answer.status == 404 && answer.text?.contains(reason) == true)
                let exposition = try agent.scrape()
                if reason != "not_wanted" {
                    #expect(exposition.value("netdrift_writes_info", ["state": "off", "reason": reason]) == 1)
                }
                #expect(exposition.series("netns_sysctl_write_events_lost_total").isEmpty)
                #expect(exposition.sysctls(of: "host").count > 20)
            }
            let agent = try AgentProcess(["--discovery.include=host"])
            for query in ["?after=x", "?limit=0", "?sysctl=vm.swappiness", "?netns=a&netns=b"] {
                #expect(try agent.get("/api/v1/writes\(query)").status == 400, "\(query)")
            }
            #expect(try agent.get("/api/v1/writes").status == 200)
        }

        /// The root of the hierarchy is found beside version 1, alone, and where neither is mounted.
        @Test("on hosts with either version of cgroups", .needs(.tool("unshare")))
        func hierarchies() throws {
            let namespace = try NamedNamespace()
            func mounted(_ script: String) -> [String] {
                ["unshare", "--mount", "sh", "-c", "\(script) && exec \"$@\"", "sh"]
            }
            let only = "umount -l -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
            let none = "umount -l -R /sys/fs/cgroup && mount -t tmpfs none /sys/fs/cgroup"
            for prefix in [mounted(only), mounted(none)] {
                let agent = try AgentProcess(["--discovery.include=\(namespace.name)"], prefix: prefix)
                let value = Int.random(in: 1000...2000)
                try namespace.set("net/ipv4/tcp_keepalive_time", "\(value)")
                #expect(try Self.writes(agent, in: namespace.name, count: 1).last?.new == "\(value)")
            }
        }
    }
}

/// `netdrift writes --follow` while it runs.
private final class Follower {
    private let directory: TemporaryDirectory
    private let process = Process()

    init(_ flags: [String]) throws {
        directory = try TemporaryDirectory()
        process.executableURL = URL(fileURLWithPath: AgentProcess.binary)
        process.arguments = ["writes", "--follow"] + flags
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: try directory.write("out", "")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: try directory.write("err", "")))
        try process.run()
        guard eventually(within: 20, { errors.contains("listening") ? true : nil }) == true else {
            throw Trouble("it does not listen: \(errors)")
        }
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        _ = process.awaitEnd(within: 5)
    }

    private var errors: String { (try? String(contentsOfFile: "\(directory.path)/err", encoding: .utf8)) ?? "" }
    var text: String { (try? String(contentsOfFile: "\(directory.path)/out", encoding: .utf8)) ?? "" }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
}
