internal import Web

/// What the file of `--web.config.file` says: exporter-toolkit's format (its docs/web-configuration.md).
struct WebConfiguration {
    /// Of the `tls_server_config`: where certificates and keys are, and the rest.
    struct TLS {
        /// A file, or its content in the configuration itself.
        enum Source: Equatable {
            case file(String)
            case inline(String)
        }

        var certificate: Source
        var key: Source
        var clientAuthorities: Source?
        /// All but the bytes of certificates and keys.
        var settings = TLSSettings(certificate: [], key: [])
    }

    var tls: TLS?
    var users: [String: PasswordHash] = [:]
    var headers: [(name: String, value: String)] = []
    var rateLimit: RateLimit?
    /// What is understood and makes no difference here.
    var notes: [String] = []

    /// The files that certificates and keys are read from.
    var files: [String] {
        guard let tls else { return [] }
        return [tls.certificate, tls.key, tls.clientAuthorities].compactMap { source in
            if case .file(let path)? = source { path } else { nil }
        }
    }
}

/// Reads the file of `--web.config.file`: bytes in, values or every mistake out.
package enum WebConfigurationFile {
    /// 2 to the power of this is how often a password's hash may be worked at: 4 s. Those of 10 take 55 ms.
    private static let maximumCost = 16

    /// Reads and checks a file. Throws `UnreadableFile`, or `ConfigurationError` with every mistake.
    static func load(_ path: String) throws -> WebConfiguration {
        try parse(try FileBytes.read(path, upTo: YAMLDocument.Limits.configuration.bytes), file: path)
    }

    /// What is wrong with the bytes of a file, as it is told; nothing when it can be used.
    package static func mistakes(in bytes: [UInt8]) -> [String] {
        do { _ = try parse(bytes, file: "-") } catch { return error.issues.map(\.description) }
        return []
    }

    /// Checks the bytes of a file; `file` is its name in messages, and what a relative path in it is relative to.
    static func parse(_ bytes: [UInt8], file: String) throws(ConfigurationError) -> WebConfiguration {
        var configuration = WebConfiguration()
        guard let root = try ConfigurationFile.document(bytes, file, .web), !root.isNull else { return configuration }
        var issues = IssueCollector(file: file)
        let known = ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"]
        for field in issues.fields(root, .top, known: known) ?? [] {
            switch field.name {
            case "tls_server_config": configuration.tls = issues.tls(field)
            case "http_server_config": issues.http(field, into: &configuration)
            case "rate_limit": configuration.rateLimit = issues.rateLimit(field)
            default:
                for user in issues.fields(field.value, field.path, known: nil) ?? [] {
                    guard !user.name.isEmpty, !user.name.contains(":") else {
                        issues.add("a user's name is not empty and has no colon", user.key, user.path)
                        continue
                    }
                    guard let text = issues.text(user.value, user.path) else { continue }
                    guard let hash = PasswordHash(text) else {
                        issues.add(
                            "this is no password's hash by bcrypt, as in $2y$10$...: write what `htpasswd -nB USER` prints "
                                + "after the colon", user.value, user.path)
                        continue
                    }
                    guard hash.cost <= Self.maximumCost else {
                        issues.add(
                            "at a cost of \(hash.cost) each check of this password would take \(1 << (hash.cost - 14)) s or so, and "
                                + "one is checked at a time: use one of 10 to 14, as `htpasswd -nB -C 12 USER`",
                            user.value, user.path)
                        continue
                    }
                    configuration.users[user.name] = hash
                }
            }
        }
        try issues.finish()
        return configuration
    }
}

extension IssueCollector {
    fileprivate static let httpHeaders = [
        "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "X-XSS-Protection",
        "Content-Security-Policy",
    ]

