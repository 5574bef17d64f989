import CMicrohttpd
import Glibc

/// One libmicrohttpd daemon: one listener, one thread with its epoll.
///
/// The proof behind `@unchecked Sendable`: the handle is used by `Server` alone, under its mutex.
@safe struct Daemon: @unchecked Sendable {
    private let handle: OpaquePointer
    private let listener: ListenSocket
    private let core: ServerCore

    /// Starts a daemon on a listener; `nil` when libmicrohttpd does not, having logged why.
    init?(_ listener: ListenSocket, _ limits: Limits, _ core: ServerCore) {
        // The daemon holds the core without a reference; this struct has one, and outlives the daemon's thread.
        let context = unsafe Unmanaged.passUnretained(core).toOpaque()
        let logger: MHD_LogCallback = unsafe logMessage
        let completed: MHD_RequestCompletedCallback = unsafe requestCompleted
        let notify: MHD_NotifyConnectionCallback = unsafe connectionChanged
        let unescape: Unescape = unsafe unescapeKeepingNull
        var options = unsafe [
            // First, as microhttpd.h asks: the other options may have something to report.
            MHD_OptionItem(
                option: .EXTERNAL_LOGGER, value: unsafeBitCast(logger, to: Int.self), ptr_value: context),
            MHD_OptionItem(option: .LISTEN_SOCKET, value: Int(listener.descriptor), ptr_value: nil),
            MHD_OptionItem(
                option: .NOTIFY_COMPLETED, value: unsafeBitCast(completed, to: Int.self), ptr_value: context),
            MHD_OptionItem(
                option: .NOTIFY_CONNECTION, value: unsafeBitCast(notify, to: Int.self), ptr_value: context),
            MHD_OptionItem(option: .UNESCAPE_CALLBACK, value: unsafeBitCast(unescape, to: Int.self), ptr_value: nil),
            MHD_OptionItem(option: .CONNECTION_LIMIT, value: limits.connections, ptr_value: nil),
            MHD_OptionItem(option: .PER_IP_CONNECTION_LIMIT, value: limits.connectionsPerAddress, ptr_value: nil),
            MHD_OptionItem(option: .CONNECTION_TIMEOUT, value: limits.inactivitySeconds, ptr_value: nil),
            MHD_OptionItem(option: .CONNECTION_MEMORY_LIMIT, value: limits.memoryPerConnection, ptr_value: nil),
            // HTTP/1.1 without Host is refused, as RFC 9112, section 3.2, asks.
            MHD_OptionItem(option: .STRICT_FOR_CLIENT, value: 1, ptr_value: nil),
            MHD_OptionItem(option: .END, value: 0, ptr_value: nil),
        ]
        var flags =
            MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue | MHD_USE_ERROR_LOG.rawValue
        // libmicrohttpd wants a certificate of its own, which no session works by: see `connectionChanged`. It copies it.
        let tls = core.security().tls
        var key = (tls?.settings.key ?? []) + [0]
        var certificate = (tls?.settings.certificate ?? []) + [0]
        if tls != nil { flags |= MHD_USE_TLS.rawValue }
        let started = unsafe key.withUnsafeMutableBytes { key in
            unsafe certificate.withUnsafeMutableBytes { certificate in
                if tls != nil {
                    unsafe options.insert(
                        contentsOf: [
                            MHD_OptionItem(option: .HTTPS_MEM_KEY, value: 0, ptr_value: key.baseAddress),
                            MHD_OptionItem(option: .HTTPS_MEM_CERT, value: 0, ptr_value: certificate.baseAddress),
                        ], at: 1)
                }
                return unsafe Self.start(&options, UInt32(flags), context)
            }
        }
        guard let handle = unsafe started else { return nil }
        unsafe self.handle = handle
        self.listener = listener
        self.core = core
    }

    private static func start(
        _ options: inout [MHD_OptionItem], _ flags: UInt32, _ context: UnsafeMutableRawPointer
    ) -> OpaquePointer? {
        unsafe options.withUnsafeMutableBufferPointer { items -> OpaquePointer? in
            guard let base = items.baseAddress else { return nil }
            let arguments: [any CVarArg] = unsafe [MHD_OPTION.ARRAY.rawValue, base, MHD_OPTION.END.rawValue]
            return unsafe withVaList(arguments) {
                unsafe MHD_start_daemon_va(flags, 0, nil, nil, accessRequest, context, $0)
            }
        }
    }

    /// Ends listening; the connections there are go on.
    func quiesce() {
        // The descriptor comes back to its owner, which closes it when the daemon's thread has ended.
        unsafe _ = MHD_quiesce_daemon(handle)
        listener.refuseConnections()
    }

    /// Closes all connections and ends the thread. No connection may be suspended, and `quiesce` comes before.
    func stop() {
        unsafe MHD_stop_daemon(handle)
    }
}
