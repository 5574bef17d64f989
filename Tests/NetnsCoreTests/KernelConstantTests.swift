import CLinux
import Testing

@testable import NetnsCore

/// The constants that the pure decoders hold, against the kernel's headers.
@Suite struct KernelConstantTests {
    @Test func messages() {
        #expect(Int(NetlinkConstant.newLink) == Int(RTM_NEWLINK))
        #expect(Int(NetlinkConstant.newAddress) == Int(RTM_NEWADDR))
        #expect(Int(NetlinkConstant.newRoute) == Int(RTM_NEWROUTE))
        #expect(Int(NetlinkConstant.newNeighbour) == Int(RTM_NEWNEIGH))
        #expect(Int(NetlinkConstant.newNamespaceID) == Int(RTM_NEWNSID))
        #expect(Int(NetlinkConstant.newStatistics) == Int(RTM_NEWSTATS))
        #expect(Int(NetlinkConstant.statisticsOfLink) == Int(IFLA_STATS_LINK_64))
        #expect(NetlinkConstant.statisticsHeaderLength == MemoryLayout<if_stats_msg>.size)
        #expect(Int(NetlinkConstant.messageError) == Int(NLMSG_ERROR))
        #expect(Int(NetlinkConstant.messageDone) == Int(NLMSG_DONE))
        #expect(Int(NetlinkConstant.flagDumpInterrupted) == Int(NLM_F_DUMP_INTR))
    }

    @Test func paths() {
        #expect(Int(PathConstant.destination) == Int(RTA_DST.rawValue))
        #expect(Int(PathConstant.source) == Int(RTA_SRC.rawValue))
        #expect(Int(PathConstant.incomingLink) == Int(RTA_IIF.rawValue))
        #expect(Int(PathConstant.outgoingLink) == Int(RTA_OIF.rawValue))
        #expect(Int(PathConstant.preferredSource) == Int(RTA_PREFSRC.rawValue))
        #expect(Int(PathConstant.metrics) == Int(RTA_METRICS.rawValue))
        #expect(Int(PathConstant.local) == Int(RTN_LOCAL))
        #expect(Int(PathConstant.blackhole) == Int(RTN_BLACKHOLE))
        #expect(Int(PathConstant.unreachable) == Int(RTN_UNREACHABLE))
        #expect(Int(PathConstant.prohibit) == Int(RTN_PROHIBIT))
        #expect(Int(PathConstant.throwing) == Int(RTN_THROW))
        #expect(Int(PathConstant.extendedMask) == Int(IFLA_EXT_MASK))
        #expect(Int(PathConstant.bridgeVLANs) == Int(RTEXT_FILTER_BRVLAN))
        #expect(Int(PathConstant.infoData) == Int(IFLA_INFO_DATA))
        #expect(Int(PathConstant.vlanFiltering) == Int(IFLA_BR_VLAN_FILTERING))
        #expect(Int(PathConstant.familySpecific) == Int(IFLA_AF_SPEC))
    }

    /// NLMSG_HDRLEN, NLA_HDRLEN and NLMSG_ALIGN are macros with arguments or casts and do not import: the structs do,
    /// and all are multiples of 4 or, as rtgenmsg, padded to one.
    @Test func structs() {
        #expect(NetlinkConstant.headerLength == MemoryLayout<nlmsghdr>.size)
        #expect(NetlinkConstant.attributeHeaderLength == MemoryLayout<nlattr>.size)
        #expect(NetlinkConstant.linkHeaderLength == MemoryLayout<ifinfomsg>.size)
        #expect(NetlinkConstant.rtgenHeaderLength == (MemoryLayout<rtgenmsg>.size + 3) & ~3)
        #expect(MemoryLayout<ifinfomsg>.offset(of: \.ifi_type) == 2)
        #expect(MemoryLayout<ifinfomsg>.offset(of: \.ifi_index) == 4)
        #expect(MemoryLayout<ifinfomsg>.offset(of: \.ifi_flags) == 8)
    }

