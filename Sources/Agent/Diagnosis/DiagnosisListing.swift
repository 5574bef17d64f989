internal import FoundationEssentials
internal import NetnsCore

/// What was found of a path, for a program: names are those of the labels, and what is not known is not there.
struct DiagnosisListing: Encodable {
    struct Step: Encodable {
        let step: String
        let state: String
        let evidence: String
        let remedy: String?
    }

    let netns: String
    let target: String
    /// The target's address, where `target` is not that.
    let address: String?
    let reachable: Bool?
    /// In their order.
    let steps: [Step]
    /// Who wrote the sysctls last that a broken step speaks of, as far as that was heard.
    let writes: [WriteListing.Entry]?

    init(_ report: PathReport, writes: [WriteListing.Entry] = []) {
        self.writes = writes.isEmpty ? nil : writes
        netns = report.namespace
        target = report.target
        address = report.address.map { "\($0)" }
        reachable = report.isReachable
        steps = report.findings.map {
            Step(step: $0.step.rawValue, state: $0.state.rawValue, evidence: $0.evidence, remedy: $0.remedy)
        }
    }

    /// As JSON with sorted keys.
    func json(pretty: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

extension PathReport {
    /// The sysctls that what is broken comes from.
    var blamedSysctls: [SysctlName] {
        var names: [SysctlName] = []
        for finding in findings where finding.state == .broken {
            for word in "\(finding.evidence) \(finding.remedy ?? "")".split(whereSeparator: { " =,;:".contains($0) })
            where word.hasPrefix("net.") {
                if let name = try? SysctlName(String(word)), !names.contains(name) { names.append(name) }
            }
        }
        return names
    }

    /// For a person: the verdict, then a line for each step, and below what is broken the command that mends it, and who wrote it
    /// last.
    func text(colours: Bool, writes: [WriteListing.Entry] = []) -> String {
        func painted(_ text: String, _ code: String) -> String { colours ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
        let width = PathStep.allCases.map(\.rawValue.utf8.count).max() ?? 0
        var text = painted(verdict, isReachable == true ? "1;32" : isReachable == false ? "1;31" : "1") + "\n\n"
        for finding in findings {
            let name = finding.step.rawValue
            let padding = String(repeating: " ", count: width - name.utf8.count)
            let mark =
                switch finding.state {
                case .ok: painted("ok    ", "32")
                case .broken: painted("BROKEN", "1;31")
                case .unknown: painted("?     ", "33")
                }
            text += "\(mark)  \(name)\(padding)  \(finding.evidence)\n"
            if let remedy = finding.remedy {
                text += String(repeating: " ", count: width + 10) + painted("# \(remedy)", "1") + "\n"
            }
            for write in writes where finding.state == .broken {
                guard "\(finding.evidence) \(finding.remedy ?? "")".contains(write.sysctl) else { continue }
                text +=
                    String(repeating: " ", count: width + 10) + "in \(write.netns) last written by \(write.sentence)\n"
            }
        }
        return text
    }
}
