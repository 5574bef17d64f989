internal import CLibFuzzer
internal import Foundation
internal import FuzzTargets

/// The target that libFuzzer calls.
///
/// Concurrency: set once before libFuzzer starts; libFuzzer has one thread.
struct FuzzRun: Sendable {
    let target: FuzzTarget
    let mutator: Mutator
    let seeds: [[UInt8]]

    nonisolated(unsafe) private(set) static var current: FuzzRun?

    /// Fuzzes; the examples are put into the directory of the corpus first.
    static func start(_ target: FuzzTarget, corpus: String, arguments: [String]) -> Int32 {
        let seeds = target.examples() + Corpus.kept(for: target)
        unsafe current = FuzzRun(target: target, mutator: Mutator(target), seeds: seeds)
        let directory = URL(fileURLWithPath: corpus)
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for (index, seed) in seeds.enumerated() {
                try Data(seed).write(to: directory.appendingPathComponent("seed-\(index)"))
            }
        } catch {
            print("cannot write the corpus \(corpus): \(error)")
            return 2
        }
        var words = unsafe (["netdrift-fuzz"] + arguments + [corpus]).map { unsafe strdup($0) }
        var count = unsafe Int32(words.count)
        return unsafe words.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            return unsafe LLVMFuzzerRunDriver(&count, &base, fuzzOne)
        }
    }
}

/// Gives an input to the target.
private func fuzzOne(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: data, count: size))
    unsafe FuzzRun.current?.target.run(bytes)
    return 0
}

/// libFuzzer asks for a mutation here: half of them are its own, half know how the input is built.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maximum: Int, _ seed: UInt32) -> Int {
    var random = SeededGenerator(seed)
    guard let run = unsafe FuzzRun.current, Bool.random(using: &random) else {
        return unsafe LLVMFuzzerMutate(data, size, maximum)
    }
    let other = run.seeds.randomElement(using: &random) ?? []
    let input = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    let made = run.mutator.mutation(of: input, with: other, maximum: maximum, using: &random)
    guard !made.isEmpty else { return unsafe LLVMFuzzerMutate(data, size, maximum) }
    for (index, byte) in made.enumerated() { unsafe data[index] = byte }
    return made.count
}

/// Numbers from libFuzzer's seed, so that a run with a seed is the same again. Source: Marsaglia, "Xorshift RNGs".
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt32) { state = UInt64(seed) << 32 | 0x9E37_79B9 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
