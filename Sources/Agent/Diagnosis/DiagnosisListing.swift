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

    init(_ report: PathReport) {
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
    /// For a person: the verdict, then a line for each step, and below what is broken the command that mends it.
    func text(colours: Bool) -> String {
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
        }
        return text
    }
}
