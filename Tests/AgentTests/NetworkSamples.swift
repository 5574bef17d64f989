import NetnsCore

/// What the kernel says of addresses, routes and neighbours; made by the decoders, since nothing else may set them.
extension Samples {
    private static func attribute(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
        [UInt8(value.count + 4), 0, type, 0] + value
    }

    static func address(
        _ bytes: [UInt8], prefix: UInt8, link: UInt8, scope: UInt8 = 0, flags: UInt8 = 0, peer: [UInt8]? = nil
    ) -> InterfaceAddress? {
        let family: UInt8 = bytes.count == 4 ? 2 : 10
        let message =
            [family, prefix, flags, scope, link, 0, 0, 0] + attribute(2, bytes) + attribute(1, peer ?? bytes)
        return unsafe (try? InterfaceAddress(decoding: message.span.bytes)) ?? nil
    }

    /// A default route of the main table; without a link, a route that is none.
    static func add(_ summary: inout RouteSummary, _ family: UInt8, link: UInt8 = 0, gateway: [UInt8] = []) {
        var message: [UInt8] = [family, link == 0 ? 24 : 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]
        message += attribute(4, [link, 0, 0, 0]) + (gateway.isEmpty ? [] : attribute(5, gateway))
        unsafe (try? summary.add(decoding: message.span.bytes)) ?? ()
    }

    static func add(_ counts: inout NeighbourCounts, state: UInt8) {
        let message: [UInt8] = [2, 0, 0, 0, 2, 0, 0, 0, state, 0, 0, 1]
        unsafe (try? counts.add(decoding: message.span.bytes)) ?? ()
    }

    static let documentation: [UInt8] = [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11)

    /// Gives a namespace with links 2 and 3 some of each.
    static func addNetwork(to sample: NamespaceSample) {
        sample.addresses = [
            address([198, 18, 0, 2], prefix: 22, link: 2), address([198, 18, 4, 1], prefix: 32, link: 3, scope: 99),
            address(documentation + [1], prefix: 64, link: 2, flags: 0xE8),
            address(documentation + [2], prefix: 128, link: 2, scope: 253, flags: 0x20),
            address([192, 0, 2, 1], prefix: 24, link: 77),
        ].compactMap { $0 }
        add(&sample.routes, 2, link: 2, gateway: [198, 18, 0, 1])
        add(&sample.routes, 2, link: 3)
        add(&sample.routes, 2)
        add(&sample.routes, 10, link: 2, gateway: documentation + [9])
        add(&sample.routes, 10, link: 77, gateway: documentation + [9])
        for state: UInt8 in [1, 2, 4, 4, 8, 16, 32, 64, 64, 128] { add(&sample.neighbours, state: state) }
    }
}
