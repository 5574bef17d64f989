internal import CLinux
internal import CMnl
internal import Glibc
internal import NetnsCore

/// What a netlink request failed with.
enum NetlinkError: Error {
    /// The kernel's answer or a system call's.
    case errno(Errno)
    /// The answer is not what the protocol allows.
    case malformed(NetlinkDecodingError)
    /// What was dumped changed during the dump (NLM_F_DUMP_INTR), again and again.
    case interrupted
    /// A message was longer than the receive buffer (MSG_TRUNC).
    case truncated
    /// No end came: not NLMSG_DONE but silence.
    case incomplete
    /// There is more than the caller wants to read.
    case tooMany

    /// A word for the ledger.
    var reason: String {
        switch self {
        case .errno(let errno): errno.name
        case .malformed: "malformed"
        case .interrupted: "interrupted"
        case .truncated: "truncated"
        case .incomplete: "incomplete"
        case .tooMany: "too_many"
        }
    }
}

/// A receive buffer that every socket of a thread uses.
@safe final class NetlinkBuffer {
    /// The kernel cuts a dump into datagrams of at most 32 KiB (netlink_dump()); one link with hundreds of virtual
    /// functions may be longer, so twice that.
    static let capacity = 65536
    fileprivate let memory: UnsafeMutableRawBufferPointer

    init() { unsafe memory = .allocate(byteCount: Self.capacity, alignment: 16) }
    deinit { unsafe memory.deallocate() }
}

/// A netlink socket, open for one visit to a namespace: it holds the namespace as long as it lives.
///
/// It is not bound: the kernel gives it a port when it first sends (our process id may be another socket's), which saves
/// two system calls of the dozen that a visit makes.
struct NetlinkSocket: ~Copyable {
    private let socket: FileDescriptor
    private var sequence: UInt32 = 0

    /// A socket of a family in the namespace the calling thread is in.
    init(_ family: Int32 = NETLINK_ROUTE) throws(Errno) {
        socket = try syscall {
            let result = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), family)
            return result < 0 ? -errno : result
        }.asDescriptor
    }

    /// The socket's descriptor, for ioctls and options; valid while this value lives.
    var rawValue: Int32 { socket.rawValue }

    /// SO_NETNS_COOKIE of the namespace the socket is in; nil where the kernel has none (before 5.14).
    func namespaceCookie() -> UInt64? {
        var cookie: UInt64 = 0
        return unsafe nd_netns_cookie(rawValue, &cookie) == 0 ? cookie : nil
    }

    /// Sends a request and gives each message of the answer to `body`.
    ///
    /// An answer is the kernel's (port 0), has the request's sequence number, and is whole: a datagram from elsewhere is
    /// passed over, a cut one is an error. `interrupted` is thrown when the kernel marks the dump as inconsistent.
    ///
    /// When `body` says stop, the rest is not read, and the socket must not be asked again: the kernel answers EBUSY while
    /// a dump is under way (netlink_dump_start()).
    mutating func request(
        _ type: UInt16, dump: Bool, buffer: NetlinkBuffer, _ compose: (UnsafeMutablePointer<nlmsghdr>) -> Void,
        _ body: (NetlinkHeader, borrowing RawSpan) throws(NetlinkDecodingError) -> NetlinkStep
    ) throws(NetlinkError) {
        sequence &+= 1
        try unsafe send(type, dump: dump, buffer: buffer, compose)
        var wasInterrupted = false
        var isDone = false
        while !isDone {
            let length = try receive(into: buffer)
            guard length > 0 else { continue }
            let expected = sequence
            let datagram = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer.memory[0..<length]))
            var failure: Errno?
            do {
                try NetlinkDecoding.forEachMessage(in: datagram) { (header, payload) throws(NetlinkDecodingError) in
                    guard header.sequence == expected else { return .next }
                    if header.isDumpInterrupted { wasInterrupted = true }
                    switch header.type {
                    case NetlinkConstant.messageError, NetlinkConstant.messageDone:
                        let number = NetlinkDecoding.errorNumber(payload)
                        if number != 0 { failure = Errno(rawValue: number) }
                        // NLMSG_DONE need not carry a number, NLMSG_ERROR must.
                        if header.type == NetlinkConstant.messageError, payload.byteCount < 4 { failure = .badMessage }
                        isDone = true
                        return .stop
                    default:
                        if case .stop = try body(header, payload) { isDone = true }
                        if !dump { isDone = true }
                        return isDone ? .stop : .next
                    }
                }
            } catch { throw .malformed(error) }
            if let failure { throw .errno(failure) }
        }
        if wasInterrupted { throw .interrupted }
    }

    private func send(
        _ type: UInt16, dump: Bool, buffer: NetlinkBuffer, _ compose: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) throws(NetlinkError) {
        guard let base = unsafe buffer.memory.baseAddress, let header = unsafe mnl_nlmsg_put_header(base) else {
            throw .errno(.invalid)
        }
        unsafe header.pointee.nlmsg_type = type
        unsafe header.pointee.nlmsg_flags = UInt16(NLM_F_REQUEST) | (dump ? UInt16(NLM_F_ROOT | NLM_F_MATCH) : 0)
        unsafe header.pointee.nlmsg_seq = sequence
        unsafe compose(header)
        // A netlink socket that is not connected sends to the kernel.
        while unsafe Glibc.send(rawValue, header, Int(header.pointee.nlmsg_len), 0) < 0 {
            let error = Errno.last
            if error != .interrupted { throw .errno(error) }
        }
    }

    /// One datagram's length; 0 for one that is not from the kernel.
    private func receive(into buffer: NetlinkBuffer) throws(NetlinkError) -> Int {
        var sender: UInt32 = 0
        var truncated: Int32 = 0
        while true {
            let length = unsafe nd_netlink_receive(
                rawValue, buffer.memory.baseAddress, buffer.memory.count, &sender, &truncated)
            if length == 0 { throw .incomplete }
            if length > 0 {
                guard truncated == 0 else { throw .truncated }
                return sender == 0 ? Int(length) : 0
            }
            let error = Errno(rawValue: -length)
            if error == .again { throw .incomplete }
            if error != .interrupted { throw .errno(error) }
        }
    }
}
