import Testing

@testable import NetnsCore

@Suite struct SysctlReadingsTests {
    private static let names = ["net.a.one", "net.a.three", "net.a.two"]
    private static func table(_ names: [String] = names) throws -> SysctlTable {
        SysctlTable(try names.map { try SysctlName($0) })
    }

    private static func append(_ readings: inout SysctlReadings, _ value: String, isText: Bool = false) {
        let bytes = Array(value.utf8)
        unsafe readings.append(value: bytes.span.bytes, isText: isText)
    }

    @Test(
        arguments: [
            ("0\n", "0", .number), ("1\n", "1", .number), ("-1\n", "-1", .number), ("007", "007", .number),
            ("18446744073709551615\n", "18446744073709551615", .number),
            ("4096\t131072\t6291456\n", "4096\t131072\t6291456", .tuple),
            ("32768\t60999\n", "32768\t60999", .tuple), ("1 -1", "1 -1", .tuple), ("1  2\n", "1  2", .tuple),
            ("-1\t-1\n", "-1\t-1", .tuple), ("cubic\n", "cubic", .text), ("\n", "", .text), ("", "", .text),
            ("  \t\n", "", .text), ("reno cubic\n", "reno cubic", .text), ("1 a", "1 a", .text), ("a 1", "a 1", .text),
            ("1a", "1a", .text), ("-", "-", .text), ("--1", "--1", .text), ("1-2", "1-2", .text), ("+1", "+1", .text),
            ("1.5", "1.5", .text), ("0x10", "0x10", .text), ("8080,9000-9100", "8080,9000-9100", .text),
            ("1 -", "1 -", .text),
            ("99999999999999999999", "99999999999999999999", .number),
            ("999999999999999999999", "999999999999999999999", .text), ("5\0\0", "5", .number),
            ("  7 \n\n", "7", .number),
            ("\u{B}3\u{C}\r\n", "3", .number), ("é", "é", .text),
        ] as [(String, String, SysctlForm)])
    func values(_ raw: String, _ kept: String, _ form: SysctlForm) throws {
        var readings = SysctlReadings(table: try Self.table(["net.a.one"]))
        Self.append(&readings, raw)
        #expect(readings.readings[0].state == .value(form))
        #expect(readings.withValue(at: 0) { Self.text($0) } == kept)
        let bytes = Array(kept.utf8)
        let told = SysctlForm(bytes.span)
        #expect(told == form)
    }

    private static func text(_ span: borrowing Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        for index in span.indices { bytes.append(span[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A list of ports may be the one port 8080.
    @Test(arguments: ["8080\n", "1 2\n", "\n"])
    func textStaysText(_ raw: String) throws {
        var readings = SysctlReadings(table: try Self.table())
        Self.append(&readings, raw, isText: true)
        #expect(readings.readings[0].state == .value(.text))
    }

    @Test func statesAndBytes() throws {
        var readings = SysctlReadings(table: try Self.table())
        Self.append(&readings, "12\n")
        readings.append(.absent)
        readings.append(.unreadable(13))
        #expect(readings.readings.map(\.state) == [.value(.number), .absent, .unreadable(13)])
        #expect(readings.withValue(at: 0) { Self.text($0) } == "12")
        #expect(readings.withValue(at: 1) { $0.count } == 0)
        #expect(readings.value(of: "net.a.one") == "12")
        #expect(readings.value(of: "net.a.two") == nil)
        #expect(readings.value(of: "net.a.three") == nil)
        #expect(readings.value(of: "net.b") == nil)
    }

    @Test func valuesDoNotRunIntoEachOther() throws {
        var readings = SysctlReadings(table: try Self.table())
        for value in ["first\n", " \n", "a \u{1} b\n"] { Self.append(&readings, value) }
        #expect(readings.value(of: "net.a.one") == "first")
        #expect(readings.value(of: "net.a.three") == "")
        #expect(readings.value(of: "net.a.two") == "a \\x01 b")
    }

    @Test(arguments: [
        (4096, "", false), (4097, "", true), (4096, "\n\n\n", false), (4097, "\n", true), (100_000, "", true),
    ])
    func longValuesAreNotKept(_ length: Int, _ end: String, _ tooLong: Bool) throws {
        var readings = SysctlReadings(table: try Self.table(["net.a.one"]))
        Self.append(&readings, String(repeating: "x", count: length) + end)
        #expect(readings.readings[0].state == (tooLong ? .tooLong : .value(.text)))
        #expect(readings.withValue(at: 0) { $0.count } == (tooLong ? 0 : length))
        #expect(SysctlReadings.maximumLength == 4096)
    }

    @Test func isUsedAgain() throws {
        var readings = SysctlReadings(table: try Self.table())
        for value in ["100\n", "two\n", "3\n"] { Self.append(&readings, value) }
        let other = try Self.table(["net.b.x", "net.b.y"])
        readings.begin(other)
        #expect(readings.readings.isEmpty)
        #expect(readings.table === other)
        #expect(readings.value(of: "net.b.x") == nil)
        readings.append(.tooLong)
        Self.append(&readings, "7\n")
        #expect(readings.readings.count == 2)
        // The bytes of the last collection are gone, or they would grow for ever.
        #expect(readings.readings[1].offset == 0)
        #expect(readings.value(of: "net.b.x") == nil)
        #expect(readings.value(of: "net.b.y") == "7")
        #expect(readings.value(of: "net.a.one") == nil)
    }

    @Test(
        arguments: [
            ("", []), ("1", ["1"]), ("4096\t131072\t6291456", ["4096", "131072", "6291456"]), (" 1  -2 ", ["1", "-2"]),
            ("1\u{0}2", ["1", "2"]),
        ] as [(String, [String])])
    func elements(_ value: String, _ expected: [String]) {
        var elements: [String] = []
        let bytes = Array(value.utf8)
        SysctlForm.forEachElement(of: bytes.span) { position, element in
            #expect(position == elements.count)
            elements.append(Self.text(element))
        }
        #expect(elements == expected)
    }
}
