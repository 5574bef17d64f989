/// What a listener's TLS is made of. Certificates and keys are PEM.
public struct TLSSettings: Sendable, Equatable {
    /// What is asked of clients, by the words of Go's crypto/tls, which exporter-toolkit takes.
    public enum ClientAuthentication: String, Sendable, CaseIterable {
        /// No certificate is asked for.
        case none = "NoClientCert"
        /// One is asked for, and not looked at.
        case request = "RequestClientCert"
        /// There must be one; who signed it does not matter.
        case require = "RequireAnyClientCert"
        /// One that is sent must be signed by a client CA.
        case verifyIfGiven = "VerifyClientCertIfGiven"
        /// There must be one, signed by a client CA.
        case requireAndVerify = "RequireAndVerifyClientCert"

        var isRequired: Bool { self == .require || self == .requireAndVerify }
        var isVerified: Bool { self == .verifyIfGiven || self == .requireAndVerify }
    }

    /// A version that is offered; older ones never are.
    public enum Version: String, Sendable, CaseIterable {
        case tls12 = "TLS12"
        case tls13 = "TLS13"
    }

    /// Cipher suites of TLS 1.2 by their names at IANA: those with forward secrecy and authenticated encryption.
    public enum Suite: String, Sendable, CaseIterable {
        case rsaAES128 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        case rsaAES256 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        case rsaChaCha = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
        case ecdsaAES128 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        case ecdsaAES256 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        case ecdsaChaCha = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"

        var keyExchange: String { rawValue.contains("ECDSA") ? "ECDHE-ECDSA" : "ECDHE-RSA" }
        var cipher: String {
            if rawValue.contains("CHACHA20") { return "CHACHA20-POLY1305" }
            return rawValue.contains("AES_128") ? "AES-128-GCM" : "AES-256-GCM"
        }
    }

    /// Groups of the key exchange, by Go's names.
    public enum Curve: String, Sendable, CaseIterable {
        case p256 = "CurveP256"
        case p384 = "CurveP384"
        case p521 = "CurveP521"
        case x25519 = "X25519"

        var group: String {
            switch self {
            case .p256: "SECP256R1"
            case .p384: "SECP384R1"
            case .p521: "SECP521R1"
            case .x25519: "X25519"
            }
        }
    }

    /// The certificate, and those between it and its root.
    public var certificate: [UInt8]
    /// Its key, not encrypted.
    public var key: [UInt8]
    /// Who may sign the certificates of clients.
    public var clientAuthorities: [UInt8] = []
    /// What is asked of clients.
    public var clientAuthentication = ClientAuthentication.none
    /// Of which a client's certificate must have one as a subject alternative name (DNS, IP, email or URI, as written
    /// there); empty: any.
    public var allowedNames: [String] = []
    /// The oldest version that is offered.
    public var minimum = Version.tls12
    /// The newest.
    public var maximum = Version.tls13
    /// What is offered for TLS 1.2; empty: all of `Suite`.
    public var suites: [Suite] = []
    /// What is offered for the key exchange, the best first; empty: all of `Curve`.
    public var curves: [Curve] = []
    /// Whether the server's order of ciphers counts, not the client's.
    public var prefersServerOrder = true

    /// Settings with a certificate and its key, and for the rest the defaults of exporter-toolkit.
    public init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }

    /// The suites that GnuTLS would take beside those asked for: it chooses key exchange and cipher each by itself.
    public static func unlistedSuites(of suites: [Suite]) -> [Suite] {
        let exchanges = Set(suites.map(\.keyExchange))
        let ciphers = Set(suites.map(\.cipher))
        return Suite.allCases.filter {
            exchanges.contains($0.keyExchange) && ciphers.contains($0.cipher) && !suites.contains($0)
        }
    }

    /// The settings as a priority string of GnuTLS (gnutls.org, "Priority strings").
    var priority: String {
        let suites = suites.isEmpty ? Suite.allCases : suites
        let curves = curves.isEmpty ? [.x25519, .p256, .p384, .p521] : curves
        let versions = [Version.tls13, .tls12].filter { version in
            version == minimum || version == maximum
        }
        var words = ["NONE"]
        words += versions.map { $0 == .tls13 ? "+VERS-TLS1.3" : "+VERS-TLS1.2" }
        var seen: Set<String> = []
        words += suites.map { "+" + $0.cipher }.filter { seen.insert($0).inserted }
        words += ["+AEAD"]
        words += suites.map { "+" + $0.keyExchange }.filter { seen.insert($0).inserted }
        words += curves.map { "+GROUP-" + $0.group }
        words += [
            "+SIGN-ECDSA-SECP256R1-SHA256", "+SIGN-ECDSA-SHA256", "+SIGN-ECDSA-SECP384R1-SHA384", "+SIGN-ECDSA-SHA384",
            "+SIGN-ECDSA-SECP521R1-SHA512", "+SIGN-ECDSA-SHA512", "+SIGN-EDDSA-ED25519", "+SIGN-RSA-PSS-RSAE-SHA256",
            "+SIGN-RSA-PSS-RSAE-SHA384", "+SIGN-RSA-PSS-RSAE-SHA512", "+SIGN-RSA-PSS-SHA256", "+SIGN-RSA-PSS-SHA384",
            "+SIGN-RSA-PSS-SHA512", "+SIGN-RSA-SHA256", "+SIGN-RSA-SHA384", "+SIGN-RSA-SHA512", "+COMP-NULL",
            "+CTYPE-X509",
        ]
        if prefersServerOrder { words.append("%SERVER_PRECEDENCE") }
        return words.joined(separator: ":")
    }
}
