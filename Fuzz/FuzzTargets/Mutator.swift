/// Makes other bytes of bytes: flips, cuts, doubles and splices them, and lies about lengths.
public struct Mutator: Sendable {
    private let structure: FuzzTarget.Structure

    /// The mutator of a target.
    public init(_ target: FuzzTarget) { structure = target.structure }

    /// A mutation of `input`, at most `maximum` bytes; `other` is another input to take parts from.
    public func mutation<R: RandomNumberGenerator>(
        of input: [UInt8], with other: [UInt8], maximum: Int = 65536, using random: inout R
    ) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            if case .netlink(let header) = structure, Int.random(in: 0..<3, using: &random) > 0,
                let changed = Self.restructured(bytes, other, header, using: &random)
            {
                bytes = changed
            } else {
                Self.change(&bytes, other, using: &random)
            }
        }
        return Array(bytes.prefix(maximum))
    }

    static func oddByte<R: RandomNumberGenerator>(using random: inout R) -> UInt8 {
        let odd: [UInt8] = [
            0, 1, 2, 3, 4, 7, 8, 9, 0x0A, 0x20, 0x22, 0x2D, 0x2F, 0x39, 0x5C, 0x7F, 0x80, 0xC0, 0xFE, 0xFF,
        ]
        return Bool.random(using: &random)
            ? odd[Int.random(in: 0..<odd.count, using: &random)] : .random(in: 0...255, using: &random)
    }

    private static func range<R: RandomNumberGenerator>(_ bytes: [UInt8], using random: inout R) -> Range<Int> {
        let start = Int.random(in: 0...bytes.count, using: &random)
        return start..<min(bytes.count, start + Int.random(in: 0...64, using: &random))
    }

    private static func change<R: RandomNumberGenerator>(
        _ bytes: inout [UInt8], _ other: [UInt8], using random: inout R
    ) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1:
            if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        case 2, 3:
            if place < bytes.count { bytes[place] = oddByte(using: &random) }
        case 4: bytes.removeLast(bytes.count - place)
        case 5: bytes.removeSubrange(range(bytes, using: &random))
        case 6: bytes.insert(contentsOf: bytes[range(bytes, using: &random)], at: place)
        case 7: bytes.insert(contentsOf: other[range(other, using: &random)], at: place)
        case 8: bytes.insert(oddByte(using: &random), at: place)
        default: bytes = Array(bytes.prefix(place)) + other.suffix(Int.random(in: 0...other.count, using: &random))
        }
    }

    /// Takes datagrams apart, changes a message or an attribute, and puts them together again; nil when they are none.
    private static func restructured<R: RandomNumberGenerator>(
        _ bytes: [UInt8], _ other: [UInt8], _ header: Int, using random: inout R
    ) -> [UInt8]? {
        guard var messages = messages(bytes), let index = messages.indices.randomElement(using: &random) else {
            return nil
        }
        let start = 16 + header
        switch Int.random(in: 0..<10, using: &random) {
        case 0: messages.remove(at: index)
        case 1: messages.insert(messages[index], at: Int.random(in: 0...messages.count, using: &random))
        case 2:
            if let stranger = Self.messages(other)?.randomElement(using: &random) {
                messages.insert(stranger, at: index)
            }
        case 3:
            // Type, flags, sequence, port, or the structure.
            let place = Int.random(in: 4..<max(5, min(start, messages[index].count)), using: &random)
            messages[index][place] = oddByte(using: &random)
        case 4:
            let odd: [UInt32] = [
                0, 15, 16, 17, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, UInt32(messages[index].count) &+ 1,
            ]
            let length = odd[Int.random(in: 0..<odd.count, using: &random)]
            for place in 0..<4 { messages[index][place] = UInt8(truncatingIfNeeded: length >> UInt32(8 * place)) }
            return messages.flatMap(\.self)
        default:
            guard messages[index].count > start,
                var attributes = NetlinkAttribute.list(messages[index][start...])
            else { return nil }
            NetlinkAttribute.mutate(&attributes, using: &random)
            messages[index] = Array(messages[index][..<start]) + NetlinkAttribute.bytes(attributes)
        }
        return messages.flatMap { message in
            (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (8 * $0)) } + message[4...]
        }
    }

    /// The messages of datagrams, each with its padding; nil when a length is not true.
    private static func messages(_ bytes: [UInt8]) -> [[UInt8]]? {
        var messages: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 16 else { return nil }
            let length = (0..<4).reduce(0) { $0 | Int(rest[rest.startIndex + $1]) << (8 * $1) }
            guard length >= 16, length <= rest.count else { return nil }
            let whole = min((length + 3) & ~3, rest.count)
            messages.append(Array(rest.prefix(whole)))
            rest = rest.dropFirst(whole)
        }
        return messages
    }
}
