import Agent
import CBench
import Foundation

/// The running binary, scraped over HTTP on 127.0.0.1.
final class AgentUnderTest {
    private let process = Process()
    private let port: Int32

    init(binary: String, load: LoadOptions) throws {
        guard FileManager.default.isExecutableFile(atPath: binary) else {
            throw BenchError("there is no \(binary): make build makes it")
        }
        process.executableURL = URL(fileURLWithPath: binary)
        var arguments = [
            "--web.listen-address=127.0.0.1:0", "--discovery.deep-interval=0", "--collect.threads=\(load.threads)",
            "--discovery.max-namespaces=20000", "--engine=\(load.engine)",
        ]
        arguments += load.collectors.flags
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
        guard let match = text.firstMatch(of: /address=127\.0\.0\.1:([0-9]+)/), let port = Int32(match.1) else {
            throw BenchError("the agent did not say where it listens: \(text)")
        }
        self.port = port
        for _ in 0..<600 where !isReady() { usleep(100_000) }
    }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        // Not waitUntilExit(): it was seen to wait for ever for a process that had ended.
        for _ in 0..<50 where process.isRunning { usleep(100_000) }
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

    private func isReady() -> Bool { bench_http_get(port, "/-/ready", "identity") == 200 }

    private func scrape(gzip: Bool) throws -> (cpu: Double, wall: Double) {
        let meter = Meter()
        let before = bench_process_cpu(process.processIdentifier)
        let status = bench_http_get(port, "/metrics", gzip ? "gzip" : "identity")
        guard status == 200 else { throw BenchError("the scrape was answered \(status)") }
        return (Double(bench_process_cpu(process.processIdentifier) - before), meter.wallNanoseconds)
    }
}
