internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The routes of every namespace: how many, and where the default ones lead.
struct RouteCollector: Collector {
    let name: String? = CollectorName.route.rawValue
    let parts = CollectorName.route.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.routes }

    let emitters = [
        Emitter(
            "netns_network_default_route_info", .info, labels: ["netns", "device", "family", "gateway"],
            help:
                "A next hop of a unicast default route of the main table (RTM_GETROUTE): its gateway (RTA_GATEWAY, RTA_VIA; "
                + "without one, all is thought to be on the link) and device (RTA_OIF). The first 16 of a namespace."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasRoutes {
                for route in namespace.routes.defaults {
                    let start = scene.deviceRanges[index].lowerBound
                    guard let device = scene.device(withIndex: route.link, in: index, near: start) else { continue }
                    labels.removeAll()
                    labels.append(scene.labels, scene.devices[device].label)
                    labels.addLabel("family", route.family.name)
                    route.gateway?.text.withSpan { labels.addLabel("gateway", $0) }
                    writer.sample(labels, 0..<labels.count, UInt64(1))
                }
            }
        },
        Emitter(
            "netns_routes", .gauge, labels: ["netns", "family"],
            help: "Routes (RTM_GETROUTE) of all tables but local; without clones (RTM_F_CLONED)."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasRoutes {
                for family in IPFamily.allCases {
                    labels.removeAll()
                    labels.append(scene.labels, scene.namespaceLabels[index])
                    labels.addLabel("family", family.name)
                    writer.sample(labels, 0..<labels.count, UInt64(namespace.routes[family]))
                }
            }
        },
    ]
}
