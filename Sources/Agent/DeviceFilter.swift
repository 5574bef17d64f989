internal import NetnsCore

/// Which interfaces are reported, by regular expressions on their names; unanchored, as node_exporter's are.
///
/// Concurrency: belongs to the thread that collects. A name is matched once and remembered.
final class DeviceFilter {
    private let include: Regex<AnyRegexOutput>?
    private let exclude: Regex<AnyRegexOutput>?
    private var known: [InlineBytes<16>: Bool] = [:]

    /// A filter; at most one of the two expressions is given.
    init(include: String?, exclude: String?) throws {
        self.include = try include.map { try Self.compile($0, "--collector.interface.device-include") }
        self.exclude = try exclude.map { try Self.compile($0, "--collector.interface.device-exclude") }
        if include != nil, exclude != nil {
            throw UsageError(
                "--collector.interface.device-include and --collector.interface.device-exclude cannot be given together"
            )
        }
    }

    private static func compile(_ text: String, _ flag: String) throws -> Regex<AnyRegexOutput> {
        do { return try Regex(text) } catch {
            throw UsageError("\(flag): '\(text)' is no regular expression: \(error)")
        }
    }

    func admits(_ name: InlineBytes<16>) -> Bool {
        guard include != nil || exclude != nil else { return true }
        if let answer = known[name] { return answer }
        // Containers choose names: what is remembered stays bounded.
        if known.count > 20_000 { known.removeAll() }
        let text = name.description
        let answer: Bool
        if let include {
            answer = (try? include.firstMatch(in: text)) ?? nil != nil
        } else if let exclude {
            answer = (try? exclude.firstMatch(in: text)) ?? nil == nil
        } else {
            answer = true
        }
        known[name] = answer
        return answer
    }
}

/// A mistake in how the program was called: what was given, what is wrong with it, what to do.
struct UsageError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
