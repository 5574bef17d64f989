/// Comparing what HTTP compares without case: ASCII letters alone (RFC 9110, section 5.6.2), whatever the locale.
enum ASCII {
    /// The byte, with `A` to `Z` made small.
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// Whether two header names are the same name.
    static func equalIgnoringCase(_ one: String, _ other: String) -> Bool {
        one.utf8.count == other.utf8.count
            && zip(one.utf8, other.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }
}
