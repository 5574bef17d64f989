import Exposition
import TestSupport
import Testing

@Suite struct ByteBufferTests {
    @Test func growsWithoutLosingBytes() {
        let buffer = ByteBuffer(capacity: 64)
        var expected: [UInt8] = []
        for number in 0..<10_000 {
            buffer.append(UInt8(truncatingIfNeeded: number))
            expected.append(UInt8(truncatingIfNeeded: number))
        }
        #expect(buffer.count == 10_000)
        #expect(buffer.copied == expected)
        #expect(buffer.capacity >= 10_000 && buffer.capacity <= 20_000)
    }

    @Test func growsAtOnceForALargePiece() {
        let buffer = ByteBuffer(capacity: 64)
        buffer.append([UInt8](repeating: 1, count: 5))
        let large = [UInt8](repeating: 2, count: 100_000)
        buffer.append(large)
        #expect(buffer.copied == [1, 1, 1, 1, 1] + large)
    }

    /// Each kind of append at the very end of the capacity: the one that has to grow first.
    @Test func growsForEveryKindOfAppend() {
        for room in 0...21 {
            let text = written { buffer in
                buffer.append([UInt8](repeating: UInt8(ascii: "."), count: buffer.capacity - room))
                buffer.append(UInt8(ascii: "b"))
                buffer.append("static" as StaticString)
                buffer.append("string é")
                buffer.append([UInt8](repeating: UInt8(ascii: "a"), count: 30))
                buffer.append(decimal: UInt64.max)
                buffer.append(buffer, 0..<3)
            }
            #expect(text.hasSuffix("bstaticstring é" + String(repeating: "a", count: 30) + "18446744073709551615..."))
            #expect(text.utf8.count == 64 - room + 1 + 6 + 9 + 30 + 20 + 3)
        }
    }

    @Test func startsWithRoomWhateverIsAskedFor() {
        #expect(ByteBuffer(capacity: 0).capacity >= 1)
        #expect(ByteBuffer(capacity: 0).count == 0)
        #expect(ByteBuffer(capacity: 0).copied == [])
        #expect(ByteBuffer(capacity: 1000).capacity == 1000)
    }

    @Test func removeAllKeepsTheMemory() {
        let buffer = ByteBuffer(capacity: 64)
        buffer.append([UInt8](repeating: 7, count: 1000))
        let capacity = buffer.capacity
        buffer.removeAll()
        #expect(buffer.count == 0)
        #expect(buffer.copied == [])
        #expect(buffer.capacity == capacity)
        buffer.append(UInt8(9))
        #expect(buffer.copied == [9])
    }

    @Test func truncateForgetsTheEnd() {
        let text = written { buffer in
            buffer.append("abcdef")
            buffer.truncate(to: 6)
            buffer.truncate(to: 2)
            buffer.append("x")
        }
        #expect(text == "abx")
    }

    @Test func comparesRanges() {
        let buffer = ByteBuffer()
        buffer.append("abcabd")
        #expect(buffer.equal(0..<2, 3..<5))
        #expect(!buffer.equal(0..<3, 3..<6))
        #expect(!buffer.equal(0..<2, 3..<6))
        #expect(buffer.equal(1..<1, 4..<4))
    }

    @Test func appendsARangeOfItselfAndOfAnother() {
        let other = ByteBuffer()
        other.append("0123456789")
        let text = written { buffer in
            buffer.append("ab")
            buffer.append(other, 2..<5)
            buffer.append(buffer, 1..<4)
            buffer.append(buffer, 0..<0)
        }
        #expect(text == "ab234b23")
    }

    @Test func lendsItsBytes() {
        let buffer = ByteBuffer()
        buffer.append("hello")
        let copy = unsafe buffer.withUnsafeBytes { unsafe Array($0) }
        #expect(copy == Array("hello".utf8))
    }

    @Test func appendsNothing() {
        let text = written { buffer in
            buffer.append("")
            buffer.append("" as StaticString)
            buffer.append([UInt8]())
        }
        #expect(text == "")
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1"), (9, "9"), (10, "10"), (99, "99"), (100, "100"), (12_345, "12345"),
            (999_999_999_999, "999999999999"), (9_999_999_999_999_999_999, "9999999999999999999"),
            (10_000_000_000_000_000_000, "10000000000000000000"), (UInt64.max, "18446744073709551615"),
        ] as [(UInt64, String)])
    func writesUnsignedNumbers(_ value: UInt64, _ expected: String) {
        #expect(written { $0.append(decimal: value) } == expected)
    }

    @Test(
        arguments: [
            (0, "0"), (-1, "-1"), (7, "7"), (-10, "-10"), (Int64.max, "9223372036854775807"),
            (Int64.min, "-9223372036854775808"),
        ] as [(Int64, String)])
    func writesSignedNumbers(_ value: Int64, _ expected: String) {
        #expect(written { $0.append(decimal: value) } == expected)
    }

    @Test func writesNumbersAsTheStandardLibraryDoes() {
        var generator = SplitMix64(seed: 1)
        for _ in 0..<20_000 {
            let number = generator.next() >> (generator.next() % 64)
            #expect(written { $0.append(decimal: number) } == String(number))
            let signed = Int64(bitPattern: generator.next()) >> Int64(generator.next() % 64)
            #expect(written { $0.append(decimal: signed) } == String(signed))
        }
    }

    @Test(
        arguments: [
            (Double.nan, "NaN"), (-Double.nan, "NaN"), (Double.infinity, "+Inf"), (-Double.infinity, "-Inf"),
            (0.0, "0"),
            (-0.0, "0"), (0.1, "0.1"), (-0.5, "-0.5"), (1, "1"), (-3, "-3"), (1.5, "1.5"), (1e300, "1e+300"),
            (.leastNonzeroMagnitude, "5e-324"), (1_700_000_000.25, "1700000000.25"),
            (8_999_999_999_999_999, "8999999999999999"),
            (9e15, "9000000000000000.0"), (-9e15, "-9000000000000000.0"), (9_007_199_254_740_992, "9007199254740992.0"),
            (1e19, "1e+19"),
            (-1e19, "-1e+19"), (Double(UInt64.max), "1.8446744073709552e+19"),
        ] as [(Double, String)])
    func writesDoubles(_ value: Double, _ expected: String) {
        #expect(written { $0.append(value) } == expected)
    }

    @Test(
        arguments: [
            (0, "0.000"), (1, "0.001"), (20, "0.020"), (300, "0.300"), (999, "0.999"), (1000, "1.000"),
            (1_795_448_925_827, "1795448925.827"), (UInt64.max, "18446744073709551.615"),
        ] as [(UInt64, String)])
    func writesMilliseconds(_ value: UInt64, _ expected: String) {
        #expect(written { $0.append(milliseconds: value) } == expected)
    }

    @Test func doublesReadBackTheSame() throws {
        var generator = SplitMix64(seed: 2)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            let text = written { $0.append(value) }
            #expect(Double(text) == value)
        }
    }

    @Test(arguments: [(0, "00"), (9, "09"), (10, "0a"), (0x7F, "7f"), (0xA0, "a0"), (0xFF, "ff")] as [(UInt8, String)])
    func writesHexadecimal(_ byte: UInt8, _ expected: String) {
        #expect(written { $0.append(hex: byte) } == expected)
    }
}
