internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The IP addresses of every namespace's interfaces.
struct AddressCollector: Collector {
    let name: String? = CollectorName.address.rawValue
    let parts = CollectorName.address.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.addresses }

    let emitters = [
        Emitter(
            "netns_network_address_info", .info,
            labels: ["netns", "device", "address", "family", "prefix_length", "scope", "flags"],
            help:
                "An IP address of a network device (RTM_GETADDR; on a point-to-point link IFA_LOCAL), its scope, and those of "
                + "its flags (IFA_FLAGS) that tell of trouble: tentative, dadfailed, deprecated."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for written in scene.addresses {
                let device = scene.devices[written.device]
                let address = scene.namespaces[device.namespace].addresses[written.position]
                labels.removeAll()
                labels.append(scene.labels, device.label)
                address.address.text.withSpan { labels.addLabel("address", $0) }
                labels.addLabel("family", address.address.family.name)
                labels.addLabel("prefix_length", UInt64(address.prefixLength))
                if let scope = address.scope.name {
                    labels.addLabel("scope", scope)
                } else {
                    labels.addLabel("scope", UInt64(address.scope.rawValue))
                }
                addFlags(labels, address.flags)
                writer.sample(labels, 0..<labels.count, UInt64(1))
            }
        }
    ]

    private static func addFlags(_ labels: ByteBuffer, _ flags: InterfaceAddress.Flags) {
        let names: [3 of (InterfaceAddress.Flags, StaticString)] = [
            (.tentative, "tentative"), (.dadFailed, "dadfailed"), (.deprecated, "deprecated"),
        ]
        var separator: StaticString = ",flags=\""
        for index in names.indices where flags.contains(names[index].0) {
            labels.append(separator)
            labels.append(names[index].1)
            separator = ","
        }
        if separator.utf8CodeUnitCount == 1 { labels.append("\"") }
    }
}
