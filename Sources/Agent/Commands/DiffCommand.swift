internal import ArgumentParser
internal import NetnsCore
internal import NetnsSystem

/// `netdrift diff`: every sysctl that differs between two namespaces.
struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show every sysctl that differs between two network namespaces.",
        discussion: """
            A namespace is given by its name as netdrift list shows it, as net:[INODE], or by a path such as \
            /run/netns/NAME or /proc/PID/ns/net. host is the host's, fresh is one that is made for this and thrown away: \
            what a new namespace gets on this kernel today. White space, the order of sets and the way a number is \
            written make no difference. Exit status 0 when nothing differs, 1 when something does, 2 when that could \
            not be told.
            """)

    @Argument(help: "A namespace.") var a: String
    @Argument(help: "The one to compare it with.") var b: String
    @Flag(help: "As JSON.") var json = false
    @Flag(help: "Also the sysctls of interfaces that only one of them has.") var all = false
    @OptionGroup(title: "Paths") var paths: PathOptions

    func run() throws {
        try Evaluation.run {
            let finder = NamespaceFinder(paths)
            let (a, b) = (try finder.find(a), try finder.find(b))
            let result = SysctlDifferences(a.survey, b.survey, all: all)
            if json {
                try Output.print(try Evaluation.json(Report(a, b, result)))
            } else {
                try Output.print(Self.table(a, b, result, width: Terminal.width()))
            }
            if !result.unread.isEmpty {
                let names = result.unread.prefix(3).map(\.dotted).joined(separator: ", ")
                Output.write(
                    "netdrift: \(result.unread.count) sysctls could not be compared: \(names)"
                        + (result.unread.count > 3 ? ", ...\n" : "\n"), to: 2)
            }
            if !result.differences.isEmpty { throw ExitCode(1) }
            if !result.unread.isEmpty { throw ExitCode(2) }
        }
    }

    static func table(
        _ a: NamespaceFinder.Found, _ b: NamespaceFinder.Found, _ result: SysctlDifferences, width: Int?
    ) -> String {
        var text = ""
        if !result.differences.isEmpty {
            text = TextTable.text(
                [["SYSCTL", a.name, b.name]]
                    + result.differences.map { [$0.name.dotted, Self.cell($0.a), Self.cell($0.b)] }, width: width)
        }
        return text + devices(result.devicesOfA, a.name) + devices(result.devicesOfB, b.name)
    }

    private static func cell(_ entry: SysctlSurvey.Entry?) -> String {
        switch entry?.value {
        case .text(let text)?: text.isEmpty ? "\"\"" : text
        case .secret?: "(not read: secret)"
        case .tooLong?: "(too long)"
        case .unreadable(let error)?: "(\(error.name))"
        case nil: "absent"
        }
    }

    private static func devices(_ devices: [String], _ name: String) -> String {
        guard !devices.isEmpty else { return "" }
        let shown = devices.prefix(4).joined(separator: ", ") + (devices.count > 4 ? ", +\(devices.count - 4)" : "")
        return "Left out: the sysctls of \(shown), which only \(name) has; --all shows them.\n"
    }

    private struct Report: Encodable {
        struct Difference: Encodable {
            let sysctl: String
            let a: String?
            let b: String?

            private enum CodingKeys: CodingKey { case sysctl, a, b }

            /// An absent side is null, not left out.
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(sysctl, forKey: .sysctl)
                try container.encode(a, forKey: .a)
                try container.encode(b, forKey: .b)
            }
        }

        struct Interfaces: Encodable {
            let a: [String]
            let b: [String]
        }

        let a: String
        let b: String
        let differences: [Difference]
        /// Those whose sysctls are left out.
        let interfaces: Interfaces
        let unread: [String]

        init(_ a: NamespaceFinder.Found, _ b: NamespaceFinder.Found, _ result: SysctlDifferences) {
            self.a = a.name
            self.b = b.name
            differences = result.differences.map { Difference(sysctl: $0.name.dotted, a: $0.a?.text, b: $0.b?.text) }
            interfaces = Interfaces(a: result.devicesOfA, b: result.devicesOfB)
            unread = result.unread.map(\.dotted)
        }
    }
}
