internal import FoundationEssentials

/// How the API writes JSON: sorted keys, and a line feed at the end.
enum APIEncoder {
    /// A value as JSON. `converting` writes keys in snake case that are not: it takes time for each.
    static func encode(_ value: some Encodable, converting: Bool = false) throws -> [UInt8] {
        let encoder = JSONEncoder()
        if converting { encoder.keyEncodingStrategy = .convertToSnakeCase }
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
