/// A question to a name server. Source: RFC 1035 section 4.1.
public struct DNSQuestion: Sendable, Hashable {
    /// What the answer has to repeat.
    public var id: UInt16
    /// The name that is asked for.
    public var name: DNSName
    /// What is asked for.
    public var type: Probe.QueryType

    /// A question.
    public init(id: UInt16, name: DNSName, type: Probe.QueryType) {
        self.id = id
        self.name = name
        self.type = type
    }

    /// A question for the name that a text is.
    public init(id: UInt16, name: String, type: Probe.QueryType) throws(DNSName.Problem) {
        self.init(id: id, name: try DNSName(name), type: type)
    }

    /// The message for UDP, which asks for recursion; over TCP its length goes before it (RFC 1035 section 4.2.2).
    public var bytes: [UInt8] {
        let header: [UInt16] = [id, DNSHeader.recursionDesired, 1, 0, 0, 0]
        var bytes: [UInt8] = []
        for field in header { bytes += [UInt8(field >> 8), UInt8(truncatingIfNeeded: field)] }
        bytes += name.wire
        bytes += [0, UInt8(type.code), 0, UInt8(DNSHeader.internet)]
        return bytes
    }
}

/// What a message says to a question.
public enum DNSAnswer: Sendable, Hashable {
    /// There is what was asked for: so many records of the type, and of A and AAAA their addresses, at most
    /// `maximumAddresses`, in the message's order.
    case answered(addresses: [IPAddress], records: Int)
    /// NXDOMAIN: there is no such name.
    case nameError
    /// The name has no record of the type, or this server does not know.
    case noData
    /// Any other error code: 1 FORMERR, 2 SERVFAIL, 4 NOTIMP, 5 REFUSED.
    case serverFailure(rcode: UInt8)
    /// It did not fit into the datagram: to be asked again over TCP.
    case truncated
    /// Another id or another question, no answer at all, or malformed: somebody else's, forged or broken. The answer may
    /// still come.
    case notForUs

    /// How many addresses are kept of one answer.
    public static let maximumAddresses = 64
    /// How many aliases one after the other are followed; BIND follows 16 too.
    public static let maximumAliases = 16

    /// Reads a message, without the length that goes before it over TCP. Any bytes will do.
    public init(decoding message: borrowing RawSpan, to question: DNSQuestion) {
        self = Self.decode(message, question) ?? .notForUs
    }

    private static func decode(_ message: borrowing RawSpan, _ question: DNSQuestion) -> DNSAnswer? {
        guard message.byteCount >= DNSHeader.length, message.big16(at: 0) == question.id else { return nil }
        let flags = message.big16(at: 2)
        // A response, to a standard query.
        guard flags & DNSHeader.response != 0, flags & DNSHeader.operationCode == 0 else { return nil }
        let code = UInt8(flags & DNSHeader.responseCode)
        let questions = message.big16(at: 4)
        // Who could not read the question need not repeat it.
        if questions == 0, code == 1 { return .serverFailure(rcode: code) }
        var offset = DNSHeader.length
        guard questions == 1, let name = DNSName(decoding: message, at: &offset), name == question.name,
            offset + 4 <= message.byteCount, message.big16(at: offset) == question.type.code,
            message.big16(at: offset + 2) == DNSHeader.internet
        else { return nil }
        offset += 4
        switch code {
        case 0: break
        case 3: return .nameError
        default: return .serverFailure(rcode: code)
        }
        if flags & DNSHeader.truncation != 0 { return .truncated }
        return records(message, from: offset, question)
    }

    /// The records of the answer section that are of the name asked for, or of what it is an alias of.
    private static func records(
        _ message: borrowing RawSpan, from start: Int, _ question: DNSQuestion
    ) -> DNSAnswer? {
        let count = Int(message.big16(at: 6))
        var aliases: [DNSName: DNSName] = [:]
        var offset = start
        // Twice over the section: an alias may stand behind what it leads to.
        for _ in 0..<count {
            guard let record = DNSRecord(decoding: message, at: &offset) else { return nil }
            guard record.type == Probe.QueryType.cname.code, question.type != .cname, aliases.count < 64 else {
                continue
            }
            var position = record.data.lowerBound
            guard let target = DNSName(decoding: message, at: &position), position <= record.data.upperBound else {
                return nil
            }
            if aliases[record.name] == nil { aliases[record.name] = target }
        }
        var name = question.name
        for _ in 0..<maximumAliases {
            guard let next = aliases[name] else { break }
            name = next
        }
        var addresses: [IPAddress] = []
        var matching = 0
        offset = start
        for _ in 0..<count {
            guard let record = DNSRecord(decoding: message, at: &offset) else { return nil }
            guard record.type == question.type.code, record.name == name else { continue }
            matching += 1
            guard question.type == .a || question.type == .aaaa else { continue }
            let length = question.type == .a ? 4 : 16
            guard record.data.count == length, let address = IPAddress(message.extracting(record.data)) else {
                return nil
            }
            if addresses.count < maximumAddresses { addresses.append(address) }
        }
        return matching == 0 ? .noData : .answered(addresses: addresses, records: matching)
    }
}

/// A resource record of class IN; those of others have type 0, which nobody asks for. Source: RFC 1035 section 4.1.3.
private struct DNSRecord {
    let name: DNSName
    let type: UInt16
    /// RDATA in the message.
    let data: Range<Int>

    /// The record at `offset`, which is moved behind it; nil where there is no whole one.
    init?(decoding message: borrowing RawSpan, at offset: inout Int) {
        var position = offset
        guard let name = DNSName(decoding: message, at: &position), message.byteCount - position >= 10 else {
            return nil
        }
        let length = Int(message.big16(at: position + 8))
        guard length <= message.byteCount - position - 10 else { return nil }
        self.name = name
        type = message.big16(at: position + 2) == DNSHeader.internet ? message.big16(at: position) : 0
        data = position + 10..<position + 10 + length
        offset = data.upperBound
    }
}

/// The header's flags, and the class IN.
private enum DNSHeader {
    static let length = 12
    static let response: UInt16 = 0x8000
    static let operationCode: UInt16 = 0x7800
    static let truncation: UInt16 = 0x0200
    static let recursionDesired: UInt16 = 0x0100
    static let responseCode: UInt16 = 0x000F
    static let internet: UInt16 = 1
}

extension Probe.QueryType {
    /// The TYPE of RFC 1035 section 3.2.2, RFC 3596 and RFC 2782.
    package var code: UInt16 {
        switch self {
        case .a: 1
        case .ns: 2
        case .cname: 5
        case .soa: 6
        case .ptr: 12
        case .mx: 15
        case .txt: 16
        case .aaaa: 28
        case .srv: 33
        }
    }
}

extension RawSpan {
    /// A number of two bytes in network order.
    fileprivate func big16(at offset: Int) -> UInt16 { UInt16(bigEndian: load(UInt16.self, at: offset)) }
}
