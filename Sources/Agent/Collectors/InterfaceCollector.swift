internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The links of every namespace: counters, states, properties. Names are node_exporter's, with another prefix.
struct InterfaceCollector: Collector {
    let name: String? = CollectorName.interface.rawValue
    let parts: CollectionParts = .links

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.links }

    let emitters: [Emitter] = counters.map(counter) + states + [info, peerInfo, peerPortState]

    /// The counters of rtnl_link_stats64 with their names here, the kernel's names, and units.
    static let counters: [(LinkCounter, String, String, String?)] = [
        (.rxPackets, "receive_packets", "rx_packets", nil),
        (.txPackets, "transmit_packets", "tx_packets", nil),
        (.rxBytes, "receive_bytes", "rx_bytes", "bytes"),
        (.txBytes, "transmit_bytes", "tx_bytes", "bytes"),
        (.rxErrors, "receive_errors", "rx_errors", nil),
        (.txErrors, "transmit_errors", "tx_errors", nil),
        (.rxDropped, "receive_dropped", "rx_dropped", nil),
        (.txDropped, "transmit_dropped", "tx_dropped", nil),
        (.multicast, "multicast", "multicast", nil),
        (.collisions, "collisions", "collisions", nil),
        (.rxLengthErrors, "receive_length_errors", "rx_length_errors", nil),
        (.rxOverErrors, "receive_over_errors", "rx_over_errors", nil),
        (.rxCRCErrors, "receive_crc_errors", "rx_crc_errors", nil),
        (.rxFrameErrors, "receive_frame_errors", "rx_frame_errors", nil),
        (.rxFIFOErrors, "receive_fifo_errors", "rx_fifo_errors", nil),
        (.rxMissedErrors, "receive_missed_errors", "rx_missed_errors", nil),
        (.txAbortedErrors, "transmit_aborted_errors", "tx_aborted_errors", nil),
        (.txCarrierErrors, "transmit_carrier_errors", "tx_carrier_errors", nil),
        (.txFIFOErrors, "transmit_fifo_errors", "tx_fifo_errors", nil),
        (.txHeartbeatErrors, "transmit_heartbeat_errors", "tx_heartbeat_errors", nil),
        (.txWindowErrors, "transmit_window_errors", "tx_window_errors", nil),
        (.rxCompressed, "receive_compressed", "rx_compressed", nil),
        (.txCompressed, "transmit_compressed", "tx_compressed", nil),
        (.rxNoHandler, "receive_nohandler", "rx_nohandler", nil),
        (.rxOtherhostDropped, "receive_otherhost_dropped", "rx_otherhost_dropped", nil),
    ]

    private static func counter(
        _ counter: LinkCounter, _ name: String, _ kernelName: String, _ unit: String?
    ) -> Emitter {
        Emitter(
            "netns_network_\(name)_total", .counter, unit: unit, labels: ["netns", "device"],
            help: "Network device statistic \(kernelName) (rtnl_link_stats64)."
        ) { scene, writer in
            for device in scene.devices {
                if let value = scene.namespaces[device.namespace].links[device.link].statistics[counter] {
                    writer.sample(scene.labels, device.label, value)
                }
            }
        }
    }

    /// A family of one number a link, left out where the kernel does not say.
    private static func number(
        _ name: String, _ kind: MetricKind, unit: String? = nil, help: String, _ value: @escaping (Link) -> UInt64?
    ) -> Emitter {
        Emitter("netns_network_\(name)", kind, unit: unit, labels: ["netns", "device"], help: help) { scene, writer in
            for device in scene.devices {
                if let value = value(scene.namespaces[device.namespace].links[device.link]) {
                    writer.sample(scene.labels, device.label, value)
                }
            }
        }
    }

    private static var states: [Emitter] {
        [
            number("up", .gauge, help: "1 when the operational state (IFLA_OPERSTATE) is up, 0 otherwise.") { link in
                link.operationalState.map { $0 == .up ? 1 : 0 }
            },
            number("carrier", .gauge, help: "1 when the link has a carrier (IFLA_CARRIER), 0 otherwise.") { link in
                link.carrier.map { $0 ? 1 : 0 }
            },
            number("carrier_changes_total", .counter, help: "Changes of the carrier (IFLA_CARRIER_CHANGES).") {
                $0.carrierChanges.map(UInt64.init)
            },
            number("carrier_up_changes_total", .counter, help: "Times the carrier came (IFLA_CARRIER_UP_COUNT).") {
                $0.carrierUpCount.map(UInt64.init)
            },
            number("carrier_down_changes_total", .counter, help: "Times the carrier went (IFLA_CARRIER_DOWN_COUNT).") {
                $0.carrierDownCount.map(UInt64.init)
            },
            number("mtu_bytes", .gauge, unit: "bytes", help: "Maximum transmission unit (IFLA_MTU).") {
                $0.mtu.map(UInt64.init)
            },
            number(
                "speed_bytes", .gauge, unit: "bytes",
                help: "Speed in bytes per second (ETHTOOL_GSET), where the driver knows one and the link is up."
            ) { $0.speed },
            number("transmit_queue_length", .gauge, help: "Length of the transmit queue in packets (IFLA_TXQLEN).") {
                $0.transmitQueueLength.map(UInt64.init)
            },
        ]
    }

    private static var info: Emitter {
        Emitter(
            "netns_network_info", .info,
            labels: [
                "netns", "device", "address", "adminstate", "broadcast", "duplex", "ifalias", "kind", "master",
                "operstate",
            ],
            help:
                "A network device: its operational state (IFLA_OPERSTATE), administrative state (IFF_UP), hardware address, "
                + "kind (IFLA_INFO_KIND), duplex, alias, and the bridge or bond it is a port of (IFLA_MASTER)."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for device in scene.devices {
                let link = scene.namespaces[device.namespace].links[device.link]
                labels.removeAll()
                labels.append(scene.labels, device.label)
                addHardwareAddress(labels, "address", link.address)
                labels.addLabel("adminstate", link.isAdministrativelyUp ? "up" : "down")
                addHardwareAddress(labels, "broadcast", link.broadcast)
                labels.addLabel("duplex", link.duplex?.description)
                if let alias = link.alias { labels.addLabel("ifalias", alias.span) }
                if !link.kind.isEmpty { link.kind.withSpan { labels.addLabel("kind", $0) } }
                if let master = scene.namespaces[device.namespace].master(of: link) {
                    labels.addDevice("master", master)
                }
                labels.addLabel("operstate", link.operationalState?.name.description)
                writer.sample(labels, 0..<labels.count, UInt64(1))
            }
        }
    }

    private static var peerInfo: Emitter {
        Emitter(
            "netns_network_peer_info", .info, labels: ["netns", "device", "peer_netns", "peer_device", "master"],
            help:
                "The other end of a veth or the lower device of a macvlan, vlan and the like (IFLA_LINK, IFLA_LINK_NETNSID), "
                + "with the bridge or bond that it is a port of; absent where it could not be told."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for device in scene.devices {
                guard
                    let peer = scene.linkedNamespaces.peer(of: device.link, in: scene.namespaces[device.namespace])
                else { continue }
                labels.removeAll()
                labels.append(scene.labels, device.label)
                labels.addLabel("peer_netns", peer.namespace.name)
                labels.addDevice("peer_device", peer.link.name)
                if let master = peer.namespace.master(of: peer.link) { labels.addDevice("master", master) }
                writer.sample(labels, 0..<labels.count, UInt64(1))
            }
        }
    }

    private static var peerPortState: Emitter {
        Emitter(
            "netns_network_peer_port_state", .gauge, labels: ["netns", "device"],
            help:
                "State of the other end as a port of its bridge (IFLA_BRPORT_STATE): 0 disabled, 1 listening, 2 learning, "
                + "3 forwarding, 4 blocking."
        ) { scene, writer in
            for device in scene.devices {
                guard
                    let peer = scene.linkedNamespaces.peer(of: device.link, in: scene.namespaces[device.namespace]),
                    let state = peer.link.portState
                else { continue }
                writer.sample(scene.labels, device.label, UInt64(state.rawValue))
            }
        }
    }

    private static func addHardwareAddress(_ labels: ByteBuffer, _ name: StaticString, _ address: InlineBytes<32>) {
        guard !address.isEmpty else { return }
        labels.append(",")
        labels.append(name)
        labels.append("=\"")
        for index in 0..<address.count {
            if index > 0 { labels.append(":") }
            labels.append(hex: address[index])
        }
        labels.append("\"")
    }
}
