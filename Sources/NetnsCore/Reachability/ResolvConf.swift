/// What a resolv.conf(5) says, as glibc reads it. Source: resolv.conf(5), resolv/res_init.c res_vinit_1().
///
/// What glibc takes from elsewhere is not in it: without `domain` or `search` it searches the domain of the host's name,
/// and `LOCALDOMAIN` and `RES_OPTIONS` of a process override the file.
public struct ResolvConf: Hashable, Sendable {
    /// A name server.
    public struct NameServer: Hashable, Sendable {
        /// Its address.
        public var address: IPAddress
        /// What stands behind the `%` of an IPv6 address: an interface's name or index.
        public var scope: InlineBytes<16>?

        /// A name server.
        public init(_ address: IPAddress, scope: InlineBytes<16>? = nil) {
            self.address = address
            self.scope = scope
        }
    }

    /// How many name servers are used: MAXNS. Those behind them are passed over.
    public static let maximumNameServers = 3
    /// How many search domains are kept. glibc had room for six up to 2.25, and has no bound since; Kubernetes
    /// allows 32.
    public static let maximumSearchDomains = 32

    /// The name servers in the file's order. Where there is none, glibc asks 127.0.0.1.
    public var nameServers: [NameServer] = []
    /// The domains to be searched, of the last `domain` or `search`.
    public var searchDomains: [String] = []
    /// `ndots`: a name with as many dots is first asked for as it is. At most 15.
    public var dots = 1
    /// `timeout`: seconds to wait for one answer. At most 30.
    public var timeout = 5
    /// `attempts`: how often each server is asked. At most 5.
    public var attempts = 2
    /// `rotate`: the servers take turns.
    public var rotates = false
    /// `use-vc`: everything is asked over TCP.
    public var usesTCP = false

    /// An empty file.
    public init() {}

    /// Reads a file, whose size the caller bounds; whatever is no line of resolv.conf(5) is passed over.
    ///
    /// An IPv4 address has to have four numbers; glibc takes also the other forms of inet_aton(3).
    public init(decoding text: borrowing RawSpan) {
        var start = 0
        while start < text.byteCount {
            var end = start
            while end < text.byteCount, text.loadByte(at: end) != UInt8(ascii: "\n") { end += 1 }
            // A keyword stands in the first column, and a comment takes a whole line.
            var words = Words(text, start..<end)
            if let key = words.next(text), key.lowerBound == start, key.upperBound < end { read(text, key, &words) }
            start = end + 1
        }
    }

    private mutating func read(_ text: borrowing RawSpan, _ key: Range<Int>, _ words: inout Words) {
        if text.equals("nameserver", in: key) {
            guard nameServers.count < Self.maximumNameServers, let word = words.next(text),
                let server = NameServer(text.extracting(word))
            else { return }
            nameServers.append(server)
        } else if text.equals("domain", in: key) {
            guard let word = words.next(text) else { return }
            searchDomains = Self.domain(text.extracting(word)).map { [$0] } ?? []
        } else if text.equals("search", in: key) {
            guard let first = words.next(text) else { return }
            searchDomains = []
            var word: Range<Int>? = first
            while let range = word {
                if searchDomains.count < Self.maximumSearchDomains, let domain = Self.domain(text.extracting(range)) {
                    searchDomains.append(domain)
                }
                word = words.next(text)
            }
        } else if text.equals("options", in: key) {
            while let word = words.next(text) { setOption(text, word) }
        }
    }

    private mutating func setOption(_ text: borrowing RawSpan, _ word: Range<Int>) {
        if let number = Self.number(text, word, after: "ndots:") { dots = min(number, 15) }
        if let number = Self.number(text, word, after: "timeout:") { timeout = min(number, 30) }
        if let number = Self.number(text, word, after: "attempts:") { attempts = min(number, 5) }
        if text.equals("rotate", in: word) { rotates = true }
        if text.equals("use-vc", in: word) { usesTCP = true }
    }

    /// The number behind a prefix, or 100 when it is larger.
    private static func number(_ text: borrowing RawSpan, _ word: Range<Int>, after prefix: StaticString) -> Int? {
        let start = word.lowerBound + prefix.utf8CodeUnitCount
        guard start < word.upperBound, text.equals(prefix, in: word.lowerBound..<start) else { return nil }
        var value = 0
        for offset in start..<word.upperBound {
            let digit = text.loadByte(at: offset) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = min(value * 10 + Int(digit), 100)
        }
        return value
    }

    /// A domain of printable ASCII that may be part of a name; nil of anything else.
    private static func domain(_ word: borrowing RawSpan) -> String? {
        guard word.byteCount <= 254 else { return nil }
        for offset in 0..<word.byteCount where word.loadByte(at: offset) >= 0x7F || word.loadByte(at: offset) <= 0x20 {
            return nil
        }
        return String(decoding: word.bytes(0..<word.byteCount), as: UTF8.self)
    }

    /// The names to ask for, one after the other until one is there, each with its last dot.
    ///
    /// A name with a last dot is asked for alone; one with at least `dots` dots first as it is, then in each domain; any
    /// other first in each domain. Source: resolv/res_query.c __res_context_search().
    public func names(for name: String) -> [String] {
        if name.hasSuffix(".") { return [name] }
        let isFirst = name.utf8.count { $0 == UInt8(ascii: ".") } >= dots
        var names: [String] = isFirst ? [name + "."] : []
        for domain in searchDomains {
            let bare = String(domain.drop { $0 == "." })
            let full = bare.isEmpty ? name + "." : name + "." + bare + (bare.hasSuffix(".") ? "" : ".")
            if !names.contains(full) { names.append(full) }
        }
        if !names.contains(name + ".") { names.append(name + ".") }
        return names
    }
}

extension ResolvConf.NameServer {
    /// An address, an IPv6 one also with a scope. A scope that is longer than a name can be is left out, as glibc does
    /// with one it cannot find.
    fileprivate init?(_ word: borrowing RawSpan) {
        var end = 0
        while end < word.byteCount, word.loadByte(at: end) != UInt8(ascii: "%") { end += 1 }
        guard let address = IPAddress(parsing: word.extracting(0..<end)),
            end == word.byteCount || address.family == .ipv6
        else { return nil }
        self.address = address
        let length = word.byteCount - end - 1
        scope = (1...15).contains(length) ? InlineBytes(word.extracting(end + 1..<word.byteCount)) : nil
    }
}

/// The words of a line, which blanks part: a space and a tab, and of hosts(5) all that isspace(3) takes.
struct Words {
    private var offset: Int
    private let end: Int
    private let isAnySpaceBlank: Bool

    init(_ text: borrowing RawSpan, _ line: Range<Int>, isAnySpaceBlank: Bool = false) {
        offset = line.lowerBound
        end = line.upperBound
        self.isAnySpaceBlank = isAnySpaceBlank
    }

    /// Where the next word is; nil at the end.
    mutating func next(_ text: borrowing RawSpan) -> Range<Int>? {
        while offset < end, isBlank(text.loadByte(at: offset)) { offset += 1 }
        let start = offset
        while offset < end, !isBlank(text.loadByte(at: offset)) { offset += 1 }
        return start < offset ? start..<offset : nil
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        // \v, \f and \r, which resolv.conf has no use for: a file with CR LF has no name server for glibc.
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || (isAnySpaceBlank && (0x0B...0x0D).contains(byte))
    }
}
