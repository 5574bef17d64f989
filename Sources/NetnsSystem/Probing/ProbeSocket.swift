internal import CLinux
internal import Glibc
internal import NetnsCore

extension ProbeFailure {
    /// What an error of sending or connecting means: the kernel of the namespace itself gives it, at once.
    init(sending error: Errno) {
        switch error.rawValue {
        // A blackhole route answers EINVAL, one of type unreachable EHOSTUNREACH.
        case ENETUNREACH, EHOSTUNREACH, EINVAL: self = .noRoute
        case EADDRNOTAVAIL: self = .noAddress
        // EPERM is a filter's word, EACCES a prohibiting route's, or that of a missing capability.
        case EPERM, EACCES: self = .permission
        case ECONNREFUSED: self = .refused
        default: self = .socket
        }
    }

    /// What an error that came later means: an ICMP message, or that a neighbour did not answer.
    init(receiving error: Errno) {
        switch error.rawValue {
        case EHOSTUNREACH, ENONET, EHOSTDOWN: self = .unreachableHost
        case ENETUNREACH: self = .unreachableNet
        case ECONNREFUSED, ECONNRESET: self = .refused
        case ETIMEDOUT: self = .timeout
        case EACCES, EPERM: self = .permission
        default: self = .socket
        }
    }
}

/// A socket of one try, in the namespace that the calling thread was in when it was opened: it holds that namespace as long
/// as it lives.
///
/// It is connected, so that only what comes from the target reaches it, and errors that routers report do too (IP_RECVERR).
struct ProbeSocket: ~Copyable {
    /// What came.
    enum Input {
        /// Nothing more for now.
        case none
        /// An echo reply.
        case reply(EchoReply, Double)
        /// A message, of so many bytes of the buffer.
        case message(Int, Double)
        /// The connection is there.
        case connected(Double)
        /// Something that is no answer.
        case noise
        case failed(ProbeFailure)
    }

    private enum Purpose {
        case echo(IPFamily, identifier: UInt16, isRaw: Bool)
        case connect
        case datagram
        case stream
    }

    private let socket: FileDescriptor
    private let purpose: Purpose
    /// When it was last sent to: by CLOCK_REALTIME, which the kernel stamps by, and by CLOCK_MONOTONIC, which is not set.
    private var sent: [(sequence: UInt16, stamp: Int64, instant: Instant)] = []
    /// What goes out over a stream once it is connected, with its length before it, and what has come of the answer.
    private var outgoing: [UInt8] = []
    private var incoming: [UInt8] = []
    private var isConnected = false
    /// By which kind of socket.
    let kind: ProbeResult.Socket

    var rawValue: Int32 { socket.rawValue }

    /// Whether it is a TCP socket whose connection was not seen yet.
    var isWaitingToConnect: Bool {
        switch purpose {
        case .connect: true
        case .stream: !isConnected
        case .echo, .datagram: false
        }
    }

    /// SO_NETNS_COOKIE of the namespace it is in; nil where the kernel has none (before 5.14).
    var namespaceCookie: UInt64? {
        var cookie: UInt64 = 0
        return unsafe nd_netns_cookie(rawValue, &cookie) == 0 ? cookie : nil
    }

    /// Why the calling thread may open no socket for echo requests where it is; nil when it may. Else an EPERM was the word of
    /// a filter, or of a route.
    static func echoDenial(_ family: IPFamily) -> Errno? {
        let domain = Int32(family.rawValue)
        let network = Int32(family == .ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)
        var denial: Errno?
        for type in [ND_SOCK_RAW, ND_SOCK_DGRAM] {
            let result = nd_socket(domain, type, network)
            if result >= 0 {
                _ = result.asDescriptor
                return nil
            }
            denial = Errno(rawValue: -result)
        }
        return denial.flatMap { $0.meansDenied ? $0 : nil }
    }

