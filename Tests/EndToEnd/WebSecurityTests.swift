import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite("--web.config.file") struct WebSecurityTests {
        static let tls = """
            tls_server_config:
              cert_file: server.crt
              key_file: server.key

            """
        static let mutual =
            tls + """
                  client_auth_type: RequireAndVerifyClientCert
                  client_ca_file: ca.crt
                  client_allowed_sans: [prometheus.example, 192.0.2.9]

                """

        /// Whether there was no answer at all. An alert is sent, but what the client sends meanwhile may make it a reset.
        static func isCut(_ said: String) -> Bool { said.contains("curl: (") }

        static func certificates() throws -> Certificates {
            let certificates = try Certificates()
            try certificates.issue("server", names: "IP:127.0.0.1,DNS:localhost", usage: "serverAuth")
            return certificates
        }

        /// `user: hash` for `basic_auth_users`, by htpasswd(1).
        static func user(_ name: String, _ password: String, cost: Int = 5) throws -> String {
            let line = try Command.run(["htpasswd", "-nbBC", "\(cost)", name, password]).output
            let parts = line.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ":", maxSplits: 1)
            return "basic_auth_users:\n  \(parts[0]): \(parts[1])\n"
        }

        @Test("TLS 1.2 and 1.3 are spoken, and nothing older", .needs(.root, .tool("openssl"), .tool("curl")))
        func versions() throws {
            let agent = try SecureAgent(Self.tls, try Self.certificates())
            #expect(try agent.ask() == "200")
            let address = try agent.process.listening()
            for (version, isSpoken) in [("tls1", false), ("tls1_1", false), ("tls1_2", true), ("tls1_3", true)] {
                let result = try Command.run(
                    ["openssl", "s_client", "-connect", address, "-\(version)", "-cipher", "ALL:@SECLEVEL=0"], input: ""
                )
                #expect(result.output.contains("Cipher is (NONE)") == !isSpoken, "\(version): \(result.output)")
            }
            // No key exchange without forward secrecy, no cipher without authentication.
            for cipher in ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"] {
                let result = try Command.run(
                    ["openssl", "s_client", "-connect", address, "-tls1_2", "-cipher", "\(cipher):@SECLEVEL=0"],
                    input: "")
                #expect(result.output.contains("Cipher is (NONE)"), "\(cipher)")
            }
            // Plain HTTP to a port of TLS is no way in, and harms nobody.
            #expect(try Command.run(["curl", "-sS", "-m", "5", "http://\(address)/metrics"]).status != 0)
            #expect(try agent.ask() == "200")
            #expect(agent.process.stop() == 0)
        }

        @Test("min_version, cipher_suites and curve_preferences", .needs(.root, .tool("openssl"), .tool("curl")))
        func restricted() throws {
            let certificates = try Self.certificates()
            let modern = try SecureAgent(
                Self.tls + "  min_version: TLS13\n  curve_preferences: [X25519]\n", certificates)
            #expect(try modern.ask(with: ["--tlsv1.3"]) == "200")
            #expect(try modern.ask(with: ["--tls-max", "1.2"]).contains("SSL"))
            #expect(try modern.ask(with: ["--curves", "P-256"]).contains("SSL"))
            let old = try SecureAgent(
                Self.tls
                    + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n",
                certificates)
            #expect(try old.ask(with: ["--tls-max", "1.2"]) == "200")
            #expect(
                try old.ask(with: ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"]).contains("SSL"))
            #expect(try old.ask(with: ["--tlsv1.3"]).contains("SSL"))
        }

        @Test("a client's certificate is verified, and its names too", .needs(.root, .tool("openssl"), .tool("curl")))
        func clients() throws {
            let certificates = try Self.certificates()
            try certificates.issue("good", names: "DNS:prometheus.example", usage: "clientAuth")
            try certificates.issue("byAddress", names: "IP:192.0.2.9", usage: "clientAuth")
            try certificates.issue("otherName", names: "DNS:else.example", usage: "clientAuth")
            try certificates.issue("forServers", names: "DNS:prometheus.example", usage: "serverAuth")
            try certificates.issue("expired", names: "DNS:prometheus.example", usage: "clientAuth", days: -1)
            try certificates.issue(
                "stranger", by: "stranger-ca", names: "DNS:prometheus.example", usage: "clientAuth")
            let agent = try SecureAgent(Self.mutual, certificates)
            for version in [["--tls-max", "1.2"], ["--tlsv1.3"]] {
                #expect(try agent.ask("/metrics", client: "good", with: version) == "200")
                #expect(try agent.ask("/metrics", client: "byAddress", with: version) == "200")
                #expect(Self.isCut(try agent.ask("/metrics", with: version)), "none, \(version)")
                for bad in ["otherName", "forServers", "expired", "stranger"] {
                    #expect(Self.isCut(try agent.ask("/metrics", client: bad, with: version)), "\(bad), \(version)")
                }
            }
        }

        @Test(
            "a kept connection is refused when its client ceases to be welcome",
            .needs(.root, .tool("openssl"), .tool("curl")))
        func withdrawn() throws {
            let certificates = try Self.certificates()
            try certificates.issue("good", names: "DNS:prometheus.example", usage: "clientAuth")
            let agent = try SecureAgent(Self.mutual, certificates)
            let request = "printf 'GET /-/healthy HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'"
            let kept = try ChildProcess(
                "sh", "-c",
                """
                echo ready
                (\(request); while [ ! -e \(certificates.file("go")) ]; do sleep 0.05; done; \(request); sleep 2) |
                    timeout -k 1 30 openssl s_client -quiet -connect \(try agent.process.listening()) \
                    -cert \(certificates.file("good.crt")) -key \(certificates.file("good.key")) 2>/dev/null
                """)
            func status() throws -> String {
                while true {
                    let line = try kept.readLine()
                    if let at = line.range(of: "HTTP/1.1 ") { return String(line[at.upperBound...].prefix(3)) }
                }
            }
            #expect(try status() == "200")
            try certificates.copy("stranger-ca.crt", to: "ca-of-clients.crt")
            try certificates.write(
                "web.yml", Self.mutual.replacingOccurrences(of: "ca.crt", with: "ca-of-clients.crt"))
            try certificates.write("go", "")
            #expect(try status() == "403")
            #expect(Self.isCut(try agent.ask(client: "good")))
        }

        @Test(
            "who is taken out of the authorities is not let in, whatever else is wrong",
            .needs(.root, .tool("openssl"), .tool("curl")))
        func authorities() throws {
            let certificates = try Self.certificates()
            try certificates.issue("good", names: "DNS:a.example", usage: "clientAuth")
            try certificates.issue("other", by: "stranger-ca", names: "DNS:a.example", usage: "clientAuth")
            try certificates.copy("ca.crt", to: "clients.crt")
            let agent = try SecureAgent(
                Self.tls + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.crt\n",
                certificates)
            #expect(try agent.ask(client: "good") == "200")
            // The only one is taken out, or what takes its place is of no use: nobody is trusted.
            for broken in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
                try certificates.write("clients.crt", broken)
                for _ in 0..<2 { #expect(try agent.ask(client: "good") != "200", "\(broken)") }
            }
            // It holds while the key is another's, whose certificate is still to come.
            try certificates.copy("server.key", to: "old.key")
            try certificates.copy("good.key", to: "server.key")
            try certificates.copy("stranger-ca.crt", to: "clients.crt")
            #expect(try agent.ask(client: "good") != "200")
            #expect(try agent.ask(client: "other") == "200")
            try FileManager.default.removeItem(atPath: certificates.file("clients.crt"))
            #expect(try agent.ask(client: "other") != "200")
            try certificates.copy("old.key", to: "server.key")
            try certificates.copy("ca.crt", to: "clients.crt")
            #expect(try agent.ask(client: "good") == "200")
        }

        @Test("a certificate is replaced while the agent runs", .needs(.root, .tool("openssl"), .tool("curl")))
        func rotation() throws {
            let certificates = try Self.certificates()
            try certificates.issue("next", names: "IP:127.0.0.1", usage: "serverAuth", days: 9)
            let agent = try SecureAgent(Self.tls, certificates)
            func subject() throws -> String {
                try Command.run(
                    ["openssl", "s_client", "-connect", try agent.process.listening(), "-showcerts"], input: ""
                ).output.split(separator: "\n").first { $0.hasPrefix("subject=") }.map(String.init) ?? ""
            }
            #expect(try subject().hasSuffix("server"))
            let end = "netdrift_web_certificate_not_after_timestamp_seconds"
            let before = try #require(try agent.metric(end))
            // The certificate is there and its key is not: the ones before go on.
            try certificates.copy("next.crt", to: "server.crt")
            #expect(try agent.ask() == "200")
            #expect(try subject().hasSuffix("server"))
            #expect(try agent.metric("netdrift_web_config_last_reload_successful") == 0)
            #expect(agent.process.log.contains("not the one of the certificate"))
            try certificates.copy("next.key", to: "server.key")
            #expect(try subject().hasSuffix("next"))
            #expect(try agent.metric("netdrift_web_config_last_reload_successful") == 1)
            #expect(try #require(try agent.metric(end)) > before + 500_000)
            // Neither file at all.
            try FileManager.default.removeItem(atPath: certificates.file("server.key"))
            #expect(try agent.ask() == "200")
            // Many times, with no descriptor left behind.
            try certificates.copy("next.key", to: "server.key")
            _ = try agent.ask()
            let open = try agent.process.descriptors().count
            for _ in 0..<20 {
                try certificates.copy("next.key", to: "server.key")
                #expect(try agent.ask() == "200")
            }
            #expect(try agent.process.descriptors().count <= open + 2)
        }

        @Test("users and passwords, on every path", .needs(.root, .tool("htpasswd"), .tool("curl")))
        func passwords() throws {
            let certificates = try Certificates()
            let configuration = try Self.user("prometheus", "s3cret:with colon")
            let agent = try SecureAgent(configuration, certificates, flags: ["--web.enable-lifecycle"])
            let right = "prometheus:s3cret:with colon"
            for path in ["/metrics", "/", "/-/healthy", "/-/ready", "/api/v1/namespaces", "/nosuch"] {
                #expect(try agent.ask(path) == "401", "\(path)")
                #expect(try agent.ask(path, user: right) == (path == "/nosuch" ? "404" : "200"), "\(path)")
            }
            #expect(try agent.ask("/-/reload", with: ["-X", "POST"]) == "401")
            #expect(try agent.ask("/-/reload", user: right, with: ["-X", "POST"]) == "200")
            let challenge = try agent.process.get("/metrics")
            #expect(challenge.header("WWW-Authenticate")?.hasPrefix("Basic ") == true)
            #expect(challenge.text?.contains("netns_") == false)
            for user in ["prometheus:", "prometheus:wrong", ":", "nobody:s3cret:with colon"] {
                #expect(try agent.ask(user: user) == "401", "\(user)")
            }
        }

        @Test("credentials that are none are refused", .needs(.root, .tool("htpasswd"), .tool("curl")))
        func malformedCredentials() throws {
            let agent = try SecureAgent(try Self.user("u", "p"), try Certificates())
            let long = Data(("u:" + String(repeating: "x", count: 9000)).utf8).base64EncodedString()
            for header in [
                "Basic", "Basic ", "Basic !!!!", "Basic dTpw=", "Basic dTp", "Bearer dTpw", "Digest username=u", "dTpw",
                "Basic /////w==", "Basic dTpwAA==", "Basic \(long)",
            ] {
                let answer = try agent.process.get("/metrics", [("Authorization", header)])
                #expect(answer.status == 401, "\(header.prefix(40))")
            }
            // Two headers: which one counts is not ours to guess.
            let twice = try agent.process.get(
                "/metrics", [("Authorization", "Basic dTpw"), ("Authorization", "Basic dTpw")])
            #expect(twice.status == 401)
        }

        @Test("who fails often has to wait, and who is known does not", .needs(.root, .tool("htpasswd"), .tool("curl")))
        func throttled() throws {
            let agent = try SecureAgent(try Self.user("u", "p"), try Certificates())
            #expect(try agent.ask(user: "u:p") == "200")
            var answers: [String] = []
            for number in 0..<14 { answers.append(try agent.ask(user: "u:wrong\(number)")) }
            #expect(answers.prefix(10).allSatisfy { $0 == "401" }, "\(answers)")
            #expect(answers.suffix(3).allSatisfy { $0 == "429" }, "\(answers)")
            let answer = try agent.process.get("/", [("Authorization", "Basic dTp4")])
            #expect(answer.status == 429 && Int(answer.header("Retry-After") ?? "") != nil)
            #expect(try agent.ask(user: "u:p") == "200")
            let refused = "netdrift_web_requests_refused_total"
            #expect(try #require(try agent.metric(refused, ["reason": "throttled"], user: "u:p")) >= 3)
            #expect(try #require(try agent.metric(refused, ["reason": "failed_login"], user: "u:p")) >= 10)
        }

        @Test(
            "rate_limit bounds what is served, and who is kept out takes nothing of it",
            .needs(.root, .tool("htpasswd"), .tool("curl")))
        func rateLimit() throws {
            let certificates = try Certificates()
            let agent = try SecureAgent(
                try Self.user("u", "p") + "rate_limit: {interval: 1h, burst: 4}\n", certificates)
            for _ in 0..<6 { #expect(try agent.ask() == "401") }
            for _ in 0..<3 { #expect(try agent.ask(user: "u:p") == "200") }
            let refused = "netdrift_web_requests_refused_total"
            #expect(try agent.metric(refused, ["reason": "rate_limit"], user: "u:p") == 0)
            #expect(try agent.ask(user: "u:p") == "429")
            #expect(try agent.ask() == "401")
            try certificates.write("web.yml", try Self.user("u", "p") + "rate_limit: {interval: 0}\n")
            for _ in 0..<8 { #expect(try agent.ask(user: "u:p") == "200") }
            #expect(try agent.metric(refused, ["reason": "rate_limit"], user: "u:p") == 1)
        }

        @Test("what works and should not stay so is warned of", .needs(.root, .tool("openssl"), .tool("curl")))
        func remarks() throws {
            let certificates = try Certificates()
            try certificates.issue("old", names: "IP:127.0.0.1", usage: "serverAuth", days: -1)
            try certificates.issue("new", names: "IP:127.0.0.1", usage: "serverAuth")
            for name in ["old", "new"] {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: certificates.file("\(name).key"))
            }
            func configuration(_ name: String) -> String {
                "tls_server_config: {cert_file: \(name).crt, key_file: \(name).key}\n"
            }
            let agent = try SecureAgent(configuration("old"), certificates)
            #expect(agent.process.log.contains("the certificate has expired"))
            let check = try AgentProcess.run(["config", "check", "--web", certificates.file("web.yml")])
            #expect(
                check.status == 0 && check.errors.contains("old.crt: warning: the certificate has expired"), "\(check)")
            try certificates.write("web.yml", configuration("new"))
            #expect(try agent.ask() == "200")
            #expect(!agent.process.log.contains("everybody on this host may read the key"))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: certificates.file("new.key"))
            #expect(try agent.ask() == "200")
            #expect(agent.process.log.contains("everybody on this host may read the key"), "\(agent.process.log)")
        }

        @Test(
            "the file is read again, and a broken one lets nobody in", .needs(.root, .tool("htpasswd"), .tool("curl")))
        func reloaded() throws {
            let certificates = try Certificates()
            let agent = try SecureAgent(try Self.user("u", "p"), certificates)
            #expect(try agent.ask(user: "u:p") == "200")
            try certificates.write("web.yml", try Self.user("u", "other"))
            #expect(try agent.ask(user: "u:p") == "401")
            #expect(try agent.ask(user: "u:other") == "200")
            // As it is for a moment while somebody writes it, and as it would be without passwords.
            for text in ["", "http_server_config: {}\n"] {
                try certificates.write("web.yml", text)
                #expect(try agent.ask() == "500")
                #expect(try agent.ask(user: "u:other") == "500")
            }
            try certificates.write("web.yml", try Self.user("u", "other"))
            #expect(try agent.ask() == "401")
            #expect(try agent.ask(user: "u:other") == "200")
            try certificates.write("web.yml", "basic_auth_user: {}\n")
            #expect(try agent.ask(user: "u:other") == "500")
            #expect(try agent.ask() == "500")
            #expect(agent.process.log.contains("web.yml:1:1: basic_auth_user: unknown key"))
            try FileManager.default.removeItem(atPath: certificates.file("web.yml"))
            #expect(try agent.ask(user: "u:other") == "500")
            try certificates.write("web.yml", Self.tls)
            #expect(try agent.ask(user: "u:other") == "500")
            #expect(agent.process.log.contains("needs a restart"))
            try certificates.write(
                "web.yml", try Self.user("u", "p") + "http_server_config: {headers: {X-Frame-Options: SAMEORIGIN}}")
            #expect(try agent.ask(user: "u:p") == "200")
            let answer = try agent.process.get("/", [("Authorization", "Basic dTpw")])
            #expect(answer.header("X-Frame-Options") == "SAMEORIGIN")
            #expect(answer.header("X-Content-Type-Options") == "nosniff")
        }

        @Test(
            "Prometheus scrapes over TLS with certificate and password",
            .needs(.root, .tool("openssl"), .tool("htpasswd"), .tool("prometheus"), .tool("curl")))
        func prometheus() throws {
            let certificates = try Self.certificates()
            try certificates.issue("good", names: "DNS:prometheus.example", usage: "clientAuth")
            let agent = try SecureAgent(Self.mutual + (try Self.user("u", "p")), certificates)
            // This one came after Debian's Prometheus.
            try certificates.write(
                "common.yml",
                (Self.mutual + (try Self.user("u", "p"))).split(separator: "\n")
                    .filter { !$0.contains("client_allowed_sans") }.joined(separator: "\n"))
            let check = try Command.run(["promtool", "check", "web-config", certificates.file("common.yml")])
            #expect(check.status == 0, "\(check.errors)")
            let directory = try TemporaryDirectory()
            let file = try directory.write(
                "prometheus.yml",
                """
                global: { scrape_interval: 1s, scrape_timeout: 1s }
                scrape_configs:
                  - job_name: netdrift
                    scheme: https
                    basic_auth: { username: u, password: p }
                    tls_config:
                      ca_file: \(certificates.file("ca.crt"))
                      cert_file: \(certificates.file("good.crt"))
                      key_file: \(certificates.file("good.key"))
                    static_configs: [ { targets: ["\(try agent.process.listening())"] } ]

                """)
            let prometheus = try Prometheus(config: file, in: directory)
            let up = try eventually(within: 30) { try prometheus.count("up == 1") > 0 ? true : nil }
            #expect(up == true)
        }
    }
}
