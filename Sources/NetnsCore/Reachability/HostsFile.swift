/// Looking up of names in hosts(5).
public enum HostsFile {
    /// The first IPv4 and the first IPv6 address of a name, IPv4 before IPv6; none where the file does not have it.
    ///
    /// Names are the same whatever the case of ASCII letters. A `#` and all behind it is a comment; a line that does not
    /// begin with an address is passed over, as is one whose address has a scope. The caller bounds the file's size.
    public static func addresses(of name: String, in text: borrowing RawSpan) -> [IPAddress] {
        let name = Array(name.utf8)
        guard !name.isEmpty else { return [] }
        var found: [IPFamily: IPAddress] = [:]
        var start = 0
        while start < text.byteCount, found.count < IPFamily.allCases.count {
            var end = start
            while end < text.byteCount, text.loadByte(at: end) != UInt8(ascii: "\n") { end += 1 }
            var length = start
            while length < end, text.loadByte(at: length) != UInt8(ascii: "#") { length += 1 }
            var words = Words(text, start..<length, isAnySpaceBlank: true)
            if let first = words.next(text), let address = IPAddress(parsing: text.extracting(first)),
                found[address.family] == nil
            {
                while let word = words.next(text) {
                    guard word.count == name.count, isSame(name, text.extracting(word)) else { continue }
                    found[address.family] = address
                    break
                }
            }
            start = end + 1
        }
        return found.values.sorted()
    }

    private static func isSame(_ name: [UInt8], _ word: borrowing RawSpan) -> Bool {
        for (offset, byte) in name.enumerated() {
            let other = word.loadByte(at: offset)
            guard byte != other else { continue }
            // Letters of either case differ in one bit alone.
            guard byte ^ other == 0x20, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) else {
                return false
            }
        }
        return true
    }
}
