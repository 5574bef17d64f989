import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What README, CONTRIBUTING and docs say.
    @Suite struct DocumentationTests {
        private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent()

        /// Every document, by its path in the checkout.
        private static func documents() throws -> [String] {
            let names = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("docs").path)
            return ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
                + names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
        }

        private static func text(_ document: String) throws -> String {
            try String(contentsOf: root.appendingPathComponent(document), encoding: .utf8)
        }

        /// The anchors of headings, as GitHub makes them: lower case, words joined by hyphens, punctuation left out.
        private static func anchors(_ text: String) -> Set<String> {
            var anchors: Set<String> = []
            for line in text.split(separator: "\n") where line.hasPrefix("#") {
                let heading = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
                anchors.insert(
                    String(heading.filter { $0.isLetter || $0.isNumber || " -_".contains($0) }).replacing(
                        " ", with: "-"))
            }
            return anchors
        }

        @Test("links lead to files and headings that are there")
        func links() throws {
            var count = 0
            for document in try Self.documents() {
                let text = try Self.text(document)
                for match in text.matches(of: /\]\(([^)\s]+)\)/) {
                    let link = String(match.1)
                    guard !link.contains("://"), !link.hasPrefix("mailto:") else { continue }
                    count += 1
                    let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(
                        String.init)
                    let directory = (document as NSString).deletingLastPathComponent
                    let target = parts[0].isEmpty ? document : (directory as NSString).appendingPathComponent(parts[0])
                    let url = Self.root.appendingPathComponent(target).standardized
                    #expect(FileManager.default.fileExists(atPath: url.path), "\(document): \(link)")
                    if parts.count == 2, url.pathExtension == "md" {
                        let there = Self.anchors(try String(contentsOf: url, encoding: .utf8))
                        #expect(there.contains(parts[1]), "\(document): \(link)")
                    }
                }
            }
            #expect(count > 50)
        }

        @Test("every flag that they name is one of the agent's")
        func flags() throws {
            let help = try AgentProcess.run(["serve", "--help"]).output
            let known = Set(help.matches(of: /--[a-z][a-z.-]*[a-z]/).map { String($0.0) })
            // node_exporter's, podman's, Prometheus's.
            let others: Set = [
                "--collector.netdev.enable-detailed-metrics", "--security-opt", "--web.console.libraries",
                "--web.console.templates",
                // `--collector.NAME`, and of `make bench`.
                "--collector", "--no-collector", "--collectors",
            ]
            var named: Set<String> = []
            for document in try Self.documents() {
                let flag = /--(?:no-)?(?:web|collector|collect|discovery|path|log|security|engine)[.-]?[a-z.-]*[a-z]/
                named.formUnion(try Self.text(document).matches(of: flag).map { String($0.0) })
            }
            #expect(named.count > 40)
            #expect(named.subtracting(known).subtracting(others).sorted() == [])
        }

        @Test("they are of the version that the program says it has")
        func version() throws {
            let version = try #require(
                try AgentProcess.run(["--version"]).output.split(whereSeparator: \.isWhitespace).last)
            var count = 0
            for document in try Self.documents() where document != "CHANGELOG.md" {
                for match in try Self.text(document).matches(of: /(?:netdrift[-_:]|newTag: ")(\d+\.\d+\.\d+)/) {
                    count += 1
                    #expect(match.1 == version, "\(document): \(match.0)")
                }
            }
            #expect(count >= 4)
        }

        @Test("Prometheus takes every scrape configuration", .needs(.tool("promtool")))
        func scrapeConfigurations() throws {
            var count = 0
            for document in try Self.documents() {
                for match in try Self.text(document).matches(of: /(?s)\n *```yaml\n(.*?)\n *```/) {
                    let lines = String(match.1).split(separator: "\n", omittingEmptySubsequences: false)
                    let indent = lines.first?.prefix { $0 == " " }.count ?? 0
                    let block = lines.map { $0.dropFirst(indent) }.joined(separator: "\n")
                    guard block.hasPrefix("scrape_configs:") || block.hasPrefix("remote_write:") else { continue }
                    // A file that it names is the user's.
                    guard !block.contains("_file:") else { continue }
                    count += 1
                    let directory = try TemporaryDirectory()
                    let file = try directory.write("prometheus.yml", block.replacing("HOST", with: "198.18.0.1") + "\n")
                    let result = try Command.run(["promtool", "check", "config", "--syntax-only", file])
                    #expect(result.status == 0, "\(document): \(block)\n\(result.output)\(result.errors)")
                }
            }
            #expect(count >= 4)
        }

        @Test("the fleet's costs are measured with the real Prometheus", .needs(.tool("python3"), .tool("prometheus")))
        func fleet() throws {
            let directory = try TemporaryDirectory()
            let exposition = try directory.write(
                "metrics",
                """
                # TYPE netns_network_receive_bytes_total counter
                netns_network_receive_bytes_total{netns="web",device="eth0"} 100
                # TYPE netdrift_namespaces gauge
                netdrift_namespaces{origin="mount"} 1

                """)
            let result = try Command.run(
                [
                    Self.root.appendingPathComponent("scripts/fleet").path, "--exposition", exposition, "--sizes",
                    "2x3,2x4,3x5",
                    "--seconds", "8", "--interval", "1", "--json",
                ], timeout: 120)
            #expect(result.status == 0, "\(result.errors)")
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result.output)")
            let rows = try #require(report["rows"] as? [[String: Any]])
            // Of each host its own, its namespaces', and the five that Prometheus adds of a target.
            #expect(rows.map { $0["series"] as? Int } == [2 * (1 + 3 + 5), 2 * (1 + 4 + 5), 3 * (1 + 5 + 5)])
            #expect(rows.allSatisfy { $0["hosts_down"] as? Int == 0 })
            #expect(report["memory"] != nil)
            let fleets = try #require(report["extrapolated"] as? [[String: Any]])
            #expect(fleets.map { $0["series"] as? Int } == [10, 1000, 10000].map { $0 * (1 + 50 + 5) })
            for key in ["resident_error", "cores_error", "gb_a_day_error"] {
                #expect(fleets.allSatisfy { $0[key] is Double }, "\(key)")
            }
        }
    }
}
