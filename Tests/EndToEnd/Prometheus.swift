import Foundation
import TestSupport

/// A Prometheus of its own, with its data in a directory that goes with it.
final class Prometheus {
    private let program: ListeningProgram
    var path: String { program.path }
    /// Where it listens.
    var address: String { program.address }

    /// One that scrapes an agent every second, and has done so.
    convenience init(scraping target: String) throws {
        let directory = try TemporaryDirectory()
        let config = try directory.write(
            "prometheus.yml",
            """
            global: { scrape_interval: 1s, scrape_timeout: 1s }
            scrape_configs:
              - job_name: netdrift
                static_configs: [ { targets: ["\(target)"] } ]

            """)
        try self.init(config: config, in: directory)
        guard try eventually(within: 60, { try value("scrape_samples_scraped") }) != nil else {
            throw Trouble("Prometheus does not scrape: \(program.log)")
        }
    }

    /// One with this configuration file and these flags beside its own, ready.
    init(config: String, in directory: TemporaryDirectory, flags: [String] = []) throws {
        program = try ListeningProgram(
            "prometheus", in: directory, ready: "/-/ready",
            [
                "--config.file=\(config)", "--storage.tsdb.path=\(directory.path)/data",
                "--web.listen-address=127.0.0.1:0",
            ] + flags)
    }

    /// The body of an answer.
    func query(_ target: String) throws -> String { try program.get(target) }

    /// How many series an expression gives now. Throws what Prometheus says when it cannot be evaluated.
    func count(_ expression: String) throws -> Int {
        struct Answer: Decodable {
            struct Data: Decodable { let result: [Series] }
            struct Series: Decodable {}
            let data: Data?
            let error: String?
        }
        let escaped = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let text = try query("/api/v1/query?query=\(escaped)")
        let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
        guard let data = answer.data, answer.error == nil else {
            throw Trouble("\(expression): \(answer.error ?? "no answer")")
        }
        return data.result.count
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

    /// Its rules as it understood them.
    func rules() throws -> [PrometheusRule] {
        struct Answer: Decodable {
            struct Data: Decodable { let groups: [Group] }
            struct Group: Decodable { let rules: [PrometheusRule] }
            let data: Data
        }
        return try JSONDecoder().decode(Answer.self, from: Data(try query("/api/v1/rules").utf8)).data.groups
            .flatMap(\.rules)
    }

    /// Ends it and removes its directory.
    func stop() -> Bool { program.stop() }
}

/// A recording rule or an alert.
struct PrometheusRule: Decodable {
    let type: String
    let name: String
    let query: String
    let duration: Double?
    let labels: [String: String]?
    let annotations: [String: String]?
    /// `ok`, `err`, or `unknown` before it was evaluated.
    let health: String

    var isAlert: Bool { type == "alerting" }
}
