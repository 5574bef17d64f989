internal import ArgumentParser
internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// `netdrift explain`: where a sysctl's value comes from, what it is everywhere, and how to set it.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say where a sysctl's value comes from, what it is everywhere, how to set it.",
        discussion: """
            Whether every network namespace has its own value, and what a new one begins with, is told by comparing the \
            host with a namespace that is made for this and thrown away; nothing is written. Exit status 0, or 2 when \
            there is no such sysctl or it cannot be told.
            """)

    @Argument(help: "Its name, as sysctl(8) takes it: net.ipv4.tcp_keepalive_time.") var sysctl: String
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var agent: AgentOption
    @OptionGroup(title: "Paths") var paths: PathOptions

    func run() throws {
        try Evaluation.run {
            var explanation = try Explanation(Self.name(sysctl), NamespaceFinder(paths))
            explanation.writes = try WritesClient.last(explanation.name, from: agent.agent)
            try Output.print(
                json ? try Evaluation.json(explanation.report) : explanation.text(width: Terminal.width()))
        }
    }

    /// A name with dots, or a path below /proc/sys: the first separator tells which.
    static func name(_ text: String) throws -> SysctlName {
        let path = text.hasPrefix("/proc/sys/") ? String(text.dropFirst("/proc/sys/".utf8.count)) : text
        let isPath = path.unicodeScalars.first { $0 == "." || $0 == "/" } == "/"
        guard isPath else { return try SysctlName(path.contains(".") ? path : "net." + path) }
        let parts = path.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        return try SysctlName(SysctlName(components: parts).dotted)
    }
}

/// What is known of one sysctl on this host.
struct Explanation {
    /// One value, and where it is found.
    struct Group {
        let value: String?
        /// `value`, `absent`, `unreadable`, `too_long`.
        let state: String
        var namespaces: [String]
    }

    let name: SysctlName
    let birth: SysctlBirth
    /// What a fresh namespace has.
    let fresh: SysctlSurvey.Entry?
    /// The most frequent value first; empty for what is never read.
    let groups: [Group]
    /// Who wrote it last in each namespace, newest first, as far as an agent heard.
    var writes: [WriteListing.Entry] = []
    private let isSecret: Bool
    private let example: Remedy.Place

    /// Looks at the host, a fresh namespace and all others. Throws when there is no such sysctl anywhere.
    init(_ name: SysctlName, _ finder: NamespaceFinder) throws {
        let host = try finder.host()
        let fresh = try finder.fresh()
        let entries = [host.values[name], fresh.values[name]]
        isSecret = name.isSecret || entries.contains { $0?.value == .secret }
        let namespaces = try finder.collect(isSecret ? nil : SysctlPattern(SysctlPattern.literal(name)))
        var groups: [Group] = []
        for sample in namespaces where !isSecret && sample.hasSysctls && sample.wasRead {
            // What its containers declared is read too.
            guard let index = sample.sysctls.table.index(of: name) else { continue }
            let (text, value) = Self.reading(index, sample.sysctls)
            if let known = groups.firstIndex(where: { $0.state == text && $0.value == value }) {
                groups[known].namespaces.append(sample.name)
            } else {
                groups.append(Group(value: value, state: text, namespaces: [sample.name]))
            }
        }
        let exists = entries.contains { $0 != nil } || groups.contains { $0.state != "absent" }
        guard exists else { throw Failure(Self.unknown(name, [host, fresh])) }
        self.name = name
        self.fresh = fresh.values[name]
        self.groups = groups.sorted { ($1.namespaces.count, $0.value ?? "") < ($0.namespaces.count, $1.value ?? "") }
        let inheritance = host.text(of: SysctlName(components: ["net", "core", "devconf_inherit_init_net"]))
        birth = SysctlBirth(
            name, host: entries[0].map(Self.observation), fresh: entries[1].map(Self.observation),
            devconfInheritance: inheritance.flatMap { Int($0) })
        // One that has it, if there is one.
        let holders = Set(groups.filter { $0.state == "value" }.flatMap(\.namespaces))
        let others = namespaces.filter { !$0.isHost && (holders.isEmpty || holders.contains($0.name)) }
        let place = others.first { $0.leader != nil } ?? others.first
        var example = place.map { Remedy.Place($0) } ?? Remedy.Place()
        if example.wayIn == nil { example.wayIn = .mount(path: Array("/proc/PID/ns/net".utf8)) }
        example.isHost = birth.kind == .global || birth.kind == .absent
        self.example = example
    }

    private static func observation(_ entry: SysctlSurvey.Entry) -> SysctlBirth.Observation {
        SysctlBirth.Observation(value: entry.text, isWritable: entry.isWritable)
    }

    private static func reading(_ index: Int, _ readings: SysctlReadings) -> (String, String?) {
        switch readings.readings[index].state {
        case .value: ("value", readings.text(at: index))
        // A directory is no sysctl.
        case .absent, .unreadable(EISDIR): ("absent", nil)
        case .unreadable: ("unreadable", nil)
        case .tooLong: ("too_long", nil)
        }
    }

