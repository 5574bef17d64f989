internal import ArgumentParser
internal import NetnsSystem

/// The collectors of what netlink has beside the links.
struct NetworkOptions: ParsableArguments {
    @Flag(
        name: .customLong("collector.address"), inversion: .prefixedNo,
        help: "Addresses of the interfaces that are reported.")
    var address = true

    @Option(
        name: .customLong("collector.address.max-addresses"),
        help: ArgumentHelp("More addresses than this in one namespace are left out and counted.", valueName: "n"))
    var maximumAddresses = 1000

    @Flag(
        name: .customLong("collector.route"), inversion: .prefixedNo,
        help: "The number of routes, and the default ones that leave by an interface that is reported.")
    var route = true

    @Option(
        name: .customLong("collector.route.max-routes"),
        help: ArgumentHelp(
            "A namespace with more routes than this, local ones too, has no samples of them, and is counted.",
            valueName: "n"))
    var maximumRoutes = 100_000

    @Flag(
        name: .customLong("collector.neighbour"), inversion: .prefixedNo,
        help: ArgumentHelp(
            "The number of neighbours (ARP, NDP) by state. Off by default: the kernel walks the neighbours of all "
                + "namespaces for each, so that with 40,000 on the host every namespace takes 2.4 ms."))
    var neighbour = false

    func validate() throws {
        if maximumAddresses < 0 {
            throw ValidationError("--collector.address.max-addresses is \(maximumAddresses): it is at least 0")
        }
        if maximumRoutes < 0 {
            throw ValidationError("--collector.route.max-routes is \(maximumRoutes): it is at least 0")
        }
    }

    /// Which of its collectors are switched on.
    var enabled: Set<CollectorName> {
        var names: Set<CollectorName> = []
        if address { names.insert(.address) }
        if route { names.insert(.route) }
        if neighbour { names.insert(.neighbour) }
        return names
    }

    func apply(to settings: inout EngineSettings) { settings.maximumRoutes = maximumRoutes }
}
