import NetnsCore
import Testing

@Suite struct ContainerRecordTests {
    private static let id = String(repeating: "ab", count: 32)

    private static func record(
        _ id: String, _ runtime: ContainerRuntime, owner: UInt32 = 0, pid: Int32? = nil,
        _ change: (inout ContainerRecord) -> Void = { _ in }
    ) -> ContainerRecord {
        var record = ContainerRecord(id: id, runtime: runtime, owner: owner)
        record.pid = pid
        change(&record)
        return record
    }

    /// docker, containerd and runc know the same container; in whatever order their files are read.
    @Test func severalRuntimes() throws {
        let sysctl = DeclaredSysctl(name: try SysctlName("net.core.somaxconn"), value: "1")
        let records = [
            Self.record(Self.id, .runc, pid: 7) {
                $0.startTime = 99
                $0.declared = [sysctl]
                $0.network = .own
            }, Self.record(Self.id, .containerd, pid: 7) { $0.network = .path("/x") },
            Self.record(Self.id, .docker, pid: 7) { $0.identity = ContainerIdentity(name: "web") },
        ]
        for records in [records, records.reversed(), [records[1], records[2], records[0]]] {
            let merged = ContainerRecord.merged(records)
            #expect(merged.count == 1)
            let container = try #require(merged.first)
            #expect(container.runtime == .docker && container.name == "web" && container.isTrusted)
            #expect(container.pid == 7 && container.startTime == 99)
            #expect(container.network == .path("/x") && container.declared == [sysctl])
        }
    }

    /// A process id and a start time are of one process.
    @Test func aProcessIsTakenWhole() {
        let merged = ContainerRecord.merged([
            Self.record(Self.id, .docker, pid: 7), Self.record(Self.id, .runc, pid: 8) { $0.startTime = 5 },
        ])
        #expect(merged.map(\.pid) == [8] && merged.map(\.startTime) == [5])
    }

    @Test func namesThatUsersChose() {
        let merged = ContainerRecord.merged([
            Self.record("web", .runc, pid: 7), Self.record("web", .crun, pid: 8),
            Self.record("web", .containerd, pid: 7),
            Self.record("web", .runc),
        ])
        #expect(merged.map(\.runtime) == [.containerd, .crun, .runc])
        #expect(merged.map(\.pid) == [7, 8, nil] && merged.allSatisfy { $0.name == "web" })
    }

    /// A user cannot rename a container of root's, nor say where its process is.
    @Test func anotherUsersWord() {
        let merged = ContainerRecord.merged([
            Self.record(Self.id, .docker, owner: 1000, pid: 1) { $0.identity = ContainerIdentity(name: "evil") },
            Self.record(Self.id, .docker, pid: 7) { $0.identity = ContainerIdentity(name: "web") },
            Self.record(Self.id, .runc, owner: 1001, pid: 1),
        ])
        #expect(merged.filter(\.isTrusted).map(\.name) == ["web"])
        #expect(merged.count == 3)
    }

    /// Only where the id is a user's choice is it a name.
    @Test func withoutAName() {
        for runtime in [ContainerRuntime.docker, .podman, .crio] {
            #expect(ContainerRecord.merged([Self.record(Self.id, runtime)]).map(\.name) == [nil])
        }
        var sandbox = Self.record(Self.id, .containerd)
        sandbox.identity.pod = "web-1"
        #expect(ContainerRecord.merged([sandbox]).map(\.name) == [nil])
        #expect(ContainerRecord.merged([Self.record("x", .runc)]).map(\.name) == ["x"])
    }
}
