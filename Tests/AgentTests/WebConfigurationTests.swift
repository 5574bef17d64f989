import Testing
import Web

@testable import Agent

@Suite("the file of --web.config.file") struct WebConfigurationTests {
    static func parse(_ text: String) throws -> WebConfiguration {
        try WebConfigurationFile.parse(Array(text.utf8), file: "/etc/netdrift/web.yml")
    }

    @Test("everything that may stand in it")
    func whole() throws {
        let hash = "$2y$10$" + String(repeating: "a", count: 53)
        let configuration = try Self.parse(
            """
            tls_server_config:
              cert_file: server.crt
              key_file: /keys/server.key
              client_ca_file: ../ca.crt
              client_auth_type: RequireAndVerifyClientCert
              client_allowed_sans: [a.example, 192.0.2.1]
              min_version: TLS12
              max_version: TLS13
              cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
              prefer_server_cipher_suites: false
              curve_preferences: [X25519, CurveP256]
            http_server_config:
              http2: true
              headers: { Strict-Transport-Security: max-age=1, X-Frame-Options: deny }
            basic_auth_users: { alice: \(hash), "b o b": \(hash) }
            """)
        let tls = try #require(configuration.tls)
        #expect(tls.certificate == .file("/etc/netdrift/server.crt") && tls.key == .file("/keys/server.key"))
        #expect(tls.clientAuthorities == .file("/etc/netdrift/../ca.crt"))
        #expect(tls.settings.allowedNames == ["a.example", "192.0.2.1"] && !tls.settings.prefersServerOrder)
        #expect(tls.settings.suites == [.rsaAES128] && tls.settings.curves == [.x25519, .p256])
        #expect(configuration.users.keys.sorted() == ["alice", "b o b"])
        #expect(configuration.headers.map(\.name) == ["Strict-Transport-Security", "X-Frame-Options"])
        #expect(configuration.notes.count == 1 && configuration.files.count == 3)
    }

    @Test("certificates may stand in the file itself")
    func inline() throws {
        let configuration = try Self.parse("tls_server_config:\n  cert: |\n    A\n    B\n  key: |\n    C\n")
        #expect(configuration.tls?.certificate == .inline("A\nB\n") && configuration.tls?.key == .inline("C\n"))
        #expect(configuration.files.isEmpty)
    }

    @Test("an empty file asks for nothing", arguments: ["", "# nothing\n", "{}", "basic_auth_users: {}"])
    func nothing(_ text: String) throws {
        let configuration = try Self.parse(text)
        #expect(configuration.tls == nil && configuration.users.isEmpty)
    }

    @Test(
        "mistakes, each with its place",
        arguments: [
            ("tls_server_conf: {}", "1:1", "did you mean 'tls_server_config'"),
            ("tls_server_config: {cert_file: a}", "1:1", "TLS needs key_file"),
            ("tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS11", "4:16", "RFC 8996"),
            ("tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS14", "4:16", "TLS13"),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS13\n  max_version: TLS12", "4:16",
                "above"
            ),
            ("tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c", "4:3", "no client_auth_type"),
            ("tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: Verify", "4:21", "none of them"),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAndVerifyClientCert",
                "4:21",
                "needs client_ca_file"
            ),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_allowed_sans: [x]", "4:3",
                "RequireAndVerify"
            ),
            ("tls_server_config:\n  cert_file: a\n  cert: b\n  key_file: c", "3:3", "one of them"),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]",
                "4:19",
                "none of them"
            ),
            ("basic_auth_users: {u: secret}", "1:23", "htpasswd -nB"),
            ("basic_auth_users: {\"a:b\": x}", "1:20", "no colon"),
            (
                "basic_auth_users: {u: $2y$31$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG}", "1:23",
                "at a cost of 31"
            ),
            ("http_server_config: {headers: {Server: x}}", "1:32", "unknown key 'Server'"),
            ("http_server_config: {headers: {X-Frame-Options: \"a\\nb\"}}", "1:49", "printable ASCII"),
            ("rate_limit: {interval: 1s}", "1:1", "rate_limit needs burst"),
            ("rate_limit: {burst: 1}", "1:1", "rate_limit needs interval"),
            ("rate_limit: {interval: 1s, burst: 0}", "1:35", "burst"),
            ("rate_limit: {interval: fast, burst: 2}", "1:24", "interval"),
            ("rate_limit: {interval: 1s, burst: 2, per: x}", "1:38", "unknown key 'per'"),
        ])
    func mistakes(_ text: String, _ place: String, _ words: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try Self.parse(text) }
        #expect("\(error)".contains("/etc/netdrift/web.yml:\(place):") && "\(error)".contains(words), "\(error)")
    }
}
