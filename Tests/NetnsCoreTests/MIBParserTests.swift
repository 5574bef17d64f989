import TestSupport
import Testing

@testable import NetnsCore

/// /proc/net/{snmp,snmp6,netstat} as this kernel prints them, as others would, and broken.
@Suite struct MIBParserTests {
    /// What a file says, read in the plainest way.
    private static func plain(_ text: String, _ file: MIBFile) -> [MIBField: UInt64] {
        var values: [MIBField: UInt64] = [:]
        let lines = text.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
        if file == .snmp6 {
            for line in lines {
                let group = ["UdpLite6", "Udp6", "Icmp6", "Ip6"].first { line[0].hasPrefix($0) }
                guard let group = group.flatMap({ MIBGroup(rawValue: $0) }) else { continue }
                values[MIBField(group, String(line[0].dropFirst(group.rawValue.count)))] = UInt64(line[1])
            }
            return values
        }
        for index in stride(from: 0, to: lines.count - 1, by: 2) {
            guard let group = MIBGroup(rawValue: String(lines[index][0].dropLast())) else { continue }
            for (name, value) in zip(lines[index], lines[index + 1]).dropFirst() {
                values[MIBField(group, name)] = UInt64(value)
            }
        }
        return values
    }

    private static func text(_ file: MIBFile) throws -> String {
        String(decoding: try fixture("\(file.rawValue).txt"), as: UTF8.self)
    }

    /// What a parser finds.
    private static func parse(
        _ text: [UInt8], _ file: MIBFile, _ selection: MIBSelection, _ parser: inout MIBParser
    ) -> [MIBField: UInt64] {
        var readings = MIBReadings()
        readings.begin(selection)
        unsafe parser.parse(text.span.bytes, of: file, into: &readings)
        var values: [MIBField: UInt64] = [:]
        for (position, field) in selection.fields.enumerated() { values[field] = readings[position] }
        return values
    }

    private static func fields(_ file: MIBFile) throws -> [MIBField] {
        let bytes = Array(try text(file).utf8)
        return unsafe MIBParser.fields(of: file, in: bytes.span.bytes)
    }

    @Test(arguments: [(MIBFile.snmp, 80), (.snmp6, 80), (.netstat, 200)])
    func everyFieldOfThisKernel(_ file: MIBFile, _ count: Int) throws {
        let text = try Self.text(file)
        let expected = Self.plain(text, file)
        let fields = try Self.fields(file)
        #expect(fields.count > count && Set(fields).count == fields.count)
        let selection = MIBSelection(fields)
        #expect(selection.files == [file])
        var parser = MIBParser(selection)
        // The first time names are learnt, from then on they are known.
        for _ in 1...3 {
            let values = Self.parse(Array(text.utf8), file, selection, &parser)
            #expect(values == expected.filter { fields.contains($0.key) })
        }
        #expect(expected.values.contains { $0 > 0 })
    }

    @Test func fieldsByName() throws {
        let fields = try Self.fields(.snmp6)
        #expect(fields.contains(MIBField(.udpLite6, "InDatagrams")) && fields.contains(MIBField(.udp6, "NoPorts")))
        #expect(!fields.contains { $0.name.hasPrefix("InType") || $0.name.hasPrefix("OutType") })
        #expect(try Self.fields(.snmp).allSatisfy { $0.group.rawValue != "IcmpMsg" })
        #expect(try Self.fields(.netstat).contains(MIBField(.mptcpExt, "MPCurrEstab")))
        #expect(MIBField("Tcp_RetransSegs") == MIBField(.tcp, "RetransSegs"))
        for text in ["", "Tcp", "Tcp_", "_x", "Sctp_CurrEstab"] { #expect(MIBField(text) == nil) }
    }

    /// The same values in lines that stand in another order, with names that are there no more or were never seen.
    @Test func otherKernels() throws {
        var generator = SplitMix64(seed: 11)
        for file in MIBFile.allCases {
            let text = try Self.text(file)
            let selection = MIBSelection(try Self.fields(file))
            var parser = MIBParser(selection)
            for _ in 0..<40 {
                let other = Self.rearranged(text, file, &generator)
                let expected = Self.plain(other, file)
                let values = Self.parse(Array(other.utf8), file, selection, &parser)
                #expect(values == expected.filter { selection.fields.contains($0.key) })
            }
        }
    }

    private static func rearranged(_ text: String, _ file: MIBFile, _ generator: inout SplitMix64) -> String {
        let lines = text.split(separator: "\n").map(String.init)
        if file == .snmp6 {
            var kept = lines.filter { _ in UInt8.random(in: 0..<8, using: &generator) > 0 }
            kept.append("Ip6Newer\(UInt8.random(in: 0..<9, using: &generator))  \t5")
            kept.shuffle(using: &generator)
            return kept.joined(separator: "\n") + "\n"
        }
        var pairs: [String] = []
        for index in stride(from: 0, to: lines.count - 1, by: 2) {
            let (names, values) = (lines[index].split(separator: " "), lines[index + 1].split(separator: " "))
            var columns = Array(zip(names, values).dropFirst()).filter { _ in
                UInt8.random(in: 0..<8, using: &generator) > 0
            }
            columns.append(("Newer\(UInt8.random(in: 0..<9, using: &generator))", "5"))
            columns.shuffle(using: &generator)
            pairs.append(
                ([names[0]] + columns.map(\.0)).joined(separator: " ") + "\n"
                    + ([values[0]] + columns.map(\.1)).joined(separator: " "))
        }
        pairs.shuffle(using: &generator)
        return pairs.joined(separator: "\n") + "\n"
    }

    /// Cut anywhere, a file gives the right value or none.
    @Test(arguments: MIBFile.allCases)
    func truncated(_ file: MIBFile) throws {
        let bytes = Array(try Self.text(file).utf8)
        let selection = MIBSelection(try Self.fields(file))
        let expected = Self.plain(String(decoding: bytes, as: UTF8.self), file)
        var learnt = MIBParser(selection)
        _ = Self.parse(bytes, file, selection, &learnt)
        var last = 0
        for length in 0...bytes.count {
            var fresh = MIBParser(selection)
            let first = Self.parse(Array(bytes.prefix(length)), file, selection, &fresh)
            let again = Self.parse(Array(bytes.prefix(length)), file, selection, &learnt)
            #expect(first == again)
            #expect(first.count >= last && first.allSatisfy { expected[$0.key] == $0.value })
            last = first.count
        }
        #expect(last == expected.filter { selection.fields.contains($0.key) }.count)
    }

    @Test(arguments: MIBFile.allCases)
    func noise(_ file: MIBFile) throws {
        let bytes = Array(try Self.text(file).utf8)
        let selection = MIBSelection(try Self.fields(file))
        var generator = SplitMix64(seed: 7)
        var parser = MIBParser(selection)
        for _ in 0..<120 {
            var other = bytes
            for _ in 0..<UInt8.random(in: 1...20, using: &generator) {
                let alphabet = Array("0129 \n\t:-TcpUdp6\u{0}\u{7f}".utf8) + [0xFF]
                other[Int.random(in: other.indices, using: &generator)] = alphabet.randomElement(using: &generator) ?? 0
            }
            _ = Self.parse(other, file, selection, &parser)
            _ = unsafe MIBParser.fields(of: file, in: other.span.bytes)
        }
        #expect(
            Self.parse(bytes, file, selection, &parser)
                == Self.plain(String(decoding: bytes, as: UTF8.self), file).filter { selection.fields.contains($0.key) }
        )
    }

