import Testing

@testable import NetnsCore

/// Links as no kernel here sends them: older, newer, broken.
@Suite struct LinkDecodingTests {
    /// rtnl_link_stats64 of 23 counters (before 4.6), 24 (before 5.19), 25, of later kernels, and of odd lengths.
    @Test(arguments: [
        (0, 0), (7, 0), (8, 1), (15, 1), (184, 23), (192, 24), (195, 24), (199, 24), (200, 25), (201, 25), (256, 25),
    ])
    func countersAsFarAsTheyGo(_ length: Int, _ count: Int) throws {
        // Counter N is N + 1 in its lowest byte and N + 101 in its highest.
        var value: [UInt8] = []
        for number in 0..<32 { value += bytes(UInt64(number + 1) | UInt64(number + 101) << 56) }
        let payload = Netlink.link(Netlink.attribute(23, Array(value[..<length])))
        let link = try Netlink.link(decoding: payload)
        #expect(link.statistics.count == count)
        for counter in LinkCounter.allCases {
            let number = UInt64(counter.rawValue)
            let expected = counter.rawValue < count ? (number + 1) | (number + 101) << 56 : nil
            #expect(link.statistics[counter] == expected)
            if counter.rawValue < count { #expect(link.statistics[position: counter.rawValue] == expected) }
        }
    }

    @Test func whatIsNotSaidIsNotKnown() throws {
        let link = try Netlink.link(decoding: Netlink.link(index: 9, hardwareType: 772, flags: 0x1002, name: "x"))
        #expect(link.index == 9)
        #expect(link.hardwareType == 772)
        #expect(link.flags == 0x1002)
        #expect(!link.isAdministrativelyUp)
        #expect(link.name == InlineBytes("x"))
        #expect(link.operationalState == nil && link.carrier == nil && link.carrierChanges == nil)
        #expect(link.carrierUpCount == nil && link.carrierDownCount == nil && link.mtu == nil)
        #expect(link.transmitQueueLength == nil && link.alias == nil && link.master == nil)
        #expect(link.link == nil && link.linkNamespace == nil && link.speed == nil)
        #expect(link.address.isEmpty && link.broadcast.isEmpty && link.kind.isEmpty)
        #expect(link.statistics.count == 0)
        #expect(link.statistics[.rxBytes] == nil)
        #expect(!link.isVethToElsewhere)
    }

    @Test func everyAttribute() throws {
        var attributes =
            Netlink.attribute(1, [2, 0, 0, 0, 0, 0x2A]) + Netlink.attribute(2, [255, 255, 255, 255, 255, 254])
        attributes += Netlink.attribute(4, bytes(UInt32(1400))) + Netlink.attribute(5, bytes(Int32(11)))
        attributes += Netlink.attribute(10, bytes(Int32(12))) + Netlink.attribute(13, bytes(UInt32(123)))
        attributes += Netlink.attribute(16, [5]) + Netlink.attribute(33, [1]) + Netlink.attribute(35, bytes(UInt32(7)))
        attributes += Netlink.attribute(37, bytes(Int32(14))) + Netlink.attribute(47, bytes(UInt32(4)))
        attributes += Netlink.attribute(48, bytes(UInt32(3))) + Netlink.attribute(20, Array("uplink\0".utf8))
        attributes += Netlink.attribute(
            18, Netlink.attribute(4, Array("bridge\0".utf8)) + Netlink.attribute(1, Array("veth\0".utf8)))
        let link = try Netlink.link(decoding: Netlink.link(attributes))
        #expect((0..<link.address.count).map { link.address[$0] } == [2, 0, 0, 0, 0, 0x2A])
        #expect((0..<link.broadcast.count).map { link.broadcast[$0] } == [255, 255, 255, 255, 255, 254])
        #expect(link.mtu == 1400)
        #expect(link.link == 11)
        #expect(link.master == 12)
        #expect(link.transmitQueueLength == 123)
        #expect(link.operationalState == OperationalState(rawValue: 5))
        #expect(link.carrier == true)
        #expect(link.carrierChanges == 7)
        #expect(link.linkNamespace == 14)
        #expect(link.carrierUpCount == 4)
        #expect(link.carrierDownCount == 3)
        #expect(link.alias == Array("uplink".utf8))
        #expect(link.kind == InlineBytes("veth"))
        #expect(link.isVethToElsewhere)
        #expect(link.isAdministrativelyUp)
    }

    @Test(arguments: [(0, false), (1, true), (2, true)] as [(UInt8, Bool)])
    func carrierIsABoolean(_ value: UInt8, _ expected: Bool) throws {
        #expect(try Netlink.link(decoding: Netlink.link(Netlink.attribute(33, [value]))).carrier == expected)
    }

    /// Only a veth that says in which namespace its other end is counts as one to elsewhere.
    @Test(arguments: [("veth", true, true), ("veth", false, false), ("macvlan", true, false), ("vet", true, false)])
    func vethToElsewhere(_ kind: String, _ hasNamespace: Bool, _ expected: Bool) throws {
        var attributes = Netlink.attribute(18, Netlink.attribute(1, Array(kind.utf8)))
        if hasNamespace { attributes += Netlink.attribute(37, bytes(Int32(0))) }
        #expect(try Netlink.link(decoding: Netlink.link(attributes)).isVethToElsewhere == expected)
    }

    /// The name's longest form, without NUL, with two, and longer than any kernel's.
    @Test(arguments: [
        ("fifteen-bytes-x\0", "fifteen-bytes-x"), ("eth0", "eth0"), ("eth0\0\0\0", "eth0"), ("e\0th0", "e"),
        ("sixteen-bytes-xy", "sixteen-bytes-xy"), ("seventeen-bytes-xy", "seventeen-bytes-"), ("a.b\0", "a.b"),
        ("é\"\\", "é\"\\"),
    ])
    func names(_ sent: String, _ expected: String) throws {
        let attribute = Netlink.attribute(3, Array(sent.utf8))
        #expect(try Netlink.link(decoding: Netlink.link(name: nil, attribute)).name.description == expected)
    }

    @Test(arguments: [nil, ""] as [String?])
    func aLinkHasAName(_ name: String?) {
        #expect(throws: NetlinkDecodingError.linkWithoutName(index: 5)) {
            try Netlink.link(decoding: Netlink.link(index: 5, name: name))
        }
    }

