import CGnuTLS
import CMicrohttpd

/// A connection of libmicrohttpd's, for the time that it allows.
///
/// The proof behind `@unchecked Sendable`: `resume` may be called from any thread (microhttpd.h: "All functions are
/// guaranteed to be completely reentrant and thread-safe"), `suspend` and the rest only in the access callback, which
/// has the handle on libmicrohttpd's own thread. `Exchange` keeps to that.
@safe struct ConnectionHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    /// The handle's address: tells connections apart for as long as they are open.
    var key: UInt { unsafe UInt(bitPattern: pointer) }

    /// The listener that the connection came by: tells those of a server apart.
    var listener: UInt { unsafe UInt(bitPattern: netdrift_mhd_daemon(pointer)) }

    /// The connection's socket, which is libmicrohttpd's to close; `nil` if there is none.
    var descriptor: Int32? {
        let descriptor = unsafe netdrift_mhd_client_socket(pointer)
        return descriptor < 0 ? nil : descriptor
    }

    /// The TLS session; `nil` where the server speaks no TLS.
    var session: gnutls_session_t? { unsafe netdrift_mhd_tls_session(pointer).map { gnutls_session_t($0) } }

    /// Where the client is; `nil` if that is not known.
    var remoteAddress: String? {
        unsafe netdrift_mhd_client_address(pointer).flatMap { address in
            unsafe SocketAddress(copying: address)?.description
        }
    }

    func suspend() { unsafe MHD_suspend_connection(pointer) }

    func resume() { unsafe MHD_resume_connection(pointer) }
}