    @Test func structsOfAddressesRoutesAndNeighbours() {
        #expect(NetlinkConstant.addressHeaderLength == MemoryLayout<ifaddrmsg>.size)
        #expect(NetlinkConstant.routeHeaderLength == MemoryLayout<rtmsg>.size)
        #expect(NetlinkConstant.nexthopHeaderLength == MemoryLayout<rtnexthop>.size)
        #expect(NetlinkConstant.neighbourHeaderLength == MemoryLayout<ndmsg>.size)
        #expect(MemoryLayout<ifaddrmsg>.offset(of: \.ifa_family) == 0)
        #expect(MemoryLayout<ifaddrmsg>.offset(of: \.ifa_prefixlen) == 1)
        #expect(MemoryLayout<ifaddrmsg>.offset(of: \.ifa_flags) == 2)
        #expect(MemoryLayout<ifaddrmsg>.offset(of: \.ifa_scope) == 3)
        #expect(MemoryLayout<ifaddrmsg>.offset(of: \.ifa_index) == 4)
        #expect(MemoryLayout<rtmsg>.offset(of: \.rtm_family) == 0)
        #expect(MemoryLayout<rtmsg>.offset(of: \.rtm_dst_len) == 1)
        #expect(MemoryLayout<rtmsg>.offset(of: \.rtm_table) == 4)
        #expect(MemoryLayout<rtmsg>.offset(of: \.rtm_type) == 7)
        #expect(MemoryLayout<rtmsg>.offset(of: \.rtm_flags) == 8)
        #expect(MemoryLayout<rtnexthop>.offset(of: \.rtnh_len) == 0)
        #expect(MemoryLayout<rtnexthop>.offset(of: \.rtnh_ifindex) == 4)
        #expect(MemoryLayout<ndmsg>.offset(of: \.ndm_family) == 0)
        #expect(MemoryLayout<ndmsg>.offset(of: \.ndm_state) == 8)
    }

