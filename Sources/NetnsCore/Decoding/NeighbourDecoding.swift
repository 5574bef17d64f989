extension NeighbourCounts {
    /// Counts the neighbour of an RTM_NEWNEIGH message: `struct ndmsg`, whose ndm_state is one bit; attributes are not
    /// looked at. Passed over are families other than IPv4 and IPv6, and entries without a state (NUD_NONE).
    /// Source: rtnetlink(7), net/core/neighbour.c neigh_fill_info().
    public mutating func add(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NetlinkConstant.neighbourHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newNeighbour, length: payload.byteCount)
        }
        guard IPFamily(rawValue: payload.loadByte(at: 0)) != nil,
            let state = NeighbourState(rawValue: payload.load(UInt16.self, at: 8))
        else { return }
        self[state] += 1
    }
}
