extension KeyedDecodingContainer {
    /// The value of a key, nil when it is absent or of another type: versions of a runtime differ, and one field must not
    /// cost the whole file.
    func lenient<T: Decodable>(_ key: Key, as type: T.Type = T.self) -> T? {
        try? decodeIfPresent(type, forKey: key)
    }

    /// A number, also where a version wrote it as text (runc before 1.0: `"init_process_start": "693752862"`).
    func lenientNumber<T: FixedWidthInteger & Decodable>(_ key: Key, as type: T.Type = T.self) -> T? {
        lenient(key, as: type) ?? lenient(key, as: String.self).flatMap { T($0) }
    }

    /// The values of an object that are texts.
    func lenientTexts(_ key: Key) -> [String: String] {
        (lenient(key) as [String: Lenient<String>]?)?.compactMapValues(\.value) ?? [:]
    }

    /// The first elements of an array that can be decoded. One that cannot takes 2 us, and a file of a few megabytes has
    /// room for a million: no namespaces, labels or names are so many.
    func lenientElements<T: Decodable>(_ key: Key, as type: T.Type = T.self) -> [T] {
        guard var array = try? nestedUnkeyedContainer(forKey: key) else { return [] }
        var elements: [T] = []
        while !array.isAtEnd, array.currentIndex < 1000, let element = try? array.decode(Lenient<T>.self) {
            if let value = element.value { elements.append(value) }
        }
        return elements
    }
}

/// A value that is nil where it cannot be decoded.
package struct Lenient<Value: Decodable>: Decodable {
    package let value: Value?

    package init(from decoder: any Decoder) { value = try? Value(from: decoder) }
}