    @Test(
        arguments: [
            // More names than values, and the other way round: none of the group, but of the next.
            ("Tcp: A B C\nTcp: 1 2\nUdp: A\nUdp: 7\n", [nil, nil, nil, 7]),
            ("Tcp: A B C\nTcp: 1 2 3 4\nUdp: A\nUdp: 7\n", [nil, nil, nil, 7]),
            ("Tcp: A B C\nUdp: A\nUdp: 7\n", [nil, nil, nil, 7]),
            ("Tcp: A B C\nTcp:\nUdp: A\nUdp: 7\n", [nil, nil, nil, 7]),
            ("Tcp: A B C\nTcp: -1 18446744073709551615 18446744073709551616\n", [nil, .max, nil, nil]),
            ("Tcp: A B C\nTcp: 1x 0x2 3-\n", [nil, nil, nil, nil]),
            ("IcmpMsg: InType3\nIcmpMsg: 4\nTcp: C  A\nTcp: 3 1\n", [1, nil, 3, nil]),
            ("Sctp: A\nSctp: 9\nTcp: A\nTcp: 1\nTcp: A\nTcp: 2\n", [2, nil, nil, nil]),
        ] as [(String, [UInt64?])])
    func brokenPairs(_ text: String, _ expected: [UInt64?]) {
        let selection = MIBSelection([
            MIBField(.tcp, "A"), MIBField(.tcp, "B"), MIBField(.tcp, "C"), MIBField(.udp, "A"),
        ])
        var parser = MIBParser(selection)
        for _ in 1...2 {
            let values = Self.parse(Array(text.utf8), .snmp, selection, &parser)
            #expect(selection.fields.map { values[$0] } == expected)
        }
    }

    @Test(
        arguments: [
            ("Ip6A 1\nIp6B\t2\n", [1, 2]), ("Ip6A 1\nIp6B\t2", [1, nil]), ("Ip6A  \nIp6B 2\n", [nil, 2]),
            ("Ip6A 1 3\nIp6B 2\n", [nil, 2]), ("Ip6AA 1\nIp6B 2\n", [nil, 2]), ("\n\nIp6A -1\nIp6B 2\n", [nil, 2]),
            ("Ip6B 2\nIp6A 1\n", [1, 2]), ("Ip6A      1\nIp6B 2\n", [1, 2]),
        ] as [(String, [UInt64?])])
    func brokenLines(_ text: String, _ expected: [UInt64?]) {
        let selection = MIBSelection([MIBField(.ip6, "A"), MIBField(.ip6, "B")])
        var parser = MIBParser(selection)
        for _ in 1...2 {
            let values = Self.parse(Array(text.utf8), .snmp6, selection, &parser)
            #expect(selection.fields.map { values[$0] } == expected)
        }
    }

    @Test func nothingIsKeptOfTheLastNamespace() {
        let selection = MIBSelection([MIBField(.tcp, "A"), MIBField(.tcp, "B")])
        var parser = MIBParser(selection)
        #expect(Self.parse(Array("Tcp: A B\nTcp: 1 2\n".utf8), .snmp, selection, &parser).count == 2)
        #expect(
            Self.parse(Array("Tcp: B\nTcp: 5\n".utf8), .snmp, selection, &parser) == [MIBField(.tcp, "B"): 5])
        #expect(Self.parse([], .snmp, selection, &parser).isEmpty)
    }
}
