import Foundation
import TestSupport

/// A host's root directory with files of container runtimes, for `--path.rootfs`.
final class HostFiles {
    private let directory = Result { try TemporaryDirectory() }
    let path: String

    init(_ files: [String: String] = [:]) throws {
        path = try directory.get().path
        for (path, text) in files { try write(path, text) }
    }

    /// The flag that shows them.
    var rootfs: String { "--path.rootfs=\(path)" }

    /// Writes a file, given by its path on the host, as runtimes do: another one takes its place.
    func write(_ file: String, _ text: String) throws {
        let url = URL(fileURLWithPath: path + file)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url, options: .atomic)
    }
}

/// A process of a container: in a namespace of its own, or in one that has a mount.
final class ContainerProcess {
    private let child: ChildProcess
    /// The inode of its namespace.
    let inode: UInt64
    /// When it started, as the kernel counts.
    let start: UInt64
    var pid: Int32 { child.pid }

    init(in namespace: NamedNamespace? = nil) throws {
        child =
            try namespace.map {
                try ChildProcess("nsenter", "--net=\($0.path)", "sh", "-c", "echo ready; read wait")
            } ?? NamespaceHolder.process()
        inode = try NamedNamespace.inode(of: "/proc/\(child.pid)/ns/net")
        let stat = try String(contentsOfFile: "/proc/\(child.pid)/stat", encoding: .utf8)
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 20, let start = UInt64(fields[20]) else { throw Trouble("no start: \(stat)") }
        self.start = start
    }

    /// runc's state of a container whose first process this is. `later` makes it another process that had its id.
    func runcState(_ id: String, network: String = "", sysctl: String = "{}", labels: String = "[]", later: UInt64 = 0)
        -> String
    {
        #"{"id":"\#(id)","init_process_pid":\#(pid),"init_process_start":\#(start + later),"#
            + #""created":"2026-11-23T10:00:00.25Z","config":{"namespaces":[{"type":"NEWNET","path":"\#(network)"}],"#
            + #""sysctl":\#(sysctl),"labels":\#(labels)}}"#
    }
}

/// The files of runtimes that do not know the process.
enum RuntimeFiles {
    static func id(_ digit: Character) -> String { String(repeating: digit, count: 64) }

    static func quoted(_ text: String) -> String {
        let data = (try? JSONSerialization.data(withJSONObject: [text])) ?? Data()
        return String(decoding: data.dropFirst().dropLast(), as: UTF8.self)
    }

    static func dockerConfig(_ name: String, pid: Int32 = 0) -> String {
        #"{"State":{"Pid":\#(pid)},"Created":"2026-11-23T09:59:59Z","Config":{"Labels":{}},"Name":\#(quoted("/" + name))}"#
    }

    static func spec(network: String = "", sysctl: String = "{}", annotations: String = "{}") -> String {
        let path = network.isEmpty ? "" : #","path":"\#(network)""#
        return #"{"ociVersion":"1.0.2","annotations":\#(annotations),"linux":{"sysctl":\#(sysctl),"#
            + #""namespaces":[{"type":"network"\#(path)}]}}"#
    }

    static func crioEntry(_ id: String, name: String) -> String {
        #"{"id":"\#(id)","names":["\#(name)"],"metadata":"{\"pod-name\":\"\#(name)\",\"name\":\"\#(name)\"}"}"#
    }
}
