import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

/// What changes on disk, and what nobody should have written there.
@Suite struct ContainerChangeTests {
    private let config = "/var/lib/docker/containers/\(ContainerID.a)/config.v2.json"
    private let state = "/run/runc/web/state.json"

    private func docker(_ name: String) -> String { RuntimeFiles.dockerConfig(ContainerID.a, name: name, pid: 5) }

    @Test func whatIsUnchangedIsNotRead() throws {
        let host = try ContainerHost([config: docker("one"), state: RuntimeFiles.runcState("web", pid: 7)])
        #expect(host.catalog.refresh())
        host.settle()
        #expect(!host.catalog.refresh())
        let reads = host.catalog.reads
        for _ in 0..<10 { #expect(!host.catalog.refresh()) }
        #expect(host.catalog.reads == reads)
        try host.write(config, docker("two"))
        #expect(host.catalog.refresh())
        #expect(host.catalog.containers.map(\.name) == ["two", "web"] && host.catalog.reads == reads + 1)
    }

    /// Again and again, faster than the clock that dates files goes, each time with as many bytes.
    @Test func everyChangeIsSeen() throws {
        let host = try ContainerHost([config: docker("000")])
        for number in 100..<300 {
            let text = Data(docker(String(number)).utf8)
            try text.write(
                to: URL(fileURLWithPath: host.path(config)), options: number.isMultiple(of: 2) ? .atomic : [])
            #expect(host.containers().map(\.name) == [String(number)])
        }
    }

    @Test func containersComeAndGo() throws {
        let host = try ContainerHost([state: RuntimeFiles.runcState("web", pid: 7)])
        #expect(host.containers().map(\.pid) == [7])
        try host.write("/run/runc/db/state.json", RuntimeFiles.runcState("db", pid: 8))
        #expect(host.containers().map(\.id) == ["db", "web"])
        try host.remove("/run/runc/web")
        #expect(host.catalog.refresh() && host.catalog.containers.map(\.id) == ["db"])
        try host.write(state, RuntimeFiles.runcState("web", pid: 9))
        #expect(host.containers().map(\.pid) == [8, 9])
        try host.remove(state)
        #expect(host.containers().map(\.id) == ["db"])
        try host.remove("/run/runc")
        #expect(host.catalog.refresh() && host.catalog.containers.isEmpty)
        #expect(!host.catalog.refresh() && host.errors.isEmpty)
    }

    /// Its name is lost, what the other files say stays; and it is counted once.
    @Test func aBrokenFile() throws {
        let task = "/run/containerd/io.containerd.runtime.v2.task/moby/\(ContainerID.a)"
        let host = try ContainerHost([
            config: docker("web"), "\(task)/config.json": RuntimeFiles.spec(sysctl: #"{"net.core.somaxconn":"7"}"#),
            "\(task)/init.pid": "5",
        ])
        #expect(host.containers().map(\.name) == ["web"])
        try host.write(config, "{")
        for _ in 0..<3 {
            let container = try #require(host.containers().first)
            #expect(container.name == nil && container.runtime == .docker && container.pid == 5)
            #expect(container.declared.count == 1)
            host.settle()
        }
        #expect(host.errors == ["malformed": 1])
        try host.write(config, "[")
        _ = host.containers()
        #expect(host.errors == ["malformed": 2])
        try host.write("\(task)/init.pid", "five")
        try host.write("\(task)/config.json", RuntimeFiles.spec(sysctl: #"{"net..x":"1","net.a":"1"}"#))
        #expect(host.containers().map(\.declared.count) == [1])
        #expect(host.errors == ["malformed": 3, "bad_sysctl": 1])
    }

    /// Cut anywhere: a container or none, and never a fault.
    @Test func truncatedFiles() throws {
        let list = "/var/lib/containers/storage/overlay-containers/containers.json"
        let texts = [
            config: docker("web"), state: RuntimeFiles.runcState("web", pid: 7),
            "/run/crun/web/status": RuntimeFiles.crunStatus(pid: 7),
            "/run/crun/web/config.json": RuntimeFiles.spec(annotations: #"{"a":"\u00e9"}"#),
            list: "[\(RuntimeFiles.podmanEntry(ContainerID.a, name: "web"))]",
        ]
        for (path, text) in texts {
            let host = try ContainerHost([path: text])
            #expect(host.containers().count == 1)
            for length in 0..<text.utf8.count {
                try Data(text.utf8.prefix(length)).write(to: URL(fileURLWithPath: host.path(path)))
                let containers = host.containers()
                if text.utf8.prefix(length).last != UInt8(ascii: "}") {
                    #expect(containers.isEmpty, "\(path) \(length)")
                }
            }
        }
    }

    @Test(arguments: [
        #"a"b\c"#, "a\nb\tc\u{1B}[31m", "ü-日本", "\u{202E}x", "../../etc", "/", String(repeating: "x", count: 255),
    ])
    func hostileNames(_ name: String) throws {
        let quoted = String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
        let text = #"{"Name":\#(quoted),"State":{"Pid":1}}"#
        let host = try ContainerHost([config: text])
        let expected = name.hasPrefix("/") ? String(name.dropFirst()) : name
        #expect(host.containers().map(\.name) == [expected.isEmpty ? nil : expected])
    }

    @Test func aNameOfAMegabyte() throws {
        let host = try ContainerHost([config: docker(String(repeating: "x", count: 1 << 20))])
        #expect(host.containers().first?.name?.utf8.count == 255)
    }

    /// Deeper than any stack; longer than any file.
    @Test(arguments: ["[", #"{"a":"#]) func nesting(_ open: String) throws {
        let deep = String(repeating: open, count: 100_000)
        let host = try ContainerHost([config: deep, state: #"{"config":\#(deep)"#])
        #expect(host.containers().isEmpty && host.errors == ["malformed": 2])
    }

    @Test func longFiles() throws {
        let host = try ContainerHost([config: docker("web") + String(repeating: " ", count: 4 << 20)])
        #expect(host.containers().isEmpty && host.errors == ["too_long": 1])
    }

    /// Of users' files about a megabyte is read in each refresh, and the rest in the next; root's are read all.
    @Test(.enabled(if: geteuid() == 0)) func longFilesOfUsers() throws {
        var files: [String: String] = [:]
        for number in 0..<5 {
            let text = RuntimeFiles.runcState("c", pid: number + 2) + String(repeating: " ", count: 400_000)
            files["/run/runc/c\(number)/state.json"] = text
            files["/run/user/1000/runc/c\(number)/state.json"] = text
        }
        let host = try ContainerHost(files)
        try host.give("/run/user/1000", to: 1000)
        host.settle()
        #expect(host.containers().count(where: \.isTrusted) == 5)
        #expect(host.catalog.containers.count { !$0.isTrusted } == 3)
        #expect(host.containers().count == 10 && host.errors.isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0)) func manyContainersOfAUser() throws {
        let host = try ContainerHost(["/run/runc/c/state.json": RuntimeFiles.runcState("c", pid: 2)])
        for number in 0...1000 {
            try host.write("/run/user/1000/runc/c\(number)/state.json", RuntimeFiles.runcState("c", pid: number + 2))
        }
        try host.give("/run/user/1000", to: 1000)
        #expect(host.containers().count == 1001 && host.errors == ["too_many": 1])
    }

    @Test(.enabled(if: geteuid() == 0)) func manyDirectoriesOfAUser() throws {
        let host = try ContainerHost()
        for number in 0..<20 {
            let path = "/run/user/1000/docker/runtime-runc/d\(number)/c\(number)/state.json"
            try host.write(path, RuntimeFiles.runcState("c\(number)", pid: number + 2))
        }
        try host.give("/run/user/1000", to: 1000)
        for _ in 0..<3 { #expect(host.containers().count == 16 && host.errors == ["too_many": 1]) }
    }

    /// Users are apart: who goes takes theirs away, and no others.
    @Test(.enabled(if: geteuid() == 0)) func usersComeAndGo() throws {
        let host = try ContainerHost(["/run/runc/c/state.json": RuntimeFiles.runcState("c", pid: 2)])
        for user in [1000, 1001] as [UInt32] {
            let path = "/run/user/\(user)/runc/u\(user)/state.json"
            try host.write(path, RuntimeFiles.runcState("u\(user)", pid: Int(user)))
            try host.give("/run/user/\(user)", to: user)
        }
        #expect(host.containers().map(\.id) == ["c", "u1000", "u1001"])
        try host.remove("/run/user/1000")
        #expect(host.containers().map(\.id) == ["c", "u1001"])
        try host.remove("/run/user")
        #expect(host.containers().map(\.id) == ["c"] && host.errors.isEmpty)
    }

    @Test func whatIsNoFile() throws {
        let host = try ContainerHost(["/secret": RuntimeFiles.runcState("web", pid: 7)])
        for name in ["fifo", "link", "directory"] {
            try FileManager.default.createDirectory(
                atPath: host.path("/run/runc/\(name)"), withIntermediateDirectories: true)
        }
        #expect(unsafe mkfifo(host.path("/run/runc/fifo/state.json"), 0o600) == 0)
        #expect(unsafe symlink(host.path("/secret"), host.path("/run/runc/link/state.json")) == 0)
        #expect(unsafe mkdir(host.path("/run/runc/directory/state.json"), 0o700) == 0)
        #expect(unsafe symlink(host.path("/run/runc/fifo"), host.path("/run/runc/linked")) == 0)
        for _ in 0..<2 {
            #expect(host.containers().isEmpty)
            #expect(host.errors["ELOOP"] == 1 && host.errors["not_regular"] == 2)
            host.settle()
        }
    }

    /// An administrator's link leads to where the files are, a user's nowhere.
    @Test(.enabled(if: geteuid() == 0)) func linksToDirectories() throws {
        let host = try ContainerHost(["/data/runc/web/state.json": RuntimeFiles.runcState("web", pid: 7)])
        for directory in ["/run/user/1000", "/run/user/1001"] {
            try FileManager.default.createDirectory(atPath: host.path(directory), withIntermediateDirectories: true)
        }
        try #require(unsafe symlink(host.path("/data/runc"), host.path("/run/runc")) == 0)
        try #require(unsafe symlink(host.path("/data/runc"), host.path("/run/user/1000/runc")) == 0)
        try host.give("/run/user/1000", to: 1000)
        #expect(host.containers().map(\.pid) == [7])
        #expect(host.catalog.containers.map(\.isTrusted) == [true])
    }

    /// A stat of each file and no more.
    @Test func aRefreshIsCheap() throws {
        var files: [String: String] = [:]
        for number in 0..<500 {
            files["/run/runc/c\(number)/state.json"] = RuntimeFiles.runcState("c\(number)", pid: number + 2)
        }
        let host = try ContainerHost(files)
        #expect(host.containers().count == 500)
        host.settle()
        _ = host.containers()
        let reads = host.catalog.reads
        let start = ContinuousClock.now
        for _ in 0..<20 { _ = host.catalog.refresh() }
        let elapsed = ContinuousClock.now - start
        #expect(host.catalog.reads == reads)
        // A hundred times what it takes: it must not become a reading of files, on any machine.
        #expect(elapsed < .seconds(4))
    }
}
