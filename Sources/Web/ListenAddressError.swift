/// Why a `--web.listen-address` could not be understood. Its description is one line: what was given, what is wrong
/// with it, and an example.
public struct ListenAddressError: Error, Sendable, Equatable {
    /// What is wrong.
    public enum Problem: Sendable, Equatable {
        /// Nothing was given.
        case empty
        /// There is a host and no port.
        case missingPort
        /// The port is no number from 0 to 65535.
        case badPort(String)
        /// More than one colon and no brackets: where the address ends and the port begins cannot be told.
        case unbracketedIPv6
        /// `[` without `]`.
        case unclosedBracket
        /// What stands in brackets is no IPv6 address.
        case badIPv6(String)
        /// Only digits and dots, and no IPv4 address.
        case badIPv4(String)
        /// A character that no host name has.
        case badName(String)
        /// A unix socket that is not written `unix:/PATH`.
        case unixSocket
        /// The path of a unix socket is longer than 107 bytes, or names no file.
        case badPath
        /// A URL, or something with a path.
        case url
    }

    /// What was given.
    public let input: String

    /// What is wrong with it.
    public let problem: Problem

    /// An error about `input`.
    public init(input: String, problem: Problem) {
        self.input = input
        self.problem = problem
    }
}

extension ListenAddressError: CustomStringConvertible {
    /// One line for a person.
    public var description: String {
        let what =
            switch problem {
            case .empty: "it is empty; write for example 127.0.0.1:10124, or :10124 for all addresses"
            case .missingPort: "it has no port; write for example \(withPort)"
            case .badPort(let port): "the port '\(port)' is not a number from 0 to 65535; write for example :10124"
            case .unbracketedIPv6: unbracketed
            case .unclosedBracket: "'[' without ']'; write for example [::1]:10124"
            case .badIPv6(let host): "'\(host)' is not an IPv6 address; write for example [::1]:10124"
            case .badIPv4(let host): "'\(host)' is not an IPv4 address; write for example 127.0.0.1:10124"
            case .badName(let host): "'\(host)' is not a host name; write for example localhost:10124"
            case .unixSocket: "a unix socket has its whole path; write for example unix:/run/netdrift.sock"
            case .badPath:
                "this is no path of a file, or longer than 107 bytes; write for example unix:/run/netdrift.sock"
            case .url: "an address has no scheme and no path; write for example 127.0.0.1:10124"
            }
        return "bad listen address '\(input)': \(what)"
    }

    /// The input completed by the default port, where that makes an address; a plain example where it does not.
    private var withPort: String {
        let trimmed = input.hasSuffix(":") ? String(input.dropLast()) : input
        let completed = trimmed + ":10124"
        return (try? ListenAddress(parsing: completed)) == nil ? "127.0.0.1:10124" : completed
    }

    /// `::1:80` most likely meant `[::1]:80`; said when the guess is an address.
    private var unbracketed: String {
        var example = "[::1]:10124"
        if let colon = input.lastIndex(of: ":") {
            let guess = "[\(input[..<colon])]\(input[colon...])"
            if (try? ListenAddress(parsing: guess)) != nil { example = guess }
        }
        return "an IPv6 address needs brackets to be told from the port; write \(example)"
    }
}
