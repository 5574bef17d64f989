internal import FoundationEssentials

/// How the API writes JSON: sorted keys, and a line feed at the end.
enum APIEncoder {
    /// A value as JSON.
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