    /// Numbers shorter than they must be are not read; longer ones as far as they are known.
    @Test func shortAndLongNumbers() throws {
        var attributes: [UInt8] = []
        for type: UInt16 in [4, 5, 10, 13, 35, 37, 47, 48] { attributes += Netlink.attribute(type, [1, 2, 3]) }
        for type: UInt16 in [16, 33] { attributes += Netlink.attribute(type, []) }
        let link = try Netlink.link(decoding: Netlink.link(attributes))
        #expect(link.mtu == nil && link.link == nil && link.master == nil && link.transmitQueueLength == nil)
        #expect(link.carrierChanges == nil && link.linkNamespace == nil)
        #expect(link.carrierUpCount == nil && link.carrierDownCount == nil)
        #expect(link.operationalState == nil && link.carrier == nil)
        let long = Netlink.attribute(4, bytes(UInt32(1500)) + [9, 9, 9, 9])
        #expect(try Netlink.link(decoding: Netlink.link(long)).mtu == 1500)
    }

    @Test func addressesOfAnyLength() throws {
        let long = (0..<40).map { UInt8($0) }
        let link = try Netlink.link(
            decoding: Netlink.link(Netlink.attribute(1, long) + Netlink.attribute(2, [])))
        #expect(link.address.count == 32)
        #expect(link.address[31] == 31)
        #expect(link.broadcast.isEmpty)
    }