    /// A socket for echo requests; a ping socket where we may not open a raw one.
    static func echo(
        _ to: ProbeAddress, identifier: UInt16, refusesFragments: Bool = false
    ) throws(ProbeFailure) -> ProbeSocket {
        let family = to.address.family
        let domain = Int32(family.rawValue)
        let network = Int32(family == .ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)
        var raw = nd_socket(domain, ND_SOCK_RAW, network)
        var isRaw = true
        if raw == -EPERM || raw == -EACCES {
            // icmp(7), net.ipv4.ping_group_range
            raw = nd_socket(domain, ND_SOCK_DGRAM, network)
            isRaw = false
        }
        guard raw >= 0 else { throw ProbeFailure(opening: Errno(rawValue: -raw)) }
        let socket = ProbeSocket(
            raw.asDescriptor, .echo(family, identifier: identifier, isRaw: isRaw), isRaw ? .raw : .ping)
        if isRaw {
            let filter = EchoFilter.instructions(family, identifier)
            let result = unsafe filter.withUnsafeBufferPointer {
                unsafe nd_attach_filter(raw, $0.baseAddress, UInt16($0.count))
            }
            guard result == 0 else { throw .socket }
        }
        if refusesFragments {
            _ =
                family == .ipv4
                ? nd_set_option(raw, Int32(IPPROTO_IP), ND_IP_MTU_DISCOVER, ND_IP_PMTUDISC_PROBE)
                : nd_set_option(raw, Int32(IPPROTO_IPV6), ND_IPV6_MTU_DISCOVER, ND_IP_PMTUDISC_PROBE)
        }
        try socket.prepare(to)
        return socket
    }

    /// A TCP socket that connects.
    static func connect(_ to: ProbeAddress) throws(ProbeFailure) -> ProbeSocket {
        try stream(to, .connect)
    }

