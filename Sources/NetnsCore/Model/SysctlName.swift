/// The name of a sysctl, as sysctl(8) writes it: components joined by dots, and a dot that is part of a component
/// written as a slash: `net.ipv4.conf.eth0/100.rp_filter` is /proc/sys/net/ipv4/conf/eth0.100/rp_filter.
public struct SysctlName: Hashable, Sendable, CustomStringConvertible {
    /// The dotted form.
    public let dotted: String

    /// A name from its dotted form. Throws unless it begins with `net.` and its components are names of files.
    public init(_ dotted: String) throws(SysctlNameError) {
        try Self.validate(dotted)
        self.dotted = dotted
    }

    /// A name from the components of its path below /proc/sys, each as it stands there.
    public init(components: [String]) {
        dotted = components.map { Self.exchanged($0.unicodeScalars) }.joined(separator: ".")
    }

    /// The components of the path below /proc/sys.
    public var components: [String] {
        dotted.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false).map { Self.exchanged($0) }
    }

    /// The text with `.` for `/` and `/` for `.`: by scalars, since a Character may hold a dot and a mark beside it, and a
    /// container chooses the names of its interfaces.
    static func exchanged(_ text: some Sequence<Unicode.Scalar>) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text { out.append(scalar == "." ? "/" : scalar == "/" ? "." : scalar) }
        return String(out)
    }

    /// Equal bytes: two names that Unicode calls equivalent are two to the kernel.
    public static func == (a: SysctlName, b: SysctlName) -> Bool { a.dotted.utf8.elementsEqual(b.dotted.utf8) }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        for byte in dotted.utf8 { hasher.combine(byte) }
    }

    /// The dotted form.
    public var description: String { dotted }

    /// Entries that hold keys: never read, whatever is asked for. Source: Documentation/networking/ip-sysctl.rst.
    public var isSecret: Bool { Self.secrets.contains(components.last ?? "") }

    static let secrets: Set<String> = ["tcp_fastopen_key", "stable_secret"]

    static func validate(_ dotted: String) throws(SysctlNameError) {
        let parts = dotted.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard parts.first == "net", parts.count >= 2 else { throw .notUnderNet(dotted) }
        for part in parts where part.isEmpty || part.utf8.contains(0) || part == "/" || part == "//" {
            throw .badComponent(dotted)
        }
    }
}

/// Why a text is no name or pattern of a sysctl.
public enum SysctlNameError: Error, Hashable, CustomStringConvertible {
    case notUnderNet(String)
    case badComponent(String)

    /// What is wrong and what to write instead.
    public var description: String {
        switch self {
        case .notUnderNet(let text):
            "'\(text)' is not a network sysctl: write its dotted name, as in net.ipv4.tcp_keepalive_time"
        case .badComponent(let text):
            "'\(text)' has an empty or impossible component: write components joined by single dots, "
                + "and a dot inside a component as a slash, as in net.ipv4.conf.eth0/100.rp_filter"
        }
    }
}

/// A pattern over dotted names, component by component: `*` is any one component or part of one, never several, so
/// `net.ipv4.conf.*.rp_filter` is the entry of every interface and `net.ipv4.tcp_*` no entry of `net.ipv4.conf`.
public struct SysctlPattern: Hashable, Sendable, CustomStringConvertible {
    /// One glob a component, over the component as it stands in the path.
    public let components: [Glob]
    private let text: String

    /// Compiles a pattern; throws on the same grounds as `SysctlName`.
    public init(_ text: String) throws(SysctlNameError) {
        try SysctlName.validate(text)
        self.text = text
        components = text.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false)
            .map { Glob(SysctlName.exchanged($0)) }
        // An escape must not write what a name may not hold: `\/` would be the directory itself, or the one above.
        for component in components {
            guard let literal = component.literal else { continue }
            if literal == Array(".".utf8) || literal == Array("..".utf8) || literal.contains(UInt8(ascii: "/")) {
                throw .badComponent(text)
            }
        }
    }

    /// The pattern as it was written.
    public var description: String { text }

    /// Whether it names one entry, without wildcards.
    public var isLiteral: Bool { components.allSatisfy(\.isLiteral) }

    /// Whether it matches a name.
    public func matches(_ name: SysctlName) -> Bool {
        let parts = name.components
        return parts.count == components.count && zip(components, parts).allSatisfy { $0.matches($1) }
    }
}
