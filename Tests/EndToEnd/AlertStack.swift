import Foundation
import TestSupport

/// The real Prometheus with the shipped rules, the real Alertmanager with the shipped route, and a webhook receiver.
final class AlertStack {
    /// An alert as a receiver gets it.
    struct Alert: Decodable {
        let status: String
        let labels: [String: String]
        let annotations: [String: String]
    }

    let prometheus: Prometheus
    private let alertmanager: ListeningProgram
    private let receiver: ChildProcess
    private var received: [Alert] = []

    private static let script = """
        import http.server, json, sys, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                sys.stdout.write(json.dumps(body['alerts']) + '\\n')
                sys.stdout.flush()
                self.send_response(200)
                self.end_headers()
            def log_message(self, *arguments):
                pass
        server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        print('ready', flush=True)
        print(server.server_port, flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        """

    init(scraping agent: String) throws {
        receiver = try ChildProcess(Holder.python, "-c", Self.script)
        let port = try receiver.readLine()
        let place = try TemporaryDirectory()
        let route = try Shipped.copyAlertmanager(to: place, receiver: "127.0.0.1:\(port)")
        alertmanager = try ListeningProgram(
            "prometheus-alertmanager", in: place, ready: "/-/ready",
            [
                "--config.file=\(route)", "--storage.path=\(place.path)/data", "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",
            ])
        let directory = try TemporaryDirectory()
        let config = try Shipped.copyRules(to: directory, agent: agent, alertmanager: alertmanager.address)
        prometheus = try Prometheus(config: config, in: directory)
    }

    deinit { receiver.end() }

    /// The first alert with this status and these labels among its own that the receiver gets, or has got and nobody has
    /// asked for. Throws when there is none within `seconds`.
    func alert(_ status: String, _ labels: [String: String], within seconds: Double = 60) throws -> Alert {
        let end = Date().addingTimeInterval(seconds)
        while true {
            let found = received.firstIndex { alert in
                alert.status == status && labels.allSatisfy { alert.labels[$0.key] == $0.value }
            }
            if let found { return received.remove(at: found) }
            let rest = end.timeIntervalSinceNow
            guard rest > 0, let line = try? receiver.readLine(within: rest), !line.isEmpty else {
                throw Trouble("no alert \(status) with \(labels), but \(received); Prometheus has \(try firing())")
            }
            received += try JSONDecoder().decode([Alert].self, from: Data(line.utf8))
        }
    }

    /// What Prometheus thinks of alerts now: for the words of a failure.
    private func firing() throws -> String { try prometheus.query("/api/v1/alerts") }

    /// Whether Alertmanager has an alert with these labels among its own and keeps it back.
    func isInhibited(_ labels: [String: String]) throws -> Bool {
        struct Entry: Decodable {
            struct Status: Decodable { let inhibitedBy: [String] }
            let labels: [String: String]
            let status: Status
        }
        let entries = try JSONDecoder().decode([Entry].self, from: Data(try alertmanager.get("/api/v2/alerts").utf8))
        return entries.contains { entry in
            !entry.status.inhibitedBy.isEmpty && labels.allSatisfy { entry.labels[$0.key] == $0.value }
        }
    }

    /// Ends all of it; whether nothing is left.
    func stop() -> Bool {
        let stopped = [prometheus.stop(), alertmanager.stop()]
        receiver.end()
        return stopped == [true, true] && !receiver.isRunning
    }
}
