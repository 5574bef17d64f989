import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Debian's Prometheus.
    @Suite struct PrometheusTests {
        @Test("Prometheus scrapes the agent and answers a query", .needs(.root, .tool("ip"), .tool("prometheus")))
        func scrapes() throws {
            let wired = try WiredNamespace(keepalive: 817)
            let agent = try AgentProcess(["--discovery.include=\(wired.name)"])
            let prometheus = try Prometheus(scraping: try agent.listening())
            #expect(try prometheus.value("up") == 1)
            #expect((try prometheus.value("scrape_samples_scraped") ?? 0) > 100)
            #expect(
                try prometheus.value(
                    "netns_sysctl_value{netns=\"\(wired.name)\",sysctl=\"net.ipv4.tcp_keepalive_time\"}") == 817)
            // The label that everything else is joined with.
            #expect(
                try prometheus.value(
                    "netns_network_mtu_bytes{device=\"eth0\"} * on(netns) group_left(origin) "
                        + "netns_info{origin=\"mount\",inode=\"\(wired.inode)\"}") == 1500)
            let types = try prometheus.query("/api/v1/metadata?metric=netns_network_receive_bytes")
            #expect(types.contains("\"type\":\"counter\""))
            #expect(prometheus.stop())
            #expect(!FileManager.default.fileExists(atPath: prometheus.path))
        }
    }
}

/// A Prometheus of its own, with its data in a directory that goes with it.
private final class Prometheus {
    private let process = Process()
    private var directory: TemporaryDirectory?
    private var address = ""
    let path: String

    init(scraping target: String) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        path = directory.path
        let config = try directory.write(
            "prometheus.yml",
            """
            global: { scrape_interval: 1s, scrape_timeout: 1s }
            scrape_configs:
              - job_name: netdrift
                static_configs: [ { targets: ["\(target)"] } ]

            """)
        let log = try directory.write("log", "")
        process.executableURL = URL(fileURLWithPath: Command.path(of: "prometheus") ?? "/usr/bin/prometheus")
        process.arguments = [
            "--config.file=\(config)", "--storage.tsdb.path=\(path)/data", "--web.listen-address=127.0.0.1:0",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        try process.run()
        let found = try eventually(within: 60) { () -> Bool? in
            if address.isEmpty { address = Self.listening(process.processIdentifier) ?? "" }
            guard !address.isEmpty, (try? HTTPConnection.get(address, "/-/ready").status) == 200 else { return nil }
            return try value("scrape_samples_scraped") != nil ? true : nil
        }
        guard found == true else {
            let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            _ = stop()
            throw Trouble("Prometheus does not scrape: \(said)")
        }
    }

    deinit { _ = stop() }

    /// It does not tell the port that the kernel chose: that of its one listening socket.
    private static func listening(_ pid: Int32) -> String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
        let own = Set(
            names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)") })
        let table = (try? String(contentsOfFile: "/proc/\(pid)/net/tcp", encoding: .utf8)) ?? ""
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", own.contains("socket:[\(fields[9])]"),
                let port = fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) })
            else { continue }
            return "127.0.0.1:\(port)"
        }
        return nil
    }

    /// The body of an answer.
    func query(_ target: String) throws -> String {
        try HTTPConnection.get(address, target).text ?? ""
    }

    /// The one value that an expression has now, nil when it has none or several.
    func value(_ expression: String) throws -> Double? {
        struct Answer: Decodable {
            struct Data: Decodable { let result: [Sample] }
            struct Sample: Decodable { let value: [Value] }
            enum Value: Decodable {
                case time(Double)
                case text(String)
                init(from decoder: any Decoder) throws {
                    let container = try decoder.singleValueContainer()
                    if let text = try? container.decode(String.self) {
                        self = .text(text)
                    } else {
                        self = .time(try container.decode(Double.self))
                    }
                }
            }
            let data: Data
        }
        let escaped = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let text = try query("/api/v1/query?query=\(escaped)")
        let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
        guard answer.data.result.count == 1, case .text(let value)? = answer.data.result.first?.value.last else {
            return nil
        }
        return Double(value)
    }

    /// Ends it and removes its directory.
    func stop() -> Bool {
        if process.isAlive {
            process.terminate()
            let process = process
            if eventually(within: 10, { process.isAlive ? nil : true }) == nil {
                kill(process.processIdentifier, SIGKILL)
                _ = process.awaitEnd(within: 10)
            }
        }
        directory = nil
        return !process.isAlive
    }
}
