import CBench
import Foundation

/// The running binary, scraped over HTTP on 127.0.0.1.
final class AgentUnderTest {
    private let process = Process()
    private let url: String

    init(binary: String, load: LoadOptions) throws {
        guard FileManager.default.isExecutableFile(atPath: binary) else {
            throw BenchError("there is no \(binary): make build makes it")
        }
        process.executableURL = URL(fileURLWithPath: binary)
        var arguments = [
            "--web.listen-address=127.0.0.1:0", "--discovery.deep-interval=0", "--collect.threads=\(load.threads)",
            "--discovery.max-namespaces=10000",
        ]
        if !load.builtin {
            arguments.append("--no-collector.sysctl.builtin")
            arguments += LoadOptions.compared.map { "--collector.sysctl.include=\($0)" }
        }
        process.arguments = arguments
        let log = Pipe()
        process.standardError = log
        try process.run()
        var text = ""
        while !text.contains("path=") {
            let data = log.fileHandleForReading.availableData
            if data.isEmpty { throw BenchError("the agent did not start: \(text)") }
            text += String(decoding: data, as: UTF8.self)
        }
        guard let match = text.firstMatch(of: /address=(127\.0\.0\.1:[0-9]+)/) else {
            throw BenchError("the agent did not say where it listens: \(text)")
        }
        url = "http://\(match.1)"
        for _ in 0..<600 where try !isReady() { usleep(100_000) }
    }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    func measure(rounds: Int, scrapes: Int, into samples: inout Samples) throws {
        for _ in 0..<2 { _ = try scrape(gzip: true) }
        _ = try scrape(gzip: false)
        for _ in 0..<rounds {
            let identity = try scrape(gzip: false)
            let gzip = try scrape(gzip: true)
            samples.add(["identity": identity.cpu, "gzip": gzip.cpu, "gzipwall": gzip.wall], prefix: "whole")
        }
        samples.add(["rss": PipelineWorker.resident(of: process.processIdentifier)], prefix: "whole")
        for _ in 0..<scrapes { _ = try scrape(gzip: true) }
        let descriptors =
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/fd"))
        samples.add(
            [
                "rssafter": PipelineWorker.resident(of: process.processIdentifier),
                "descriptors": Double(descriptors?.count ?? 0),
            ], prefix: "whole")
    }

    private func isReady() throws -> Bool { try curl("\(url)/-/ready") == 200 }

    private func scrape(gzip: Bool) throws -> (cpu: Double, wall: Double) {
        let meter = Meter()
        let before = bench_process_cpu(process.processIdentifier)
        let status = try curl("\(url)/metrics", ["-H", "Accept-Encoding: \(gzip ? "gzip" : "identity")"])
        guard status == 200 else { throw BenchError("the scrape was answered \(status)") }
        return (Double(bench_process_cpu(process.processIdentifier) - before), meter.wallNanoseconds)
    }

    private func curl(_ url: String, _ more: [String] = []) throws -> Int {
        let curl = Process()
        curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        curl.arguments = ["-s", "-o", "/dev/null", "-w", "%{http_code}"] + more + [url]
        let output = Pipe()
        curl.standardOutput = output
        try curl.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        curl.waitUntilExit()
        return Int(String(decoding: text, as: UTF8.self)) ?? 0
    }
}
