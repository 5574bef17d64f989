internal import CLinux
internal import CMnl
internal import Glibc
internal import NetnsCore

/// Questions about one way, one neighbour, one bridge: in the namespace of the socket.
extension NetlinkSocket {
    /// How a packet would go to a destination: one that is sent from here, or with `source` and `input` one that comes in
    /// by that link. `output` is the link that a link-local destination is on. Source: RTM_GETROUTE, rtnetlink(7).
    mutating func route(
        to destination: IPAddress, from source: IPAddress? = nil, input: Int32? = nil, output: Int32? = nil,
        buffer: NetlinkBuffer
    ) -> PathFacts.RouteAnswer {
        var found: PathFacts.Route?
        do throws(NetlinkError) {
            try unsafe request(
                UInt16(RTM_GETROUTE), dump: false, buffer: buffer,
                { header in
                    guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<rtmsg>.size) else {
                        return
                    }
                    let bits: UInt8 = destination.family == .ipv4 ? 32 : 128
                    var message = rtmsg()
                    message.rtm_family = destination.family.rawValue
                    message.rtm_dst_len = bits
                    message.rtm_src_len = source == nil ? 0 : bits
                    unsafe extra.storeBytes(of: message, as: rtmsg.self)
                    unsafe Self.put(header, PathConstant.destination, destination)
                    if let source { unsafe Self.put(header, PathConstant.source, source) }
                    if let input {
                        unsafe mnl_attr_put_u32(header, PathConstant.incomingLink, UInt32(bitPattern: input))
                    }
                    if let output {
                        unsafe mnl_attr_put_u32(header, PathConstant.outgoingLink, UInt32(bitPattern: output))
                    }
                },
                { (header, payload) throws(NetlinkDecodingError) in
                    if header.type == NetlinkConstant.newRoute { found = try PathFacts.Route(decoding: payload) }
                    return .stop
                })
        } catch {
            guard case .errno(let errno) = error else { return .unknown }
            return PathFacts.Refusal(rawValue: errno.name).map { .refused($0) } ?? .unknown
        }
        return found.map { .route($0) } ?? .unknown
    }

    /// The neighbour table's entry of an address. Source: RTM_GETNEIGH for one entry, Linux 5.0; before, unknown.
    mutating func neighbour(_ address: IPAddress, on link: Int32, buffer: NetlinkBuffer) -> PathFacts.Neighbour {
        var found = PathFacts.Neighbour.unknown
        do throws(NetlinkError) {
            try unsafe request(
                UInt16(RTM_GETNEIGH), dump: false, buffer: buffer,
                { header in
                    guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<ndmsg>.size) else {
                        return
                    }
                    var message = ndmsg()
                    message.ndm_family = address.family.rawValue
                    message.ndm_ifindex = link
                    unsafe extra.storeBytes(of: message, as: ndmsg.self)
                    unsafe Self.put(header, PathConstant.neighbourDestination, address)
                },
                { (header, payload) throws(NetlinkDecodingError) in
                    if header.type == NetlinkConstant.newNeighbour {
                        found = try PathDecoding.neighbourState(payload).map { .entry($0) } ?? .absent
                    }
                    return .stop
                })
        } catch {
            if case .errno(.noSuchFile) = error { return .absent }
            return .unknown
        }
        return found
    }

    /// The most specific route that refuses a destination; nil when there is none among the first `limit`. The socket must
    /// not be asked again.
    mutating func refusingRoute(
        for destination: IPAddress, limit: Int, buffer: NetlinkBuffer
    ) -> PathFacts.RefusingRoute? {
        var found: PathFacts.RefusingRoute?
        var count = 0
        try? dump(UInt16(RTM_GETROUTE), headerLength: MemoryLayout<rtmsg>.size, buffer: buffer) {
            (header, payload) throws(NetlinkDecodingError) in
            guard header.type == NetlinkConstant.newRoute else { return .next }
            count += 1
            if count > limit { return .stop }
            guard let route = try PathFacts.RefusingRoute(decoding: payload, matching: destination) else {
                return .next
            }
            if route.prefixLength >= found?.prefixLength ?? 0 { found = route }
            return .next
        }
        return found
    }

    /// Whether a bridge looks at VLANs; nil where it is none, and where it does not tell.
    mutating func isVLANFiltering(_ bridge: Int32, buffer: NetlinkBuffer) -> Bool? {
        var found: Bool?
        try? unsafe request(
            UInt16(RTM_GETLINK), dump: false, buffer: buffer,
            { header in
                guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<ifinfomsg>.size) else {
                    return
                }
                var message = ifinfomsg()
                message.ifi_index = bridge
                unsafe extra.storeBytes(of: message, as: ifinfomsg.self)
            },
            { (header, payload) throws(NetlinkDecodingError) in
                if header.type == NetlinkConstant.newLink { found = try PathDecoding.isVLANFiltering(payload) }
                return .stop
            })
        return found
    }

    /// The VLANs of some ports, or of a bridge itself, by their indexes.
    mutating func vlans(of links: Set<Int32>, buffer: NetlinkBuffer) -> [Int32: PathFacts.VLANs.Port] {
        var found: [Int32: PathFacts.VLANs.Port] = [:]
        try? unsafe request(
            UInt16(RTM_GETLINK), dump: true, buffer: buffer,
            { header in
                guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<ifinfomsg>.size) else {
                    return
                }
                var message = ifinfomsg()
                message.ifi_family = UInt8(AF_BRIDGE)
                unsafe extra.storeBytes(of: message, as: ifinfomsg.self)
                unsafe mnl_attr_put_u32(header, PathConstant.extendedMask, PathConstant.bridgeVLANs)
            },
            { (header, payload) throws(NetlinkDecodingError) in
                guard header.type == NetlinkConstant.newLink else { return .next }
                let (link, port) = try PathDecoding.vlans(payload)
                if links.contains(link) { found[link] = port }
                return .next
            })
        return found
    }

    /// Adds an attribute with an address.
    private static func put(_ header: UnsafeMutablePointer<nlmsghdr>, _ type: UInt16, _ address: IPAddress) {
        address.withSpan { bytes in
            unsafe bytes.withUnsafeBytes { unsafe mnl_attr_put(header, type, $0.count, $0.baseAddress) }
        }
    }
}