    private static func unknown(_ name: SysctlName, _ surveys: [SysctlSurvey]) -> String {
        let names = Set(surveys.flatMap { $0.values.keys.lazy.filter { $0.device == nil }.map(\.dotted) }).sorted()
        let last = "." + (name.components.last ?? "")
        let hint =
            EditDistance.nearest(name.dotted, names) ?? names.first { $0.hasSuffix(last) }
            ?? EditDistance.nearest(
                String(last.dropFirst()), names.map { $0.split(separator: ".").last.map(String.init) ?? "" })
        return "there is no sysctl \(NamespaceFinder.printable(name.dotted)) in any network namespace here"
            + (hint.map { ", did you mean \($0)?" } ?? ": its module may not be loaded")
    }

    // MARK: For a person

    func text(width: Int?) -> String {
        let scope = birth.isPerNamespace ? "each network namespace has its own" : "one for the whole host"
        var rows = [
            ["Scope", birth.kind == .readOnly ? "read-only" : scope],
            ["Origin", birth.description + (birth.isSeen ? " (seen on this kernel)" : "")],
            ["", birth.evidence],
        ]
        if let source = birth.source { rows.append(["", source]) }
        if let sockets { rows.append(["Sockets", sockets]) }
        var text = name.dotted + "\n\n" + Self.definitions(rows, width)
        if isSecret {
            text += "\nIts value is not read: only root may, or it is a command.\n"
        } else {
            let rows = groups.map { [Self.cell($0), Self.list($0.namespaces)] }
            text += "\n" + TextTable.text([["VALUE", "NAMESPACES"]] + rows, width: width)
        }
        if !writes.isEmpty {
            let rows = writes.prefix(10).map { [NamespaceFinder.printable($0.netns), $0.sentence] }
            text += "\n" + TextTable.text([["NAMESPACE", "LAST WRITTEN BY"]] + rows, width: width)
        }
        if birth.kind != .readOnly {
            text += "\nTo set it\n" + settings.map { "  \(Self.padded($0.0, 12))\($0.1)\n" }.joined()
        }
        return text
    }

    /// What open sockets do; nil for what is not about sockets: an interface's entries, tables, connection tracking.
    private var sockets: String? {
        if let effect = SocketEffect(name) { return effect.description }
        let parts = name.components
        return parts.count == 3 && ["core", "ipv4", "ipv6", "mptcp", "sctp"].contains(parts[1])
            ? SocketEffect.unknown : nil
    }

    /// By what, and how.
    private var settings: [(String, String)] {
        let now = Remedy(name, value: nil, in: example)
        if example.isHost {
            return [("now", now.now ?? ""), ("for good", now.forGood)].filter { !$0.1.isEmpty }
        }
        let setting = ShellWord.quoted("\(name)=VALUE")
        return [
            ("docker", Remedy.docker(name, "VALUE")), ("podman", "podman run --sysctl \(setting)"),
            ("Kubernetes", Remedy.kubernetes(name, "VALUE")), ("runc", Remedy.oci(name, "VALUE")),
            ("host", "sysctl -w \(setting), and \(name) = VALUE in a file of /etc/sysctl.d"),
            ("nsenter", now.now ?? ""),
        ].filter { !$0.1.isEmpty }
    }

    /// Terms and what they are, wrapped between words: by 100 columns where there is no terminal.
    private static func definitions(_ rows: [[String]], _ width: Int?) -> String {
        let columns = max(40, min(width ?? 100, 100)) - 12
        var text = ""
        for row in rows {
            var term = row[0]
            var line = ""
            for word in row[1].split(separator: " ") {
                if !line.isEmpty, line.count + word.count + 1 > columns {
                    text += "  \(padded(term, 10))\(line)\n"
                    (term, line) = ("", "")
                }
                line += (line.isEmpty ? "" : " ") + word
            }
            text += "  \(padded(term, 10))\(line)\n"
        }
        return text
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func cell(_ group: Group) -> String {
        guard let value = group.value else { return "(\(group.state.replacing("_", with: " ")))" }
        return value.isEmpty ? "\"\"" : value
    }

    private static func list(_ names: [String]) -> String {
        names.count > 6
            ? names.prefix(5).joined(separator: ", ") + ", +\(names.count - 5)" : names.joined(separator: ", ")
    }

    // MARK: For a program

    struct Report: Encodable {
        struct Value: Encodable {
            let value: String?
            let state: String
            let namespaces: [String]
        }

        let sysctl: String
        let scope: String
        let atCreation: String
        let seen: Bool
        let evidence: String
        let source: String?
        let fresh: String?
        let sockets: String?
        let values: [Value]
        let set: [String: String]
        /// Absent where nobody heard.
        let lastWrites: [WriteListing.Entry]?

        private enum CodingKeys: String, CodingKey {
            case sysctl, scope
            case atCreation = "at_creation"
            case seen, evidence, source, fresh, sockets, values, set
            case lastWrites = "last_writes"
        }
    }

    var report: Report {
        Report(
            sysctl: name.dotted, scope: birth.isPerNamespace ? "namespace" : "global", atCreation: birth.kind.rawValue,
            seen: birth.isSeen, evidence: birth.evidence, source: birth.source, fresh: fresh?.text,
            sockets: SocketEffect(name)?.rawValue,
            values: groups.map { Report.Value(value: $0.value, state: $0.state, namespaces: $0.namespaces) },
            set: birth.kind == .readOnly
                ? [:] : Dictionary(settings.map { ($0.0.lowercased(), $0.1) }, uniquingKeysWith: { first, _ in first }),
            lastWrites: writes.isEmpty ? nil : writes)
    }
}
