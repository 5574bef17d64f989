import NetnsCore
import TestSupport
import Testing

@testable import Agent

/// Files that nobody wrote: a configuration, or mistakes that have a place; never a trap, and never for long.
@Suite struct ConfigurationFuzzTests {
    private static func feed(_ bytes: [UInt8]) {
        for parse in [
            { _ = try ConfigurationFile.parse(bytes, file: "f") },
            { _ = try ConfigurationFile.parseBaseline(bytes, file: "f") },
        ] as [() throws -> Void] {
            do { try parse() } catch let error as ConfigurationError {
                #expect(!error.issues.isEmpty)
                let lines = bytes.count(where: { $0 == 0x0A }) + 1
                for issue in error.issues {
                    #expect(issue.line >= 1 && issue.column >= 1 && !issue.message.isEmpty)
                    // A carriage return of its own ends a line too.
                    #expect(issue.line <= lines + 1 + bytes.count(where: { $0 == 0x0D || $0 == 0xC2 || $0 == 0xE2 }))
                }
            } catch { Issue.record("\(error)") }
        }
    }

    @Test func randomBytes() {
        var random = SplitMix64(seed: 11)
        let alphabet = Array("-:?,[]{}#&*!|>'\"%@`~= \n\tab01.\r\\<".utf8)
        for round in 0..<3000 {
            let length = Int.random(in: 0...80, using: &random)
            Self.feed(
                (0..<length).map { _ in
                    round % 4 == 0
                        ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random) ?? 0
                })
        }
    }

    @Test func mutatedFiles() {
        var random = SplitMix64(seed: 12)
        let alphabet = Array("-:?,[]{}#&*!|>'\"~ \n.<=".utf8)
        for _ in 0..<40 {
            for example in ConfigurationExamples.right + ConfigurationExamples.wrong.map(\.yaml) {
                var bytes = Array(example.utf8)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: 0...bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0 where place < bytes.count: bytes.remove(at: place)
                    case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 2: bytes.insert(contentsOf: bytes.suffix(from: place).prefix(20), at: place)
                    default: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
                    }
                }
                Self.feed(bytes)
            }
        }
    }
}
