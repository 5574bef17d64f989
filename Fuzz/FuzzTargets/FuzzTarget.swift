/// A parser of what others write, with examples of what it reads.
///
/// It must come to an end with any bytes: never a trap, and never more work than the bytes are worth. What it makes of them
/// is looked at too where there is something that must hold (`precondition`).
public struct FuzzTarget: Sendable {
    /// How the bytes are built, for the mutator.
    public enum Structure: Sendable, Equatable {
        /// Lines and words, or fields whose lengths do not stand in the bytes.
        case plain
        /// Netlink messages whose attributes begin after a structure of so many bytes.
        case netlink(header: Int)
    }

    /// The word for `make fuzz FUZZ="--target NAME"`.
    public let name: String
    /// How the bytes are built.
    public let structure: Structure
    /// Well-formed examples; the files in `Fuzz/Corpus/NAME` are examples too.
    public let examples: @Sendable () -> [[UInt8]]
    /// Reads the bytes.
    public let run: @Sendable (borrowing RawSpan) -> Void

    init(
        _ name: String, _ structure: Structure = .plain, examples: @escaping @Sendable () -> [[UInt8]],
        run: @escaping @Sendable (borrowing RawSpan) -> Void
    ) {
        self.name = name
        self.structure = structure
        self.examples = examples
        self.run = run
    }

    /// A parser of text.
    init(_ name: String, texts: [String], run: @escaping @Sendable (borrowing RawSpan) -> Void) {
        self.init(name, examples: { texts.map { Array($0.utf8) } }, run: run)
    }

    /// All, in the order in which they are run.
    public static let all: [FuzzTarget] = netlink + procfs + files + wire + words
}

extension RawSpan {
    /// The bytes.
    var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

    /// The bytes as text; what is no UTF-8 becomes U+FFFD.
    var text: String { String(decoding: array, as: UTF8.self) }
}
