import CGnuTLS
import CMicrohttpd
import Glibc

// The C side of the server. Top-level functions: a closure written in a file that an actor owns would be bound to it,
// and die with SIGILL on libmicrohttpd's thread.

/// What `MHD_OPTION_UNESCAPE_CALLBACK` takes; microhttpd.h has no name for it.
typealias Unescape = @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<CChar>?) -> Int

/// `MHD_AccessHandlerCallback`. Comes once with the headers, once when the request is complete, and once more when a
/// suspended connection was resumed.
func accessRequest(
    _ closure: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
    _ uploadSize: UnsafeMutablePointer<Int>?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let closure = unsafe closure, let connection = unsafe connection, let url = unsafe url,
        let method = unsafe method, let version = unsafe version, let state = unsafe state
    else { return .NO }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(closure).takeUnretainedValue()
    let handle = unsafe ConnectionHandle(connection)

    if let known = unsafe state.pointee {
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(known).takeUnretainedValue()
        // Requests with a body were refused at their first callback.
        if let uploadSize = unsafe uploadSize, unsafe uploadSize.pointee > 0 { return .NO }
        if exchange.claim() { core.handle(exchange, handle) }
        return core.proceed(exchange, handle) ? .YES : .NO
    }

    let exchange = Exchange(
        Request(
            method: unsafe String(cString: method),
            path: originForm(unsafe String(cString: url)),
            query: unsafe values(of: connection, kind: .GET_ARGUMENT_KIND),
            headers: unsafe values(of: connection, kind: .HEADER_KIND),
            remoteAddress: handle.remoteAddress))
    // Given back by requestCompleted, which comes for every request that was here.
    unsafe state.pointee = Unmanaged.passRetained(exchange).toOpaque()
    let isWhole = unsafe HeaderText.isWhole(of: connection, method: method, version: version)
    return core.begin(exchange, handle, isHeaderWhole: isWhole) ? .YES : .NO
}

/// The path of `http://host/path`, which a client may send although it does not take us for a proxy (RFC 9112, section
/// 3.2.2); any other target as it is.
func originForm(_ target: String) -> String {
    guard target.hasPrefix("http://") || target.hasPrefix("https://") else { return target }
    let parts = target.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    return parts.count == 4 ? "/" + parts[3] : "/"
}

/// `MHD_RequestCompletedCallback`: sent, or given up.
func requestCompleted(
    _ closure: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ why: MHD_RequestTerminationCode
) {
    guard let closure = unsafe closure, let connection = unsafe connection, let state = unsafe state,
        let known = unsafe state.pointee
    else { return }
    unsafe state.pointee = nil
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(closure).takeUnretainedValue()
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(known).takeRetainedValue()
    core.finish(exchange, unsafe ConnectionHandle(connection))
}

/// `MHD_NotifyConnectionCallback`: accepted, or about to be closed.
func connectionChanged(
    _ closure: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ what: MHD_ConnectionNotificationCode
) {
    guard let closure = unsafe closure, let connection = unsafe connection else { return }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(closure).takeUnretainedValue()
    let handle = unsafe ConnectionHandle(connection)
    if what == .CONNECTION_NOTIFY_STARTED {
        core.watch.opened(handle)
        // Before the handshake. The connection keeps what its session works by until it is closed.
        if let state = unsafe state, let session = unsafe handle.session, let tls = core.security().tls {
            unsafe tls.govern(session)
            unsafe state.pointee = Unmanaged.passRetained(tls).toOpaque()
        }
    }
    if what == .CONNECTION_NOTIFY_CLOSED {
        core.watch.closed(handle)
        if let state = unsafe state, let kept = unsafe state.pointee {
            unsafe state.pointee = nil
            unsafe Unmanaged<TLSContext>.fromOpaque(kept).release()
        }
    }
}

/// `MHD_LogCallback`: formats a message for the log.
func logMessage(_ closure: UnsafeMutableRawPointer?, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer?) {
    guard let closure = unsafe closure, let format = unsafe format, let arguments = unsafe arguments else { return }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(closure).takeUnretainedValue()
    let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer -> String? in
        // A longer message is cut: libmicrohttpd's are sentences.
        guard let base = buffer.baseAddress, unsafe vsnprintf(base, buffer.count, format, arguments) > 0 else {
            return nil
        }
        return unsafe String(cString: base)
    }
    guard var text else { return }
    while text.last?.isNewline == true { text.removeLast() }
    core.log(text)
}

/// Percent-decodes in place, as libmicrohttpd does by itself, but leaves `%00` as it is.
///
/// libmicrohttpd passes the path as a C string: a decoded zero would end it, and `/metrics%00x` would be `/metrics`.
/// What is no valid escape also stays as it is. Returns the new length.
func unescapeKeepingNull(
    _ closure: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ text: UnsafeMutablePointer<CChar>?
) -> Int {
    guard let text = unsafe text else { return 0 }
    var read = 0
    var write = 0
    while unsafe text[read] != 0 {
        let byte = unsafe UInt8(bitPattern: text[read])
        read += 1
        var decoded = byte
        // The terminator is no hex digit, so this never looks behind it.
        if byte == UInt8(ascii: "%"), let high = unsafe hexDigit(text[read]), let low = unsafe hexDigit(text[read + 1]),
            high << 4 | low != 0
        {
            decoded = high << 4 | low
            read += 2
        }
        unsafe text[write] = CChar(bitPattern: decoded)
        write += 1
    }
    unsafe text[write] = 0
    return write
}

private func hexDigit(_ character: CChar) -> UInt8? {
    let byte = ASCII.lowercased(UInt8(bitPattern: character))
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): return byte - UInt8(ascii: "a") + 10
    default: return nil
    }
}

/// Header fields or query parameters, in their order.
private func values(of connection: OpaquePointer, kind: MHD_ValueKind) -> [(name: String, value: String)] {
    var collected: [(name: String, value: String)] = []
    unsafe withUnsafeMutablePointer(to: &collected) { pointer in
        unsafe _ = MHD_get_connection_values_n(connection, kind, collectValue, UnsafeMutableRawPointer(pointer))
    }
    return collected
}

/// `MHD_KeyValueIteratorN`: appends to the array that the closure points at. A value is NULL for `?name`.
private func collectValue(
    _ closure: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameSize: Int,
    _ value: UnsafePointer<CChar>?, _ valueSize: Int
) -> MHD_Result {
    guard let closure = unsafe closure else { return .NO }
    let name = unsafe String(decoding: UnsafeRawBufferPointer(start: name, count: nameSize), as: UTF8.self)
    var bytes = unsafe UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize)[...]
    if kind == .HEADER_KIND {
        // White space after a value is no part of it (RFC 9112, section 5.1); libmicrohttpd removes only what is before.
        while let last = unsafe bytes.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") {
            unsafe bytes.removeLast()
        }
    }
    let text = unsafe String(decoding: bytes, as: UTF8.self)
    unsafe closure.assumingMemoryBound(to: [(name: String, value: String)].self).pointee.append((name, text))
    return .YES
}
