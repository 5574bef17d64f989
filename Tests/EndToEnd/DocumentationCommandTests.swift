import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The commands that README, CONTRIBUTING, SECURITY and docs tell people to run.
    ///
    /// A block of commands (`sh`, or `console` with what the commands print) is run by this suite, or stands below a comment
    /// `<!-- example: REASON -->`.
    @Suite struct DocumentationCommandTests {
        private struct Block: CustomTestStringConvertible, Sendable {
            let document: String
            let line: Int
            let language: String
            let text: String
            /// Why it is not run, when it is not.
            let reason: String?
            var testDescription: String { "\(document):\(line)" }

            /// Its commands: those after `# ` in a session, where what is printed may begin so too, else every line; continued
            /// lines are one.
            var commands: [String] {
                let lines = text.replacing("\\\n", with: " ").split(separator: "\n").map(String.init)
                guard language == "console" else { return lines }
                return lines.filter { $0.contains(#/^# [a-z-]+ /#) }.map { String($0.dropFirst(2)) }
            }
        }

        private static let documents: [String] = {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: Shipped.path("docs"))) ?? []
            return ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
                + names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
        }()

        /// Every fenced block of every document.
        private static let blocks: [Block] = documents.flatMap { document -> [Block] in
            var blocks: [Block] = []
            var begun: (line: Int, language: String, reason: String?)?
            var text = ""
            var above = ""
            let lines = ((try? Shipped.text(document)) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
            for (number, row) in lines.enumerated() {
                let trimmed = row.trimmingCharacters(in: .whitespaces)
                if let (line, language, reason) = begun {
                    guard trimmed == "```" else {
                        text += "\(row)\n"
                        continue
                    }
                    blocks.append(Block(document: document, line: line, language: language, text: text, reason: reason))
                    begun = nil
                } else if trimmed.hasPrefix("```") {
                    let reason = above.firstMatch(of: /^<!-- example: (.+) -->$/).map { String($0.1) }
                    (begun, text) = ((number + 1, String(trimmed.dropFirst(3)), reason), "")
                }
                above = trimmed
            }
            return blocks
        }

        private static let run = blocks.filter { isShell($0) && $0.reason == nil }

        private static func isShell(_ block: Block) -> Bool { ["sh", "console"].contains(block.language) }

        @Test("no block hides what it is")
        func languages() {
            #expect(Self.run.count >= 20)
            let known = ["", "sh", "console", "yaml", "text", "swift"]
            for block in Self.blocks {
                #expect(known.contains(block.language), "\(block.testDescription): \(block.language)")
                #expect(block.reason.map { $0.count > 20 } ?? true, "\(block.testDescription) has no reason")
                guard block.language.isEmpty else { continue }
                let command = block.text.firstMatch(
                    of:
                        #/(?m)^(# )?(netdrift|make|curl|nsenter|ip|podman|kubectl|helm|apt-get|systemctl|sysctl|swift) /#
                )
                #expect(command == nil, "\(block.testDescription) is a block of commands: \(command?.0 ?? "")")
            }
        }

        /// A host of its own: network, processes, mounts, /run and /etc, with a namespace `web` behind a bridge, and one more
        /// namespace beyond.
        private static let world = """
            set -eo pipefail
            mount -t tmpfs -o mode=755 tmpfs /run
            mkdir -p /run/bin /run/netns /run/etc
            cp -a /etc/. /run/etc/ && mount --bind /run/etc /etc
            touch /run/bin/netdrift && mount --bind "$1" /run/bin/netdrift
            export PATH="/run/bin:$2:/usr/sbin:/sbin:$PATH"
            exec 2>&1
            ip link set lo up
            sysctl -qw net.ipv4.ip_forward=0
            for each in web:va:1 far:vb:2; do
                IFS=: read -r name device number <<<"$each"
                ip netns add "$name"
                ip link add "br$number" type bridge
                ip link add "$device" type veth peer name eth0 netns "$name"
                ip link set "$device" master "br$number" up
                ip addr add "198.18.$number.1/24" dev "br$number"
                ip link set "br$number" up
                ip -n "$name" addr add "198.18.$number.2/24" dev eth0
                ip -n "$name" link set lo up
                ip -n "$name" link set eth0 up
                ip -n "$name" route add default via "198.18.$number.1"
                ip -n "$name" neigh add "198.18.$number.9" lladdr 02:00:00:00:00:09 dev eth0
            done
            nsenter --net=/run/netns/web sysctl -qw net.ipv4.tcp_keepalive_time=600
            nsenter --net=/run/netns/web sleep 600 &
            PID=$!
            nft 'add table inet filter; add chain inet filter forward { type filter hook forward priority 0; }'
            echo 'expectations: [{ rule: keepalive, sysctls: { net.ipv4.tcp_keepalive_time: 600 } }]' > /run/rules.yml

            # An agent that is started in the foreground: until it is ready.
            agent() {
                eval "$1 2>/run/agent.log &"
                agent=$!
                until netdrift health >/dev/null 2>&1; do
                    kill -0 $agent || { cat /run/agent.log; exit 1; }
                    sleep 0.1
                done
            }
            # Whoever compares, says by 1 that there is a difference.
            run() {
                status=0
                eval "$1" >/run/output 2>&1 || status=$?
                [[ $status = 0 || $status = 1 && $1 =~ ^netdrift\\ (check|diff|diagnose) ]] && [[ -s /run/output || -n $2 ]] ||
                    { echo "exit $status: $1"; cat /run/output; exit 1; }
            }

            """

        @Test("Prometheus understands every query of the runbook", .needs(.tool("promtool")))
        func queries() throws {
            let queries = Self.blocks.filter { $0.document == "docs/runbook.md" && $0.language.isEmpty }
                .flatMap { $0.text.split(separator: "\n") }
            #expect(queries.count >= 20)
            let rules = try queries.enumerated().map { number, query in
                let text = String(decoding: try JSONEncoder().encode(String(query)), as: UTF8.self)
                return "{ record: query_\(number), expr: \(text) }"
            }
            let directory = try TemporaryDirectory()
            try Command.check(
                "promtool", "check", "rules",
                try directory.write(
                    "rules.yml", "groups: [{ name: runbook, rules: [\(rules.joined(separator: ", "))] }]\n"))
        }

        @Test(
            "what is told to be run, runs",
            .needs(
                .root, .tool("unshare"), .tool("ip"), .tool("nft"), .tool("conntrack"), .tool("ethtool"), .tool("curl"),
                .tool("setpriv"), .tool("findmnt"), .tool(Shipped.kubectl)),
            arguments: run)
        private func runs(_ block: Block) throws {
            // The names that stand for the reader's own.
            let names = [
                ("PEER_DEVICE", "va"), ("DEVICE", "eth0"), ("NAME", "web"), ("PID", "$PID"), ("FILE", "/run/rules.yml"),
                ("ADDRESS", "198.18.2.2"),
            ]
            var script = Self.world
            if block.text.contains("127.0.0.1:10124") || block.text.contains("netdrift health") {
                script += "agent netdrift\n"
            }
            for command in block.commands {
                let own = names.reduce(command) { text, name in
                    text.replacing(try! Regex("\\b\(name.0)\\b"), with: name.1)
                }
                let isAgent = own.contains(/^(setpriv .* )?netdrift( --\S+)*$/)
                let word = "'\(own.replacing("'", with: #"'\''"#))'"
                // What only writes a file says nothing.
                let maySayNothing = own.contains("--output") ? "quiet" : ""
                script += isAgent ? "agent \(word)\nkill $agent; wait $agent\n" : "run \(word) \"\(maySayNothing)\"\n"
            }
            let result = try Command.run(
                [
                    "unshare", "--net", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "bash",
                    "-c",
                    "cd \"$3\"\n\(script)exit 0", "bash", AgentProcess.binary, Shipped.tools,
                    Shipped.root,
                ], timeout: 120)
            #expect(result.status == 0, "\(block.testDescription)\n\(result.output)\(result.errors)")
        }
    }
}