    @Test func anEmptyAliasIsNone() throws {
        #expect(try Netlink.link(decoding: Netlink.link(Netlink.attribute(20, [0]))).alias == nil)
        #expect(try Netlink.link(decoding: Netlink.link(Netlink.attribute(20, []))).alias == nil)
        let any = try Netlink.link(decoding: Netlink.link(Netlink.attribute(20, [0xFF, 0x0A, 0x22]))).alias
        #expect(any == [0xFF, 0x0A, 0x22])
    }

    /// Attributes of a later kernel, flagged as nested or not, are passed over; a flag does not hide one we know.
    @Test func unknownAttributes() throws {
        var attributes = Netlink.attribute(999, [1, 2, 3, 4, 5]) + Netlink.attribute(0x8000 | 200, [1])
        attributes += Netlink.attribute(0x3FFF, []) + Netlink.attribute(0x4000 | 4, bytes(UInt32(77)))
        attributes += Netlink.attribute(
            0x8000 | 18, Netlink.attribute(77, [9]) + Netlink.attribute(1, Array("ifb".utf8)))
        let link = try Netlink.link(decoding: Netlink.link(attributes))
        #expect(link.mtu == 77)
        #expect(link.kind == InlineBytes("ifb"))
    }

    @Test(arguments: [0, 1, 3] as [UInt16])
    func anAttributeBelowItsHeaderIsAnError(_ length: UInt16) {
        let payload = Netlink.link(Netlink.attribute(4, bytes(UInt32(1)), length: length))
        #expect(throws: NetlinkDecodingError.attributeLength(type: 4, length: Int(length))) {
            try Netlink.link(decoding: payload)
        }
        let nested = Netlink.link(Netlink.attribute(18, Netlink.attribute(1, [65], length: length)))
        #expect(throws: NetlinkDecodingError.attributeLength(type: 1, length: Int(length))) {
            try Netlink.link(decoding: nested)
        }
    }

    @Test(arguments: [9, 12, 0xFFFF] as [UInt16])
    func anAttributeBeyondTheEndIsAnError(_ length: UInt16) {
        let payload = Netlink.link(Netlink.attribute(4, bytes(UInt32(1)), length: length))
        #expect(throws: NetlinkDecodingError.attributeLength(type: 4, length: Int(length))) {
            try Netlink.link(decoding: payload)
        }
        // Inside the message and beyond its own nest.
        let nested = Netlink.link(
            Netlink.attribute(18, Netlink.attribute(1, [65, 66, 67, 68], length: length))
                + [UInt8](repeating: 0, count: 64))
        #expect(throws: NetlinkDecodingError.attributeLength(type: 1, length: Int(length))) {
            try Netlink.link(decoding: nested)
        }
    }

    /// A length of 4 is an empty attribute, and one to three bytes at the end are padding.
    @Test(arguments: 0...3)
    func paddingAtTheEnd(_ padding: Int) throws {
        let payload = Netlink.link(Netlink.attribute(999, [])) + [UInt8](repeating: 0, count: padding)
        #expect(try Netlink.link(decoding: payload).name.description == "eth0")
    }

    @Test(arguments: 0..<16)
    func aShortPayloadIsAnError(_ length: Int) {
        let payload = Array(Netlink.link()[..<length])
        #expect(throws: NetlinkDecodingError.tooShort(type: 16, length: length)) {
            try Netlink.link(decoding: payload)
        }
    }

    @Test(
        arguments: [
            (0, "unknown"), (1, "notpresent"), (2, "down"), (3, "lowerlayerdown"), (4, "testing"), (5, "dormant"),
            (6, "up"), (7, "unrecognised"), (255, "unrecognised"),
        ] as [(UInt8, String)])
    func operationalStates(_ value: UInt8, _ name: String) {
        #expect(OperationalState(rawValue: value).name.description == name)
        #expect((OperationalState(rawValue: value) == .up) == (name == "up"))
    }
}
