import TestSupport
import Testing

@testable import NetnsCore

@Suite struct DNSMessageTests {
    /// What a test puts into a message, names without compression unless it says otherwise.
    private struct Record {
        var name: [UInt8] = [0xC0, 12]
        var type: UInt16 = 1
        var kind: UInt16 = 1
        var data: [UInt8] = [192, 0, 2, 1]

        var bytes: [UInt8] { name + big(type) + big(kind) + [0, 0, 0, 60] + big(UInt16(data.count)) + data }
    }

    private static func question(_ name: String = "www.example.com", _ type: Probe.QueryType = .a) throws -> DNSQuestion
    {
        try DNSQuestion(id: 0xBEEF, name: name, type: type)
    }

    private static func message(
        _ question: DNSQuestion, flags: UInt16 = 0x8180, _ records: [Record], count: UInt16? = nil
    ) -> [UInt8] {
        big(question.id) + big(flags) + [0, 1] + big(count ?? UInt16(records.count)) + [0, 0, 0, 0]
            + question.bytes[12...] + records.flatMap(\.bytes)
    }

    private static func decode(_ bytes: [UInt8], _ question: DNSQuestion) -> DNSAnswer {
        unsafe DNSAnswer(decoding: bytes.span.bytes, to: question)
    }

    private static func wire(_ name: String) throws -> [UInt8] { try DNSName(name).wire }

