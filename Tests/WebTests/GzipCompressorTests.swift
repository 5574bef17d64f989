import Foundation
import TestSupport
import Testing
import Web

@Suite struct GzipCompressorTests {
    /// gunzip of the system as the judge: it checks the header, the CRC and the length.
    static func gunzip(_ body: Body) throws -> Data {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("netdrift-\(UUID().uuidString).gz")
        defer { try? FileManager.default.removeItem(at: file) }
        try data(body).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/gunzip")
        process.arguments = ["--stdout", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let result = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return result
    }

    static func data(_ body: Body) -> Data {
        body.withBytes { span in unsafe span.withUnsafeBytes { unsafe Data($0) } }
    }

    private func address(_ body: Body) -> UInt {
        body.withBytes { span in
            unsafe span.withUnsafeBytes { buffer in unsafe buffer.baseAddress.map { UInt(bitPattern: $0) } ?? 0 }
        }
    }

    static let exposition = (0..<5000).map { "netdrift_up{netns=\"pod-\($0)\"} \($0 % 7)\n" }.joined()

    @Test(arguments: [0, 1, 6, 12])
    func roundTrip(level: Int) throws {
        let compressor = try GzipCompressor(level: level)
        let input = Array(Self.exposition.utf8)
        let body = try compressor.compress(input.span)
        #expect(try Self.gunzip(body) == Data(input))
        if level > 0 { #expect(body.count * 5 < input.count) }
    }

    /// Sizes around nothing, and noise that does not get smaller.
    @Test(arguments: [0, 1, 2, 31, 65_535, 65_536, 200_001])
    func roundTripOfNoise(count: Int) throws {
        var generator = SplitMix64(seed: UInt64(count))
        let input = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let body = try GzipCompressor().compress(input.span)
        #expect(try Self.gunzip(body) == Data(input))
    }

    @Test func aLentBufferIsNotOverwritten() throws {
        let compressor = try GzipCompressor()
        let first = try compressor.compress(Array("first".utf8).span)
        let before = Self.data(first)
        let second = try compressor.compress(Array("second, and longer".utf8).span)
        #expect(address(first) != address(second))
        #expect(Self.data(first) == before)
        #expect(try Self.gunzip(first) == Data("first".utf8))
        #expect(try Self.gunzip(second) == Data("second, and longer".utf8))
    }

    @Test func aReturnedBufferIsUsedAgain() throws {
        let compressor = try GzipCompressor()
        var addresses: Set<UInt> = []
        for _ in 0..<5 {
            addresses.insert(address(try compressor.compress(Array(Self.exposition.utf8).span)))
        }
        #expect(addresses.count == 1)
    }

    @Test(arguments: [-1, 13, Int.max])
    func refusesALevel(_ level: Int) {
        #expect(throws: WebError.compressorUnavailable(level: level)) { _ = try GzipCompressor(level: level) }
    }
}
