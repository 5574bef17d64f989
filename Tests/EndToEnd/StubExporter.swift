import Foundation
import TestSupport

/// Serves an exposition of the test's own: for what Prometheus and Alertmanager make of samples that would take a crowd of
/// namespaces.
final class StubExporter {
    /// Where it listens.
    let address: String
    private let process: ChildProcess
    private let directory: TemporaryDirectory

    private static let script = """
        import http.server, sys, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = open(sys.argv[1], 'rb').read()
                self.send_response(200)
                self.send_header('Content-Type', 'text/plain; version=0.0.4')
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments):
                pass
        server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        print('ready', flush=True)
        print(server.server_port, flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        """

    init(_ lines: [String]) throws {
        directory = try TemporaryDirectory()
        let path = try directory.write("metrics", Self.text(lines))
        process = try ChildProcess(Holder.python, "-c", Self.script, path)
        address = "127.0.0.1:\(try process.readLine())"
    }

    deinit { process.end() }

    /// Serves something else from now on.
    func serve(_ lines: [String]) throws {
        // At once: a scrape never sees half of it.
        try Data(Self.text(lines).utf8).write(to: URL(fileURLWithPath: "\(directory.path)/metrics"), options: .atomic)
    }

    private static func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
}
