internal import Foundation

/// Files to begin with.
public enum Corpus {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A fixture of the parsers' own tests.
    static func fixture(_ name: String) -> [UInt8] {
        read(root.appendingPathComponent("Tests/NetnsCoreTests/Fixtures/\(name)"))
    }

    /// The files kept for a target: inputs that once went wrong, by name.
    public static func kept(for target: FuzzTarget) -> [[UInt8]] {
        let directory = root.appendingPathComponent("Fuzz/Corpus/\(target.name)")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.sorted().map { read(directory.appendingPathComponent($0)) }
    }

    private static func read(_ url: URL) -> [UInt8] {
        guard let data = try? Data(contentsOf: url) else { fatalError("cannot read \(url.path)") }
        return Array(data)
    }
}
