import CMicrohttpd
import Glibc

/// The text of a request's header as it lies in libmicrohttpd's buffer, held against what libmicrohttpd makes of it.
///
/// libmicrohttpd 0.9 appends a line that begins with white space (obs-fold, RFC 9112, section 5.2) to the *name* of the field
/// before it, ends the header at a line without a name (`: x`), and values at a NUL: a `Content-Length` there is one to others
/// and none to us, and what we took for the next request was the first one's body. It splits the text in place, so where
/// nothing was hidden, each field begins where the line before it ends, and the last line is the header's end.
struct HeaderText {
    /// Where what has been told of so far ends.
    private var end: UInt
    private(set) var isWhole = true

    /// Whether the fields that libmicrohttpd tells of are all that was sent.
    static func isWhole(
        of connection: OpaquePointer, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>
    ) -> Bool {
        // Later versions read headers in another way, and refuse all of these themselves.
        guard isSplitInPlace else { return true }
        var text = unsafe HeaderText(end: UInt(bitPattern: version) + UInt(strlen(version)))
        unsafe withUnsafeMutablePointer(to: &text) { pointer in
            unsafe _ = MHD_get_connection_values_n(
                connection, .HEADER_KIND, followField, UnsafeMutableRawPointer(pointer))
        }
        let rest = unsafe UInt(bitPattern: method) &+ UInt(netdrift_mhd_header_size(connection)) &- text.end
        // The ends of two lines, LF or CRLF.
        return text.isWhole && (2...4).contains(rest)
    }

    private init(end: UInt) { self.end = end }

    private static let isSplitInPlace = unsafe String(cString: MHD_get_version()).hasPrefix("0.")

    /// The next field. Its name is after the end of a line, LF or CRLF; its value after the colon and white space.
    fileprivate mutating func follow(name: UInt, nameSize: Int, value: UInt, valueSize: Int) {
        let nameEnd = name &+ UInt(nameSize)
        // Nothing is read here: addresses that are elsewhere give differences far above the buffer's size.
        isWhole = isWhole && (1...2).contains(name &- end) && (1...0xFFFF).contains(value &- nameEnd)
        end = value &+ UInt(valueSize)
    }
}

/// `MHD_KeyValueIteratorN`: the closure points at a `HeaderText`.
private func followField(
    _ closure: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameSize: Int,
    _ value: UnsafePointer<CChar>?, _ valueSize: Int
) -> MHD_Result {
    guard let closure = unsafe closure else { return .NO }
    unsafe closure.assumingMemoryBound(to: HeaderText.self).pointee.follow(
        name: UInt(bitPattern: name), nameSize: nameSize, value: UInt(bitPattern: value), valueSize: valueSize)
    return .YES
}