    /// A TCP socket that sends a DNS message once it is connected.
    static func stream(_ to: ProbeAddress, _ message: [UInt8]) throws(ProbeFailure) -> ProbeSocket {
        var socket = try stream(to, .stream)
        // RFC 1035 section 4.2.2
        socket.outgoing = [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)]
        socket.outgoing += message
        return socket
    }

    private static func stream(_ to: ProbeAddress, _ purpose: Purpose) throws(ProbeFailure) -> ProbeSocket {
        let raw = nd_socket(Int32(to.address.family.rawValue), ND_SOCK_STREAM, 0)
        guard raw >= 0 else { throw ProbeFailure(opening: Errno(rawValue: -raw)) }
        var socket = ProbeSocket(raw.asDescriptor, purpose, .tcp)
        // Neither a FIN that nobody answers nor TIME_WAIT is to stay behind.
        _ = nd_reset_on_close(raw)
        socket.noteSent(0)
        try socket.prepare(to)
        return socket
    }

    /// A UDP socket that has sent a message.
    static func datagram(_ to: ProbeAddress, _ message: [UInt8]) throws(ProbeFailure) -> ProbeSocket {
        let raw = nd_socket(Int32(to.address.family.rawValue), ND_SOCK_DGRAM, 0)
        guard raw >= 0 else { throw ProbeFailure(opening: Errno(rawValue: -raw)) }
        var socket = ProbeSocket(raw.asDescriptor, .datagram, .udp)
        try socket.prepare(to)
        socket.noteSent(0)
        try socket.send(message)
        return socket
    }

    private init(_ socket: consuming FileDescriptor, _ purpose: Purpose, _ kind: ProbeResult.Socket) {
        self.socket = socket
        self.purpose = purpose
        self.kind = kind
    }

    private func prepare(_ to: ProbeAddress) throws(ProbeFailure) {
        _ = nd_set_option(rawValue, SOL_SOCKET, ND_SO_TIMESTAMPNS, 1)
        switch to.address.family {
        case .ipv4: _ = nd_set_option(rawValue, Int32(IPPROTO_IP), ND_IP_RECVERR, 1)
        case .ipv6: _ = nd_set_option(rawValue, Int32(IPPROTO_IPV6), ND_IPV6_RECVERR, 1)
        }
        let raw = rawValue
        let result = to.address.withSpan { span in
            unsafe span.withUnsafeBufferPointer {
                unsafe nd_connect(
                    raw, Int32(to.address.family.rawValue), $0.baseAddress, to.port, UInt32(max(to.link, 0)))
            }
        }
        guard result == 0 || result == -EINPROGRESS else { throw ProbeFailure(sending: Errno(rawValue: -result)) }
    }

    private mutating func noteSent(_ sequence: UInt16) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        sent.append((sequence, Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec), .now()))
    }

    private func send(_ bytes: [UInt8]) throws(ProbeFailure) {
        let result = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard result == bytes.count else {
            throw result < 0 ? ProbeFailure(sending: .last) : .socket
        }
    }

    /// Sends an echo request.
    mutating func echo(_ sequence: UInt16, nonce: UInt64, size: Int = 64) throws(ProbeFailure) {
        guard case .echo(let family, let identifier, _) = purpose else { return }
        let request = EchoRequest(
            family: family, identifier: identifier, sequence: sequence, nonce: nonce, size: size)
        let bytes = request.bytes
        noteSent(sequence)
        try send(bytes)
    }

    /// Seconds between a request and what came: by the kernel's stamp of its arrival, unless the clock was set meanwhile.
    private func roundTrip(_ sequence: UInt16, _ stamp: Int64) -> Double {
        guard let request = sent.last(where: { $0.sequence == sequence }) else { return 0 }
        let elapsed = Instant.now().seconds(since: request.instant)
        guard stamp > 0 else { return elapsed }
        let measured = Double(stamp - request.stamp) / 1e9
        return measured >= 0 && measured <= elapsed ? measured : elapsed
    }

    /// What has come, one thing at a time.
    mutating func receive(_ buffer: ProbeBuffer) -> Input {
        switch purpose {
        case .echo(let family, let identifier, let isRaw):
            let (length, stamp, isWhole) = receiveDatagram(buffer)
            guard length >= 0 else { return failure(length) }
            guard isWhole else { return .noise }
            let reply = buffer.withBytes(length) {
                EchoReply(decoding: $0, family: family, hasHeader: isRaw && family == .ipv4)
            }
            // A ping socket has an identifier of the kernel's choice, and gets no other's replies.
            guard let reply, !isRaw || reply.identifier == identifier else { return .noise }
            return .reply(reply, roundTrip(reply.sequence, stamp))
        case .datagram:
            let (length, stamp, isWhole) = receiveDatagram(buffer)
            guard length >= 0 else { return failure(length) }
            return isWhole ? .message(length, roundTrip(0, stamp)) : .noise
        case .connect: return connection()
        case .stream: return receiveStream(buffer)
        }
    }

    private func receiveDatagram(_ buffer: ProbeBuffer) -> (length: Int, stamp: Int64, isWhole: Bool) {
        var stamp: Int64 = 0
        var truncated: Int32 = 0
        while true {
            let length = unsafe buffer.withMemory { memory, capacity in
                unsafe nd_receive_stamped(rawValue, memory, capacity, &stamp, &truncated)
            }
            if length != -EINTR { return (Int(length), stamp, truncated == 0) }
        }
    }

    private func failure(_ result: Int) -> Input {
        let error = Errno(rawValue: Int32(-result))
        return error == .again ? .none : .failed(ProbeFailure(receiving: error))
    }

    /// The state of the connection, and how long it took: by the kernel's own measure when nothing had to be sent twice.
    private func connection() -> Input {
        let error = nd_socket_error(rawValue)
        guard error == 0 else { return .failed(ProbeFailure(receiving: Errno(rawValue: abs(error)))) }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isConnected =
            unsafe withUnsafeMutablePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getpeername(rawValue, $0, &length)
                }
            } == 0
        guard isConnected else { return .none }
        let elapsed = roundTrip(0, 0)
        var microseconds: UInt32 = 0
        var retransmits: UInt32 = 0
        guard unsafe nd_tcp_information(rawValue, &microseconds, &retransmits) == 0, retransmits == 0, microseconds > 0
        else { return .connected(elapsed) }
        return .connected(min(Double(microseconds) / 1e6, elapsed))
    }

    private mutating func receiveStream(_ buffer: ProbeBuffer) -> Input {
        if !isConnected {
            let input = connection()
            guard case .connected = input else { return input }
            isConnected = true
            // A question is smaller than any send buffer.
            do { try send(outgoing) } catch { return .failed(error) }
        }
        let length = unsafe buffer.withMemory { memory, capacity in
            unsafe recv(rawValue, memory, capacity, Int32(MSG_DONTWAIT))
        }
        if length < 0 {
            let error = Errno.last
            return error == .again || error == .interrupted ? .none : .failed(ProbeFailure(receiving: error))
        }
        // It ended without an answer.
        guard length > 0 else { return .failed(.refused) }
        buffer.withBytes(length) { span in
            for offset in 0..<span.byteCount {
                unsafe incoming.append(span.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
            }
        }
        guard incoming.count >= 2 else { return .noise }
        let wanted = Int(incoming[0]) << 8 | Int(incoming[1])
        guard incoming.count >= wanted + 2 else { return .noise }
        buffer.replace(with: incoming[2..<wanted + 2])
        incoming.removeAll()
        return .message(wanted, roundTrip(0, 0))
    }
}

