import Foundation

/// An exposition as the agent wrote it, in either of its formats.
struct Exposition: Sendable {
    /// What names a series.
    struct Series: Hashable, Sendable, CustomStringConvertible {
        let name: String
        let labels: [String: String]

        var description: String {
            name + "{" + labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ",")
                + "}"
        }
    }

    /// The value of every series, as it was written.
    let samples: [Series: String]
    /// The type of each family by the name in its TYPE line.
    let types: [String: String]
    /// Families in the order of their TYPE lines.
    let families: [String]

    /// Parses a whole exposition. Throws on anything that is no sample, comment or end, on a series that is there twice,
    /// and on a family that is there twice.
    init(parsing text: String) throws {
        var samples: [Series: String] = [:]
        var types: [String: String] = [:]
        var families: [String] = []
        guard text.hasSuffix("\n") else { throw Trouble("the last line has no end") }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("#") {
                let words = line.split(separator: " ", maxSplits: 3)
                if words.count == 4, words[1] == "TYPE" {
                    let name = String(words[2])
                    guard types.updateValue(String(words[3]), forKey: name) == nil else {
                        throw Trouble("family \(name) is there twice")
                    }
                    families.append(name)
                } else if line != "# EOF", words.count < 3 || !["HELP", "UNIT"].contains(words[1]) {
                    throw Trouble("no such comment: \(line)")
                }
                continue
            }
            let (series, value) = try Self.sample(line)
            guard samples.updateValue(value, forKey: series) == nil else { throw Trouble("twice: \(series)") }
        }
        self.samples = samples
        self.types = types
        self.families = families
    }

    /// Reads a sample line. By bytes: an exposition may have tens of thousands of lines.
    private static func sample(_ line: Substring) throws -> (Series, String) {
        let bytes = Array(line.utf8)
        var index = 0
        func find(_ byte: UInt8, or other: UInt8? = nil) {
            while index < bytes.count, bytes[index] != byte, bytes[index] != other { index += 1 }
        }
        func text(from start: Int) -> String { String(decoding: bytes[start..<index], as: UTF8.self) }
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))

        find(UInt8(ascii: "{"), or: UInt8(ascii: " "))
        let name = text(from: 0)
        var labels: [String: String] = [:]
        if index < bytes.count, bytes[index] == UInt8(ascii: "{") {
            index += 1
            while index < bytes.count, bytes[index] != UInt8(ascii: "}") {
                let start = index
                find(UInt8(ascii: "="))
                let label = text(from: start)
                guard index + 1 < bytes.count, bytes[index + 1] == quote else { throw Trouble("no label: \(line)") }
                index += 2
                var value: [UInt8] = []
                while index < bytes.count, bytes[index] != quote {
                    var byte = bytes[index]
                    if byte == backslash {
                        index += 1
                        guard index < bytes.count, [quote, backslash, UInt8(ascii: "n")].contains(bytes[index]) else {
                            throw Trouble("no such escape: \(line)")
                        }
                        byte = bytes[index] == UInt8(ascii: "n") ? UInt8(ascii: "\n") : bytes[index]
                    }
                    value.append(byte)
                    index += 1
                }
                index += 1
                guard labels.updateValue(String(decoding: value, as: UTF8.self), forKey: label) == nil else {
                    throw Trouble("label twice: \(line)")
                }
                if index < bytes.count, bytes[index] == UInt8(ascii: ",") { index += 1 }
            }
            index += 1
        }
        guard index < bytes.count, bytes[index] == UInt8(ascii: " ") else { throw Trouble("no value: \(line)") }
        let value = String(decoding: bytes[(index + 1)...], as: UTF8.self)
        guard Double(value) != nil else { throw Trouble("no number: \(line)") }
        return (Series(name: name, labels: labels), value)
    }

    /// The value of a series, given by its name and all of its labels.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples[Series(name: name, labels: labels)].flatMap { Double($0) }
    }

    /// The value of a series that has these labels, and maybe others.
    func any(_ name: String, _ labels: [String: String]) -> Double? {
        guard let series = series(name, labels).first else { return nil }
        return value(name, series.labels)
    }

    /// The value of a sysctl that is one number.
    func sysctl(_ name: String, in netns: String) -> Double? {
        value("netns_sysctl_value", ["netns": netns, "sysctl": name])
    }

    /// All series of a name with these labels among theirs.
    func series(_ name: String, _ labels: [String: String] = [:]) -> [Series] {
        samples.keys.filter { series in
            series.name == name && labels.allSatisfy { series.labels[$0.key] == $0.value }
        }
    }

    /// The labels of the namespace with this inode.
    func info(inode: UInt64) -> [String: String]? {
        series("netns_info", ["inode": "\(inode)"]).first?.labels
    }

    /// The names of the namespaces.
    var namespaces: Set<String> { Set(series("netns_info").compactMap { $0.labels["netns"] }) }

    /// The devices of a namespace that have counters.
    func devices(of netns: String) -> Set<String> {
        Set(series("netns_network_receive_bytes_total", ["netns": netns]).compactMap { $0.labels["device"] })
    }

    /// The sysctls of a namespace that are there, as numbers or text.
    func sysctls(of netns: String) -> Set<String> {
        Set(
            (series("netns_sysctl_value", ["netns": netns]) + series("netns_sysctl_info", ["netns": netns]))
                .compactMap { $0.labels["sysctl"] })
    }
}
