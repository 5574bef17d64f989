/// Where container runtimes keep the files that tell of their containers.
///
/// A root is the path of a directory. `*` in a component stands for any text, so a component `*` is every directory there;
/// `~/` at the beginning is the home of each user who is logged in or lingers, that is has a directory in `users`.
public struct ContainerPaths: Hashable, Sendable {
    /// runc's `--root`: `ID/state.json`.
    public var runc: [String]
    /// crun's `--root`: `ID/{status,config.json}`.
    public var crun: [String]
    /// containerd's `state`: `io.containerd.runtime.v2.task/NAMESPACE/ID/{config.json,init.pid}`.
    public var containerd: [String]
    /// docker's `data-root`: `containers/ID/config.v2.json`.
    public var docker: [String]
    /// containers/storage's `graphroot` and `runroot`, of podman and CRI-O: `DRIVER-containers/containers.json` and
    /// `DRIVER-containers/ID/userdata/config.json`.
    public var storage: [String]
    /// The directory of the users' runtime directories, each named by a user id: file-hierarchy(7).
    public var users: String
    /// What is before every path, as node_exporter's --path.rootfs: where the host's root is mounted. The homes of users
    /// are looked up in its /etc/passwd then.
    public var rootfs: String

    /// The usual places.
    public static let standard = ContainerPaths()

    /// The usual places, below `rootfs`.
    public init(rootfs: String = "") {
        runc = [
            "/run/runc", "/run/docker/runtime-runc/*", "/run/containerd/runc/*", "/run/user/*/runc",
            "/run/user/*/docker/runtime-runc/*",
        ]
        crun = ["/run/crun", "/run/user/*/crun"]
        containerd = ["/run/containerd"]
        docker = ["/var/lib/docker", "~/.local/share/docker"]
        storage = [
            "/run/containers/storage", "/var/lib/containers/storage", "/run/user/*/containers",
            "~/.local/share/containers/storage",
        ]
        users = "/run/user"
        self.rootfs = rootfs
    }

    /// The directories whose entries are containers, as patterns, each with what it holds.
    var directories: [(pattern: String, layout: ContainerLayout)] {
        runc.map { ($0, .runc) } + crun.map { ($0, .crun) }
            + containerd.flatMap { root in
                ["v2.task", "v1.linux"].map { ("\(root)/io.containerd.runtime.\($0)/*", .containerd) }
            }
            // The second is that of a daemon with userns-remap: `UID.GID`.
            + docker.flatMap { [("\($0)/containers", .docker), ("\($0)/*.*/containers", .docker)] }
            + storage.map { ("\($0)/*-containers", .storage) }
    }
}
