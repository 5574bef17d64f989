internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// The saved state of a host: what `ConfigurationFile.parseBaseline` reads.
enum SavedState {
    /// Writes what namespaces have to a new file, which nobody but its owner may write.
    static func write(_ namespaces: [NamespaceSample], to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure("cannot write \(path): \(Errno(rawValue: errno))")
        }
        defer { close(descriptor) }
        if let error = Output.write(text(namespaces), to: descriptor) {
            throw Failure("cannot write \(path): \(Errno(rawValue: error))")
        }
    }

    /// The state as YAML.
    static func text(_ namespaces: [NamespaceSample]) -> String {
        var text = "# What netdrift saw: for `same_as: baseline`.\nversion: 1\nnamespaces:\n"
        for namespace in namespaces where namespace.wasRead && namespace.hasSysctls {
            text += "  \(quoted(namespace.name)):\n"
            let readings = namespace.sysctls
            for (index, entry) in readings.table.entries.enumerated() {
                guard case .value = readings.readings[index].state else { continue }
                let value = readings.withValue(at: index) { DriftWatch.text($0) }
                text += "    \(quoted(entry.name.dotted)): \(quoted(value))\n"
            }
        }
        return text
    }

    /// A double-quoted scalar of YAML: any text, on one line. Source: YAML 1.2.2 section 5.7.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                out += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
