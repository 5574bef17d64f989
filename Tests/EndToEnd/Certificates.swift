import Foundation
import TestSupport

/// Certificates for one test, made by openssl(1), in a directory of their own.
final class Certificates {
    private let directory: TemporaryDirectory
    var path: String { directory.path }

    init() throws {
        directory = try TemporaryDirectory()
        for authority in ["ca", "stranger-ca"] {
            try openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-keyout", file("\(authority).key"), "-out", file("\(authority).crt"), "-subj", "/CN=\(authority)")
        }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// A certificate and its key: `NAME.crt` and `NAME.key`. `days` of -1 has expired.
    func issue(_ name: String, by authority: String = "ca", names: String, usage: String, days: Int = 2) throws {
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file("\(name).key"),
            "-out", file("\(name).csr"), "-subj", "/CN=\(name)")
        _ = try directory.write("\(name).ext", "subjectAltName=\(names)\nextendedKeyUsage=\(usage)\n")
        try openssl(
            ["x509", "-req", "-in", file("\(name).csr"), "-CA", file("\(authority).crt"), "-CAkey"]
                + [file("\(authority).key"), "-CAcreateserial", "-extfile", file("\(name).ext"), "-out"]
                + [file("\(name).crt"), "-days", "\(days)"])
    }

    /// Writes a file, as an editor does: another one takes its place.
    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)), options: .atomic)
    }

    func copy(_ name: String, to other: String) throws {
        try write(other, String(contentsOfFile: file(name), encoding: .utf8))
    }

    private func openssl(_ arguments: String...) throws { try openssl(arguments) }

    private func openssl(_ arguments: [String]) throws {
        let result = try Command.run(["openssl"] + arguments)
        guard result.status == 0 else { throw Trouble("openssl \(arguments): \(result.errors)") }
    }
}

/// An agent that serves by a `--web.config.file`, and curl to ask it.
final class SecureAgent {
    let certificates: Certificates
    let process: AgentProcess
    private let scheme: String

    /// `configuration` is the file's text.
    init(
        _ configuration: String, _ certificates: Certificates, flags: [String] = [], listen: [String] = ["127.0.0.1:0"]
    )
        throws
    {
        self.certificates = certificates
        try certificates.write("web.yml", configuration)
        scheme = configuration.contains("tls_server_config") ? "https" : "http"
        process = try AgentProcess(
            ["--discovery.include=host", "--web.config.file=\(certificates.file("web.yml"))"] + flags, listen: listen,
            asksWhetherReady: false)
    }

    /// The status of an answer, or what curl says where there is none.
    func ask(
        _ target: String = "/-/healthy", user: String? = nil, client: String? = nil, with more: [String] = []
    ) throws -> String {
        var arguments = ["curl", "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}"] + more
        if scheme == "https" { arguments += ["--cacert", certificates.file("ca.crt")] }
        if let user { arguments += ["-u", user] }
        if let client {
            arguments += ["--cert", certificates.file("\(client).crt"), "--key", certificates.file("\(client).key")]
        }
        let result = try Command.run(arguments + ["\(scheme)://\(try process.listening())\(target)"])
        return result.status == 0 ? result.output : result.errors
    }

    /// A value of the agent's own metrics.
    func metric(_ name: String, _ labels: [String: String] = [:], user: String? = nil, client: String? = nil) throws
        -> Double?
    {
        var arguments = ["curl", "-sS", "--cacert", certificates.file("ca.crt")]
        if let user { arguments += ["-u", user] }
        if let client {
            arguments += ["--cert", certificates.file("\(client).crt"), "--key", certificates.file("\(client).key")]
        }
        let text = try Command.run(arguments + ["\(scheme)://\(try process.listening())/metrics"]).output
        return try Exposition(parsing: text).value(name, labels)
    }
}
