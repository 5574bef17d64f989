/// Why certificates and keys make no TLS. Each description is one line that a person can act on.
public enum TLSError: Error, Sendable, Equatable {
    /// Which of the settings is of no use.
    public enum Part: String, Sendable {
        case certificate, key, clientAuthorities, priority
    }

    /// GnuTLS refuses a part; with its words.
    case refused(Part, String)
    /// The key is not that of the certificate.
    case keyOfAnother
    /// No memory.
    case unavailable(String)

    /// The part that is to be mended.
    public var part: Part? {
        switch self {
        case .refused(let part, _): part
        case .keyOfAnother: .key
        case .unavailable: nil
        }
    }
}

extension TLSError: CustomStringConvertible {
    /// One line for a person.
    public var description: String {
        switch self {
        case .refused(.certificate, let reason): "this is no certificate in PEM: \(reason)"
        case .refused(.key, let reason): "this is no key in PEM without a passphrase: \(reason)"
        case .refused(.clientAuthorities, let reason): "there is no certificate in PEM in this: \(reason)"
        case .refused(.priority, let reason): "GnuTLS does not take these versions, suites and curves: \(reason)"
        case .keyOfAnother: "this key is not the one of the certificate"
        case .unavailable(let reason): "GnuTLS cannot work: \(reason)"
        }
    }
}
