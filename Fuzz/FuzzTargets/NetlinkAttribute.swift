/// A netlink attribute as the mutator takes it apart and puts it together again, `struct nlattr`.
struct NetlinkAttribute {
    var type: UInt16
    var value: [UInt8]
    /// The attributes that the value is, where it can be read as such.
    var children: [NetlinkAttribute]?
    /// What its length says instead of the truth.
    var falseLength: UInt16?

    /// How deep values are taken apart.
    private static let maximumDepth = 6

    /// The attributes that bytes are, nil when they are not whole attributes and nothing else.
    static func list(_ bytes: ArraySlice<UInt8>, depth: Int = 0) -> [NetlinkAttribute]? {
        guard depth < maximumDepth, !bytes.isEmpty else { return nil }
        var list: [NetlinkAttribute] = []
        var rest = bytes
        while rest.count >= 4 {
            let start = rest.startIndex
            let length = Int(rest[start]) | Int(rest[start + 1]) << 8
            let type = UInt16(rest[start + 2]) | UInt16(rest[start + 3]) << 8
            guard length >= 4, length <= rest.count else { return nil }
            let value = rest[start + 4..<start + length]
            list.append(
                NetlinkAttribute(type: type, value: Array(value), children: Self.list(value, depth: depth + 1)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return rest.isEmpty ? list : nil
    }

    /// The bytes of attributes, padded; a value that has become too long for its length is cut.
    static func bytes(_ list: [NetlinkAttribute]) -> [UInt8] {
        var bytes: [UInt8] = []
        for attribute in list {
            let value = (attribute.children.map { Self.bytes($0) } ?? attribute.value).prefix(Int(UInt16.max) - 4)
            let length = attribute.falseLength ?? UInt16(value.count + 4)
            bytes += [UInt8(truncatingIfNeeded: length), UInt8(length >> 8)]
            bytes += [UInt8(truncatingIfNeeded: attribute.type), UInt8(attribute.type >> 8)]
            bytes += value
            bytes += [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        }
        return bytes
    }

    /// Changes one attribute of a list, or of what is nested in it.
    static func mutate<R: RandomNumberGenerator>(_ list: inout [NetlinkAttribute], using random: inout R) {
        guard let index = list.indices.randomElement(using: &random) else { return }
        if var children = list[index].children, Int.random(in: 0..<4, using: &random) > 0 {
            mutate(&children, using: &random)
            list[index].children = children
            return
        }
        switch Int.random(in: 0..<9, using: &random) {
        case 0: list.insert(list[index], at: Int.random(in: 0...list.count, using: &random))
        case 1: list.remove(at: index)
        case 2: list.swapAt(index, Int.random(in: 0..<list.count, using: &random))
        case 3: list[index].type = UInt16.random(in: 0...48, using: &random)
        case 4: list[index].type ^= 1 << UInt16.random(in: 0..<16, using: &random)
        case 5:
            let length = UInt16(truncatingIfNeeded: list[index].value.count + 4)
            let odd: [UInt16] = [0, 1, 3, 4, 5, 8, 0x7FFF, 0xFFFF, length &- 1, length &+ 1, length &+ 4]
            list[index].falseLength = odd.randomElement(using: &random)
        case 6:
            // One deeper.
            list[index] = NetlinkAttribute(
                type: UInt16.random(in: 0...24, using: &random) | 0x8000, value: [], children: [list[index]])
        case 7:
            let count = Int.random(in: 0...min(list[index].value.count + 8, 300), using: &random)
            list[index].children = nil
            list[index].value = Array((list[index].value + [UInt8](repeating: 0, count: 8)).prefix(count))
        default:
            list[index].children = nil
            guard let place = list[index].value.indices.randomElement(using: &random) else { return }
            list[index].value[place] = Mutator.oddByte(using: &random)
        }
    }
}