extension ProbeFailure {
    /// What an error of socket(2) means.
    fileprivate init(opening error: Errno) { self = error.meansDenied ? .permission : .socket }
}

/// A receive buffer that every socket of a thread uses: no datagram of IP is longer.
@safe final class ProbeBuffer {
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    deinit { unsafe memory.deallocate() }

    fileprivate func withMemory<R>(_ body: (UnsafeMutableRawPointer?, Int) -> R) -> R {
        unsafe body(memory.baseAddress, memory.count)
    }

    fileprivate func replace(with bytes: ArraySlice<UInt8>) {
        unsafe memory.copyBytes(from: bytes.prefix(memory.count))
    }

    /// The first bytes.
    func withBytes<R>(_ count: Int, _ body: (borrowing RawSpan) -> R) -> R {
        unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[0..<min(count, memory.count)])))
    }

    /// The first bytes, copied.
    func bytes(_ count: Int) -> [UInt8] { unsafe [UInt8](memory[0..<min(count, memory.count)]) }
}

/// A filter in the kernel that lets only echo replies with one identifier through: a raw ICMP socket gets all ICMP of its
/// namespace otherwise. Source: Documentation/networking/filter.rst, net/ipv4/raw.c, RFC 792, RFC 4443 section 4.2.
enum EchoFilter {
    static func instructions(_ family: IPFamily, _ identifier: UInt16) -> [sock_filter] {
        let loadByte = UInt16(BPF_LD | BPF_B | BPF_ABS)
        let loadHalf = UInt16(BPF_LD | BPF_H | BPF_ABS)
        let jumpIfEqual = UInt16(BPF_JMP | BPF_JEQ | BPF_K)
        let giveBack = UInt16(BPF_RET | BPF_K)
        let accept = sock_filter(code: giveBack, jt: 0, jf: 0, k: UInt32.max)
        let drop = sock_filter(code: giveBack, jt: 0, jf: 0, k: 0)
        switch family {
        case .ipv4:
            // The IP header comes first: its length into X.
            return [
                sock_filter(code: UInt16(BPF_LDX | BPF_B | BPF_MSH), jt: 0, jf: 0, k: 0),
                sock_filter(code: UInt16(BPF_LD | BPF_B | BPF_IND), jt: 0, jf: 0, k: 0),
                sock_filter(code: jumpIfEqual, jt: 0, jf: 3, k: 0),
                sock_filter(code: UInt16(BPF_LD | BPF_H | BPF_IND), jt: 0, jf: 0, k: 4),
                sock_filter(code: jumpIfEqual, jt: 0, jf: 1, k: UInt32(identifier)),
                accept, drop,
            ]
        case .ipv6:
            return [
                sock_filter(code: loadByte, jt: 0, jf: 0, k: 0),
                sock_filter(code: jumpIfEqual, jt: 0, jf: 3, k: 129),
                sock_filter(code: loadHalf, jt: 0, jf: 0, k: 4),
                sock_filter(code: jumpIfEqual, jt: 0, jf: 1, k: UInt32(identifier)),
                accept, drop,
            ]
        }
    }
}
