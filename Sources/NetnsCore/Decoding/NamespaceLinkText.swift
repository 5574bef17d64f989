/// Decoding of the targets of /proc/PID/ns/net and /proc/PID/fd/N.
public enum NamespaceLinkText {
    /// The inode of `net:[4026531840]`, nil for anything else. Source: namespaces(7).
    public static func inode(_ text: borrowing RawSpan) -> UInt64? { number(text, after: "net:[") }

    /// The inode of `mnt:[4026531840]`.
    public static func mountNamespaceInode(_ text: borrowing RawSpan) -> UInt64? { number(text, after: "mnt:[") }

    /// The inode of `socket:[12345]`, a socket's in sockfs.
    public static func socketInode(_ text: borrowing RawSpan) -> UInt64? { number(text, after: "socket:[") }

    private static func number(_ text: borrowing RawSpan, after prefix: StaticString) -> UInt64? {
        let length = prefix.utf8CodeUnitCount
        guard text.byteCount > length + 1, text.loadByte(at: text.byteCount - 1) == UInt8(ascii: "]") else {
            return nil
        }
        let matches = prefix.withUTF8Buffer { buffer in
            for index in 0..<length where unsafe buffer[index] != text.loadByte(at: index) { return false }
            return true
        }
        guard matches else { return nil }
        var value: UInt64 = 0
        for offset in length..<text.byteCount - 1 {
            let digit = text.loadByte(at: offset) &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !overflow2 else { return nil }
            value = sum
        }
        return value
    }
}
