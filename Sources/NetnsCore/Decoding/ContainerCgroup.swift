/// The container that the cgroup of a process belongs to, from /proc/PID/cgroup. Source: cgroups(7), proc_pid_cgroup(5);
/// for the names, runc libcontainer/cgroups, crun src/libcrun/cgroup-systemd.c, containerd internal/cri/server, cri-o
/// internal/config/cgmgr, podman libpod/container_internal_linux.go.
public struct ContainerCgroup: Hashable, Sendable {
    /// The container's id.
    public let id: String
    /// Who made it, where the path tells.
    public let runtime: ContainerRuntime?

    /// Reads the text, whatever version of cgroups it is of: nil when no path in it is that of a container. The innermost
    /// container counts, and of several hierarchies the first that shows one. Allocates nothing but the id.
    public init?(_ text: borrowing RawSpan) {
        var start = 0
        while start < text.byteCount {
            var end = start
            while end < text.byteCount, text.loadByte(at: end) != UInt8(ascii: "\n") { end += 1 }
            var path = start
            // `ID:CONTROLLERS:PATH`: a path may hold colons of its own.
            for _ in 0..<2 {
                while path < end, text.loadByte(at: path) != UInt8(ascii: ":") { path += 1 }
                path += 1
            }
            if path < end, let found = Self.container(text.extracting(path..<end)) {
                self = found
                return
            }
            start = end + 1
        }
        return nil
    }

    private init(_ id: borrowing RawSpan, _ runtime: ContainerRuntime?) {
        self.id = unsafe id.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        self.runtime = runtime
    }

    /// The components from the last to the first: a container's own processes may make groups below its own.
    private static func container(_ path: borrowing RawSpan) -> ContainerCgroup? {
        var end = path.byteCount
        while end > 0 {
            var start = end
            while start > 0, path.loadByte(at: start - 1) != UInt8(ascii: "/") { start -= 1 }
            let component = path.extracting(start..<end)
            if isID(component) {
                return ContainerCgroup(component, isBelow(path.extracting(0..<start), "docker/") ? .docker : nil)
            }
            if let found = named(component) { return found }
            end = start - 1
        }
        return nil
    }

    /// `PREFIX-ID.scope` of systemd, `PREFIX-ID` without it, and `SLICE:PREFIX:ID`, which is what a runtime that does not
    /// know systemd's driver makes of the path it is given.
    private static func named(_ component: borrowing RawSpan) -> ContainerCgroup? {
        let isScope = ends(component, ".scope")
        let length = component.byteCount - (isScope ? 6 : 0)
        // The fixed-length id first: most components have none.
        let start = length - 64
        if start > 1, isID(component.extracting(start..<length)) {
            let id = component.extracting(start..<length)
            let prefix = component.extracting(0..<start - 1)
            switch component.loadByte(at: start - 1) {
            case UInt8(ascii: "-"):
                for (word, runtime) in prefixes where equal(prefix, word) { return ContainerCgroup(id, runtime) }
            case UInt8(ascii: ":") where !isScope:
                for (word, runtime) in prefixes where ends(prefix, word) { return ContainerCgroup(id, runtime) }
            default: break
            }
        }
        // Of plain runc and crun, with an id of the user's choice.
        guard isScope, length > 5 else { return nil }
        let name = component.extracting(5..<length)
        if begins(component, "runc-") { return ContainerCgroup(name, .runc) }
        if begins(component, "crun-") { return ContainerCgroup(name, .crun) }
        return nil
    }

    /// Those of podman's and CRI-O's conmon, `libpod-conmon-` and `crio-conmon-`, are not among them: conmon is on the host.
    private static let prefixes: [(StaticString, ContainerRuntime)] = [
        ("cri-containerd", .containerd), ("docker", .docker), ("crio", .crio), ("libpod", .podman),
        ("libpod-payload", .podman), ("nerdctl", .containerd), ("runc", .runc), ("crun", .crun),
    ]

    private static func isID(_ text: borrowing RawSpan) -> Bool {
        guard text.byteCount == 64 else { return false }
        for offset in 0..<64 where !isHexDigit(text.loadByte(at: offset)) { return false }
        return true
    }

    static func isHexDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || byte &- 0x61 < 6 }

    private static func isBelow(_ path: borrowing RawSpan, _ word: StaticString) -> Bool {
        ends(path, word)
            && (path.byteCount == word.utf8CodeUnitCount
                || path.loadByte(at: path.byteCount - word.utf8CodeUnitCount - 1) == UInt8(ascii: "/"))
    }

    private static func equal(_ text: borrowing RawSpan, _ word: StaticString) -> Bool {
        text.byteCount == word.utf8CodeUnitCount && begins(text, word)
    }

    private static func begins(_ text: borrowing RawSpan, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard text.byteCount >= count else { return false }
        for offset in 0..<count where unsafe text.loadByte(at: offset) != word.utf8Start[offset] { return false }
        return true
    }

    private static func ends(_ text: borrowing RawSpan, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        return text.byteCount >= count && begins(text.extracting((text.byteCount - count)..<text.byteCount), word)
    }
}