    @Test func addressesRoutesAndNeighbours() {
        let pairs: [(UInt32, Int)] = [
            (UInt32(AddressAttribute.address), Int(IFA_ADDRESS)), (UInt32(AddressAttribute.local), Int(IFA_LOCAL)),
            (UInt32(AddressAttribute.flags), Int(IFA_FLAGS)),
            (InterfaceAddress.Flags.dadFailed.rawValue, Int(IFA_F_DADFAILED)),
            (InterfaceAddress.Flags.deprecated.rawValue, Int(IFA_F_DEPRECATED)),
            (InterfaceAddress.Flags.tentative.rawValue, Int(IFA_F_TENTATIVE)),
            (UInt32(RouteAttribute.outgoingLink), Int(RTA_OIF.rawValue)),
            (UInt32(RouteAttribute.gateway), Int(RTA_GATEWAY.rawValue)),
            (UInt32(RouteAttribute.multipath), Int(RTA_MULTIPATH.rawValue)),
            (UInt32(RouteAttribute.table), Int(RTA_TABLE.rawValue)),
            (UInt32(RouteAttribute.via), Int(RTA_VIA.rawValue)),
            (RouteAttribute.mainTable, Int(RT_TABLE_MAIN.rawValue)),
            (RouteAttribute.localTable, Int(RT_TABLE_LOCAL.rawValue)),
            (UInt32(RouteAttribute.unicast), Int(RTN_UNICAST)), (RouteAttribute.flagCloned, Int(RTM_F_CLONED)),
        ]
        for (ours, kernels) in pairs { #expect(Int(ours) == kernels) }
        let scopes: [(UInt8, rt_scope_t)] = [
            (0, RT_SCOPE_UNIVERSE), (200, RT_SCOPE_SITE), (253, RT_SCOPE_LINK), (254, RT_SCOPE_HOST),
            (255, RT_SCOPE_NOWHERE),
        ]
        for (ours, kernels) in scopes {
            #expect(UInt32(ours) == kernels.rawValue)
            #expect(InterfaceAddress.Scope(rawValue: ours).name != nil)
        }
        let states: [(NeighbourState, Int32)] = [
            (.incomplete, NUD_INCOMPLETE), (.reachable, NUD_REACHABLE), (.stale, NUD_STALE), (.delay, NUD_DELAY),
            (.probe, NUD_PROBE), (.failed, NUD_FAILED), (.noarp, NUD_NOARP), (.permanent, NUD_PERMANENT),
        ]
        #expect(states.count == NeighbourState.allCases.count)
        for (ours, kernels) in states { #expect(Int32(ours.rawValue) == kernels) }
    }

    /// NLA_TYPE_MASK, NLA_F_NESTED and NLA_F_NET_BYTEORDER: macros with a complement or a shift. The mask leaves out the
    /// two highest bits, and every attribute of a link fits under it.
    @Test func attributeMask() {
        #expect(NetlinkConstant.attributeTypeMask == 0xFFFF & ~UInt16(1 << 15 | 1 << 14))
        #expect(UInt16(__IFLA_MAX) < NetlinkConstant.attributeTypeMask)
    }

    @Test func linkAttributes() {
        let pairs: [(UInt16, Int)] = [
            (LinkAttribute.address, Int(IFLA_ADDRESS)), (LinkAttribute.broadcast, Int(IFLA_BROADCAST)),
            (LinkAttribute.name, Int(IFLA_IFNAME)), (LinkAttribute.mtu, Int(IFLA_MTU)),
            (LinkAttribute.link, Int(IFLA_LINK)), (LinkAttribute.master, Int(IFLA_MASTER)),
            (LinkAttribute.transmitQueueLength, Int(IFLA_TXQLEN)),
            (LinkAttribute.operationalState, Int(IFLA_OPERSTATE)), (LinkAttribute.linkInfo, Int(IFLA_LINKINFO)),
            (LinkAttribute.alias, Int(IFLA_IFALIAS)), (LinkAttribute.statistics64, Int(IFLA_STATS64)),
            (LinkAttribute.carrier, Int(IFLA_CARRIER)), (LinkAttribute.carrierChanges, Int(IFLA_CARRIER_CHANGES)),
            (LinkAttribute.linkNamespaceID, Int(IFLA_LINK_NETNSID)),
            (LinkAttribute.carrierUpCount, Int(IFLA_CARRIER_UP_COUNT)),
            (LinkAttribute.carrierDownCount, Int(IFLA_CARRIER_DOWN_COUNT)),
            (LinkAttribute.infoKind, Int(IFLA_INFO_KIND)), (LinkAttribute.infoSlaveKind, Int(IFLA_INFO_SLAVE_KIND)),
            (LinkAttribute.infoSlaveData, Int(IFLA_INFO_SLAVE_DATA)),
            (LinkAttribute.bridgePortState, Int(IFLA_BRPORT_STATE)),
        ]
        for (ours, kernels) in pairs { #expect(Int(ours) == kernels) }
        #expect(Int(NETNSA_NSID) == 1)
    }

    @Test func states() {
        #expect(Int(OperationalState.up.rawValue) == 6)
        #expect(MemoryLayout<rtnl_link_stats64>.size / 8 >= LinkCounter.allCases.count - 1)
    }

    /// The order of the counters is that of the struct.
    @Test func counters() {
        let offsets: [(LinkCounter, Int?)] = [
            (.rxPackets, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_packets)),
            (.txPackets, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_packets)),
            (.rxBytes, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_bytes)),
            (.txBytes, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_bytes)),
            (.rxErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_errors)),
            (.txErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_errors)),
            (.rxDropped, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_dropped)),
            (.txDropped, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_dropped)),
            (.multicast, MemoryLayout<rtnl_link_stats64>.offset(of: \.multicast)),
            (.collisions, MemoryLayout<rtnl_link_stats64>.offset(of: \.collisions)),
            (.rxLengthErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_length_errors)),
            (.rxOverErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_over_errors)),
            (.rxCRCErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_crc_errors)),
            (.rxFrameErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_frame_errors)),
            (.rxFIFOErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_fifo_errors)),
            (.rxMissedErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_missed_errors)),
            (.txAbortedErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_aborted_errors)),
            (.txCarrierErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_carrier_errors)),
            (.txFIFOErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_fifo_errors)),
            (.txHeartbeatErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_heartbeat_errors)),
            (.txWindowErrors, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_window_errors)),
            (.rxCompressed, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_compressed)),
            (.txCompressed, MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_compressed)),
            (.rxNoHandler, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_nohandler)),
            (.rxOtherhostDropped, MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_otherhost_dropped)),
        ]
        for (counter, offset) in offsets { #expect(offset == counter.rawValue * 8) }
        #expect(offsets.count == LinkStatistics.capacity)
        #expect(LinkCounter.allCases.count == LinkStatistics.capacity)
    }
}
