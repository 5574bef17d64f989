internal import Glibc
internal import Logging
internal import NetnsSystem
internal import Synchronization
internal import Web

/// The security of the web server as its files have it now: the file of `--web.config.file`, and the certificates and keys
/// that it names.
///
/// Each connection and each request asks for it. What the files were made of is compared (four stat(2) at most), and only
/// when it changed they are read again. Where a certificate or a key cannot be used, the ones before stay, since two files
/// cannot be replaced at one instant; where the configuration itself or the file of the clients' authorities is broken,
/// nobody is served until it is right: whom the broken file was to keep out is not known.
///
/// Concurrency: everything is owned by `state`; reading happens with the lock held, once for each change.
final class WebSecurityFile: Sendable {
    /// What tells one content of a file from another.
    private struct Stamp: Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var size: Int = 0
        var modified = 0
        var changed = 0
        var error: Int32 = 0
    }

    private struct State {
        var configuration: WebConfiguration
        var security: WebSecurity
        var stamps: [String: Stamp]
        /// Since when what is told is whole.
        var loaded: Double
        var isRight = true
    }

    /// What is to be said in metrics.
    struct Status {
        let isRight: Bool
        let loaded: Double
        let certificateEnd: Int?
    }

    private let path: String
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads it all. Throws `UnreadableFile`, `ConfigurationError`, or `Failure` for a certificate or key.
    init(_ path: String, _ logger: Logger) throws {
        self.path = path
        self.logger = logger
        // Before reading: what changes meanwhile is read again.
        var stamps = Self.stamps([path])
        let configuration = try WebConfigurationFile.load(path)
        stamps.merge(Self.stamps(configuration.files)) { $1 }
        let security = try Self.security(configuration)
        state = Mutex(
            State(configuration: configuration, security: security, stamps: stamps, loaded: WallClock.now()))
        for note in configuration.notes { logger.warning("\(note)", metadata: ["file": "\(path)"]) }
        Self.remarks(on: configuration, security.tls).forEach { $0.log(logger) }
    }

    /// Checks a file and what it names, and tells what works and should not stay so. Throws as `init`.
    static func check(_ path: String) throws -> [Remark] {
        let configuration = try WebConfigurationFile.load(path)
        return remarks(on: configuration, try security(configuration).tls)
    }

    /// Whether there are secrets in memory: a key, or what passwords are checked against.
    var holdsSecrets: Bool {
        state.withLock { $0.security.tls != nil || !$0.security.users.isEmpty }
    }

    /// How the last change was taken up.
    var status: Status {
        state.withLock {
            Status(isRight: $0.isRight, loaded: $0.loaded, certificateEnd: $0.security.tls?.validity.upperBound)
        }
    }

    /// What holds now.
    func current() -> WebSecurity {
        state.withLock { state in
            let stamps = Self.stamps([path] + state.configuration.files)
            if stamps != state.stamps { reload(&state, stamps) }
            return state.security
        }
    }

    private func reload(_ state: inout State, _ stamps: [String: Stamp]) {
        state.stamps = stamps
        state.isRight = false
        let configuration: WebConfiguration
        do { configuration = try WebConfigurationFile.load(path) } catch {
            state.security.breakage = "\(error)"
            logger.error(
                "nobody is served: the web configuration is broken", metadata: ["file": "\(path)", "error": "\(error)"])
            return
        }
        let hadTLS = state.security.tls != nil
        guard hadTLS == (configuration.tls != nil) else {
            let error = "\(hadTLS ? "without" : "with") tls_server_config it needs a restart"
            state.security.breakage = error
            logger.error(
                "nobody is served: TLS does not come or go while the agent runs",
                metadata: ["file": "\(path)", "error": "\(error)"])
            return
        }
        guard state.security.users.isEmpty || !configuration.users.isEmpty else {
            let error = "without basic_auth_users it needs a restart"
            state.security.breakage = error
            logger.error(
                "nobody is served: that passwords are no longer asked for looks as a file does that is being written",
                metadata: ["file": "\(path)", "error": "\(error)"])
            return
        }
        state.configuration = configuration
        // Not looked at again after it was read: a write in between would pass unseen.
        state.stamps = Self.stamps(configuration.files)
        state.stamps[path] = stamps[path]
        var security = WebSecurity(
            tls: state.security.tls, users: configuration.users, headers: configuration.headers,
            rateLimit: configuration.rateLimit)
        do {
            security.tls = try Self.context(configuration)
            state.isRight = true
            state.loaded = WallClock.now()
            logger.info("the web configuration was loaded again", metadata: ["file": "\(path)"])
            Self.remarks(on: configuration, security.tls).forEach { $0.log(logger) }
        } catch {
            // A certificate and its key are two files, and one of them is there first: until both are, the ones before are
            // served. But whom to trust, and how to speak, holds at once as the files have it; where that cannot be,
            // nobody is served: who was to be kept out is not known.
            do { security.tls = try Self.context(configuration, keeping: state.security.tls) } catch {
                security.breakage = "\(error)"
            }
            logger.error(
                security.breakage == nil
                    ? "the certificates before stay in use: the new ones are of no use"
                    : "nobody is served: what clients are to be trusted by cannot be used",
                metadata: ["file": "\(path)", "error": "\(error)"])
        }
        state.security = security
    }

    private static func security(_ configuration: WebConfiguration) throws -> WebSecurity {
        WebSecurity(
            tls: try context(configuration), users: configuration.users, headers: configuration.headers,
            rateLimit: configuration.rateLimit)
    }

    /// `kept` is what lends its certificate and key when the configuration's own are of no use.
    private static func context(
        _ configuration: WebConfiguration, keeping kept: TLSContext? = nil
    ) throws -> TLSContext? {
        guard let tls = configuration.tls else { return nil }
        var settings = tls.settings
        settings.certificate = try kept?.settings.certificate ?? bytes(tls.certificate)
        settings.key = try kept?.settings.key ?? bytes(tls.key)
        settings.clientAuthorities = try tls.clientAuthorities.map(bytes) ?? []
        do { return try TLSContext(settings) } catch {
            let place =
                switch error.part {
                case .certificate: name(tls.certificate, "cert")
                case .key: name(tls.key, "key")
                case .clientAuthorities: tls.clientAuthorities.map { name($0, "client_ca") } ?? "client_ca_file"
                case .priority, nil: "tls_server_config"
                }
            throw Failure("\(place): \(error)")
        }
    }

    private static func name(_ source: WebConfiguration.TLS.Source, _ key: String) -> String {
        if case .file(let path) = source { path } else { "tls_server_config.\(key)" }
    }

    private static func bytes(_ source: WebConfiguration.TLS.Source) throws -> [UInt8] {
        switch source {
        case .inline(let text): Array(text.utf8)
        case .file(let path): try FileBytes.read(path, upTo: 1 << 20)
        }
    }

    private static func stamps(_ paths: [String]) -> [String: Stamp] {
        var stamps: [String: Stamp] = [:]
        for path in paths {
            var status = stat()
            var stamp = Stamp()
            if unsafe stat(path, &status) == 0 {
                stamp.device = UInt64(status.st_dev)
                stamp.inode = UInt64(status.st_ino)
                stamp.size = Int(status.st_size)
                stamp.modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
                stamp.changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
            } else {
                stamp.error = errno
            }
            stamps[path] = stamp
        }
        return stamps
    }

    /// What works and should not stay so.
    struct Remark: CustomStringConvertible {
        let text: String
        let file: String
        let remedy: String

        var description: String { "\(file): warning: \(text): \(remedy)" }

        func log(_ logger: Logger) { logger.warning("\(text)", metadata: ["file": "\(file)", "remedy": "\(remedy)"]) }
    }

    private static func remarks(on configuration: WebConfiguration, _ context: TLSContext?) -> [Remark] {
        guard let tls = configuration.tls else { return [] }
        var remarks: [Remark] = []
        if case .file(let path) = tls.key {
            var status = stat()
            if unsafe stat(path, &status) == 0, status.st_mode & 0o007 != 0 {
                remarks.append(
                    Remark(text: "everybody on this host may read the key", file: path, remedy: "chmod o= \(path)"))
            }
        }
        let now = Int(WallClock.now())
        if let validity = context?.validity, !validity.contains(now) {
            remarks.append(
                Remark(
                    text: now < validity.lowerBound
                        ? "the certificate is not valid yet, and clients refuse it"
                        : "the certificate has expired, and clients refuse it",
                    file: name(tls.certificate, "cert"), remedy: "put another in its place"))
        }
        return remarks
    }
}