    fileprivate mutating func http(_ field: Field, into configuration: inout WebConfiguration) {
        for part in fields(field.value, field.path, known: ["http2", "headers"]) ?? [] {
            if part.name == "http2" {
                if boolean(part.value, part.path) == true {
                    configuration.notes.append("http2: true makes no difference: HTTP/1.1 is what is spoken")
                }
                continue
            }
            for header in fields(part.value, part.path, known: Self.httpHeaders) ?? [] {
                guard let value = text(header.value, header.path) else { continue }
                guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                    add("a header's value has printable ASCII alone", header.value, header.path)
                    continue
                }
                configuration.headers.append((name: header.name, value: value))
            }
        }
    }

    /// An interval of 0 is no limit.
    fileprivate mutating func rateLimit(_ field: Field) -> RateLimit? {
        guard let parts = fields(field.value, field.path, known: ["interval", "burst"]) else { return nil }
        var interval: Double?
        var burst: Int?
        for part in parts {
            if part.name == "interval" {
                interval = part.value.text == "0" ? 0 : duration(part.value, part.path, 0...86_400, "0 to 1d")
            } else {
                burst = integer(part.value, part.path, 1...1_000_000)
            }
        }
        for (name, words) in [("interval", "the time for one request, as 1s"), ("burst", "how many may come at once")]
        where !parts.contains(where: { $0.name == name }) && (name == "interval" || interval != 0) {
            add("rate_limit needs \(name), \(words)", field.key, field.path)
        }
        guard let interval, interval > 0, let burst else { return nil }
        return RateLimit(interval: .seconds(interval), burst: burst)
    }

    fileprivate mutating func tls(_ field: Field) -> WebConfiguration.TLS? {
        let known = [
            "cert_file", "key_file", "client_ca_file", "cert", "key", "client_ca", "client_auth_type",
            "client_allowed_sans",
            "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites", "curve_preferences",
        ]
        guard let parts = fields(field.value, field.path, known: known) else { return nil }
        var sources: [String: WebConfiguration.TLS.Source] = [:]
        var settings = TLSSettings(certificate: [], key: [])
        for part in parts {
            switch part.name {
            case "cert_file", "key_file", "client_ca_file":
                let name = String(part.name.dropLast(5))
                guard let path = text(part.value, part.path) else { continue }
                if sources[name] != nil { add("\(name) is given as a text too: one of them", part.key, part.path) }
                sources[name] = .file(ConfigurationFile.resolve(path, beside: file))
            case "cert", "key", "client_ca":
                guard let pem = text(part.value, part.path) else { continue }
                if sources[part.name] != nil { add("\(part.name)_file is given too: one of them", part.key, part.path) }
                sources[part.name] = .inline(pem)
            case "client_auth_type": settings.clientAuthentication = choice(part.value, part.path) ?? .none
            case "client_allowed_sans":
                settings.allowedNames = (oneOrMore(part.value, part.path) ?? []).compactMap { text($0.value, $0.path) }
            case "min_version": settings.minimum = version(part) ?? .tls12
            case "max_version": settings.maximum = version(part) ?? .tls13
            case "cipher_suites":
                settings.suites = (items(part.value, part.path) ?? []).compactMap { suite($0.value, $0.path) }
                let more = TLSSettings.unlistedSuites(of: settings.suites).map(\.rawValue)
                if !more.isEmpty {
                    add(
                        "key exchange and cipher are chosen each by itself, so these would also be taken: "
                            + "\(more.joined(separator: ", ")); list them too, or leave others out", part.value,
                        part.path)
                }
            case "prefer_server_cipher_suites": settings.prefersServerOrder = boolean(part.value, part.path) ?? true
            default: settings.curves = (items(part.value, part.path) ?? []).compactMap { choice($0.value, $0.path) }
            }
        }
        check(settings, sources, field, parts)
        guard let certificate = sources["cert"], let key = sources["key"] else { return nil }
        return WebConfiguration.TLS(
            certificate: certificate, key: key, clientAuthorities: sources["client_ca"], settings: settings)
    }

    /// What one key asks of the others.
    private mutating func check(
        _ settings: TLSSettings, _ sources: [String: WebConfiguration.TLS.Source], _ field: Field, _ parts: [Field]
    ) {
        func place(_ name: String) -> Field { parts.first { $0.name == name } ?? field }
        for (name, word) in [("cert", "certificate"), ("key", "key")] where sources[name] == nil {
            // A key whose value was wrong has been told of.
            if parts.contains(where: { $0.name == name || $0.name == name + "_file" }) { continue }
            add("TLS needs \(name)_file, the file with the \(word) in PEM", field.key, field.path)
        }
        let authentication = settings.clientAuthentication
        let verifies = authentication == .verifyIfGiven || authentication == .requireAndVerify
        if verifies, sources["client_ca"] == nil {
            let part = place("client_auth_type")
            add(
                "\(authentication.rawValue) needs client_ca_file, the certificates that sign the clients'", part.value,
                part.path)
        }
        if authentication == .none, sources["client_ca"] != nil {
            let part = place("client_ca_file")
            add("there is no client_auth_type, so no client would be asked for a certificate", part.key, part.path)
        }
        if authentication != .requireAndVerify, !settings.allowedNames.isEmpty {
            let part = place("client_allowed_sans")
            add("this needs client_auth_type: RequireAndVerifyClientCert", part.key, part.path)
        }
        if settings.minimum == .tls13, settings.maximum == .tls12 {
            let part = place("min_version")
            add("min_version is above max_version", part.value, part.path)
        }
    }

    private mutating func version(_ part: Field) -> TLSSettings.Version? {
        if let text = part.value.text, ["TLS10", "TLS11"].contains(text) {
            // Asked for as a minimum elsewhere: what comes is safer; as a maximum nothing would be left.
            add("\(text) is broken (RFC 8996) and never offered: write TLS12 or TLS13", part.value, part.path)
            return nil
        }
        return choice(part.value, part.path)
    }

    private mutating func suite(_ value: YAMLValue, _ path: KeyPath) -> TLSSettings.Suite? {
        if let text = value.text,
            ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"].contains(text)
        {
            add("suites of TLS 1.3 follow from those of TLS 1.2 here: leave it out", value, path)
            return nil
        }
        return choice(value, path)
    }
}