    @Test func questions() throws {
        #expect(
            try Self.question().bytes
                == hex(
                    """
                    be ef 01 00                                      # id, recursion desired
                    00 01 00 00 00 00 00 00                          # one question
                    03 77 77 77 07 65 78 61 6d 70 6c 65 03 63 6f 6d  # www.example.com
                    00 00 01 00 01                                   # the root, A, IN
                    """))
        let types = try Probe.QueryType.allCases.map { Array(try Self.question(".", $0).bytes.suffix(5)) }
        #expect(types.map { $0[2] } == [1, 28, 5, 15, 2, 12, 6, 33, 16])
        #expect(types.allSatisfy { $0[0] == 0 && $0[1] == 0 && $0[3] == 0 && $0[4] == 1 })
    }

    @Test(
        arguments: [
            ("", .empty), ("..", .emptyLabel), (".a", .emptyLabel), ("a..b", .emptyLabel), ("a..", .emptyLabel),
            ("a b", .character(0x20)), ("é.example", .character(0xC3)), ("a\n", .character(0x0A)),
            ("a\u{7F}", .character(0x7F)), (String(repeating: "a", count: 64), .labelTooLong),
            (String(repeating: "a.", count: 127) + "a", .tooLong),
            (String(repeating: "abc.", count: 63) + "ab", .tooLong),
        ] as [(String, DNSName.Problem)])
    func noNames(_ text: String, _ expected: DNSName.Problem) {
        #expect(throws: expected) { try DNSName(text) }
    }

    @Test(arguments: [
        ("a", 3), ("a.", 3), (".", 1), ("_sip._tcp.example.com", 23), (String(repeating: "a", count: 63), 65),
        (String(repeating: "a.", count: 127), 255), (String(repeating: "abc.", count: 63) + "a", 255),
    ])
    func names(_ text: String, _ length: Int) throws {
        let name = try DNSName(text)
        #expect(name.wire.count == length && name.wire.last == 0)
        var offset = 0
        let decoded = unsafe DNSName(decoding: name.wire.span.bytes, at: &offset)
        #expect(decoded == name && offset == length)
    }

    @Test func caseOfNames() throws {
        let (lower, upper) = (try DNSName("a-z.example[@"), try DNSName("A-Z.EXAMPLE[@"))
        #expect(lower == upper && lower.hashValue == upper.hashValue)
        #expect(try lower != DNSName("a-z.example{`"))
    }

    /// As a name server answers: an alias, its alias, and two addresses, compressed.
    @Test func aliases() throws {
        let message = hex(
            """
            be ef 81 80 00 01 00 04 00 00 00 00              # response, recursion available; 1 question, 4 answers
            03 57 77 57 07 65 78 61 6d 70 6c 65 03 43 6f 6d  # 12: WwW.example.Com
            00 00 01 00 01
            c0 0c 00 05 00 01 00 00 00 3c 00 06              # 33: alias, 6 bytes
            03 63 64 6e c0 10                                # 45: cdn.example.Com
            c0 2d 00 05 00 01 00 00 00 3c 00 04              # 51: of that, 4 bytes
            01 65 c0 10                                      # 63: e.example.Com
            c0 3f 00 01 00 01 00 00 00 3c 00 04 c0 00 02 07  # 192.0.2.7
            c0 3f 00 01 00 01 00 00 00 3c 00 04 c0 00 02 05  # 192.0.2.5
            """)
        let addresses = ["192.0.2.7", "192.0.2.5"].compactMap { IPAddress($0) }
        #expect(Self.decode(message, try Self.question()) == .answered(addresses: addresses, records: 2))
        // Only what was asked for is an answer.
        #expect(Self.decode(message, try Self.question("www.example.com", .aaaa)) == .notForUs)
        #expect(Self.decode(message, try Self.question("www.example.org")) == .notForUs)
        for length in 0..<message.count {
            #expect(Self.decode(Array(message[..<length]), try Self.question()) == .notForUs)
        }
        #expect(Self.decode(message + [1, 2, 3], try Self.question()) == .answered(addresses: addresses, records: 2))
    }

    @Test func theOrderOfRecordsDoesNotMatter() throws {
        let question = try Self.question("a.example")
        let alias = Record(type: 5, data: try Self.wire("b.example"))
        let address = Record(name: try Self.wire("B.example"))
        let expected = DNSAnswer.answered(addresses: [try #require(IPAddress("192.0.2.1"))], records: 1)
        #expect(Self.decode(Self.message(question, [alias, address]), question) == expected)
        #expect(Self.decode(Self.message(question, [address, alias]), question) == expected)
        // An address of somebody else is none.
        #expect(Self.decode(Self.message(question, [Record(name: try Self.wire("c.example"))]), question) == .noData)
        #expect(Self.decode(Self.message(question, [alias]), question) == .noData)
        #expect(Self.decode(Self.message(question, [Record(kind: 3)]), question) == .noData)
    }

    @Test func aliasesInCircles() throws {
        let question = try Self.question("a.example")
        let there = Record(type: 5, data: try Self.wire("b.example"))
        let back = Record(name: try Self.wire("b.example"), type: 5, data: try Self.wire("a.example"))
        #expect(Self.decode(Self.message(question, [there, back]), question) == .noData)
        let chain = try (0..<DNSAnswer.maximumAliases + 4).map { step in
            Record(
                name: try Self.wire(step == 0 ? "a.example" : "n\(step)"), type: 5, data: try Self.wire("n\(step + 1)"))
        }
        for (length, isFollowed) in [(DNSAnswer.maximumAliases, true), (DNSAnswer.maximumAliases + 1, false)] {
            let records = Array(chain[..<length]) + [Record(name: try Self.wire("n\(length)"))]
            let answer = Self.decode(Self.message(question, records), question)
            #expect((answer != .noData) == isFollowed)
        }
    }

    /// Records that are counted: of the type asked for, whatever is in them.
    @Test(arguments: Probe.QueryType.allCases)
    func everyType(_ type: Probe.QueryType) throws {
        let question = try Self.question("example", type)
        let data: [UInt8]
        let addresses: [IPAddress]
        switch type {
        case .a: (data, addresses) = ([192, 0, 2, 9], [try #require(IPAddress("192.0.2.9"))])
        case .aaaa:
            data = [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
            addresses = [try #require(IPAddress("2001:db8::9"))]
        default: (data, addresses) = (try Self.wire("x"), [])
        }
        let other = Record(type: 99, data: [1])
        let records = [other, Record(type: type.code, data: data), Record(type: type.code, data: data), other]
        #expect(
            Self.decode(Self.message(question, records), question)
                == .answered(addresses: addresses + addresses, records: 2))
        let short = Self.message(question, [Record(type: type.code, data: Array(data.dropLast()))])
        if !addresses.isEmpty { #expect(Self.decode(short, question) == .notForUs) }
    }

    @Test func manyAddresses() throws {
        let question = try Self.question()
        let answer = Self.decode(Self.message(question, Array(repeating: Record(), count: 500)), question)
        guard case .answered(let addresses, 500) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(addresses.count == DNSAnswer.maximumAddresses)
    }

    @Test(
        arguments: [
            (0x8183, .nameError), (0x8583, .nameError), (0x8182, .serverFailure(rcode: 2)),
            (0x8185, .serverFailure(rcode: 5)), (0x8181, .serverFailure(rcode: 1)), (0x8180, .noData),
            (0x8380, .truncated), (0x8382, .serverFailure(rcode: 2)), (0x0100, .notForUs), (0x9180, .notForUs),
            (0xA180, .notForUs),
        ] as [(UInt16, DNSAnswer)])
    func flags(_ flags: UInt16, _ expected: DNSAnswer) throws {
        let question = try Self.question()
        #expect(Self.decode(Self.message(question, flags: flags, []), question) == expected)
        var other = question
        other.id ^= 1
        #expect(Self.decode(Self.message(question, flags: flags, []), other) == .notForUs)
    }

    /// Who says nothing of the question may say only that it cannot read it.
    @Test func withoutAQuestion() throws {
        let question = try Self.question()
        for (code, expected) in [(1, .serverFailure(rcode: 1)), (0, .notForUs), (2, .notForUs), (3, .notForUs)]
            as [(UInt16, DNSAnswer)]
        {
            let bytes = big(question.id) + big(0x8180 | code) + [0, 0, 0, 0, 0, 0, 0, 0]
            #expect(Self.decode(bytes, question) == expected)
        }
        var two = Self.message(question, [])
        two[5] = 2
        #expect(Self.decode(two + question.bytes[12...], question) == .notForUs)
    }

    /// Pointers to themselves, in circles, forward, beyond the end, and what is no pointer: in a record's name, which
    /// begins at 33, and in an alias, which begins at 45.
    @Test(
        arguments: [
            ([0xC0, 33], [1, 0x61, 0xC0, 45]), ([0xC0, 34], [1, 0x61, 0xC0, 47]), ([0xC0, 200], [1, 0x61, 0xC0, 200]),
            ([0xFF, 0xFF], [0xFF, 0xFF]), ([0x40, 1], [0x40, 1]), ([0x80, 1], [0x80, 1]), ([0xC0], [0xC0]),
            ([1, 0x61, 0xC0, 33], [0xC0, 46]),
        ] as [([UInt8], [UInt8])])
    func pointers(_ name: [UInt8], _ target: [UInt8]) throws {
        let question = try Self.question()
        #expect(Self.decode(Self.message(question, [Record(name: name)]), question) == .notForUs)
        #expect(Self.decode(Self.message(question, [Record(type: 5, data: target), Record()]), question) == .notForUs)
    }

    /// A name out of pointers alone that is longer than 255 bytes.
    @Test func longByPointers() {
        var message: [UInt8] = [63] + [UInt8](repeating: 0x61, count: 63) + [0]
        for _ in 0..<6 {
            let target = message.count < 70 ? 0 : message.count - 66
            message += [63] + [UInt8](repeating: 0x62, count: 63) + [0xC0 | UInt8(target >> 8), UInt8(target & 0xFF)]
        }
        var found = 0
        for start in stride(from: 65, to: message.count, by: 66) {
            var offset = start
            if unsafe DNSName(decoding: message.span.bytes, at: &offset) != nil { found += 1 }
        }
        #expect(found == 2)
    }

    @Test func mutations() throws {
        let question = try Self.question("a.example")
        let records = [
            Record(type: 5, data: [1, 0x62, 0xC0, 14]), Record(name: [1, 0x62, 0xC0, 14]), Record(type: 28),
        ]
        let message = Self.message(question, records)
        #expect(Self.decode(message, question) != .notForUs)
        var generator = SplitMix64(seed: 1035)
        var kinds: [DNSAnswer: Int] = [:]
        for _ in 0..<40_000 {
            let broken = generator.mutation(of: message, alphabet: [0, 1, 4, 5, 12, 14, 0x3F, 0x40, 0xC0, 0xFF])
            kinds[Self.decode(broken, question), default: 0] += 1
        }
        #expect(kinds[.notForUs, default: 0] > 5_000 && kinds[.noData, default: 0] > 100)
        #expect(kinds.count > 10)
    }
}

/// Two bytes in network order.
private func big(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
