import Testing

@testable import NetnsCore

/// A write as the hook reports it.
func heard(
    _ old: String?, _ new: String?, sysctl: String = "net.ipv4.tcp_keepalive_time", cookie: UInt64 = 7,
    thread: Int32 = 100,
    isCut: Bool = false, time: Double = 0
) throws -> SysctlWrite {
    SysctlWrite(
        time: time, inode: 4_026_532_000, cookie: cookie, owner: 1, isSure: true, sysctl: try SysctlName(sysctl),
        old: old.map { SysctlWrite.Value($0) }, new: new.map { SysctlWrite.Value($0, isCut: isCut) },
        writer: SysctlWrite.Writer(
            pid: thread, thread: thread, parent: 1, uid: 0, loginUID: nil, command: "sysctl",
            executable: "/sbin/sysctl",
            network: 4_026_532_000, mounts: 2, processes: SysctlWrite.Writer.hostProcesses, users: 1))
}

/// What became of writes, by a clock of the test's own.
@Suite struct WriteQueueTests {
    /// Adds a write, gives each reading back as it is due, and tells the result, what it showed and after how many readings.
    private func outcome(
        _ write: SysctlWrite, shows readings: String?...
    ) -> (result: SysctlWrite.Result, actual: String?, readings: Int) {
        var queue = WriteQueue()
        var now = Instant(nanoseconds: 1_000_000_000)
        queue.add(write, at: now)
        var count = 0
        while let next = queue.next {
            now = max(now, next)
            #expect(queue.due(at: now).map(\.key) == [write.key])
            queue.readBack(write.key, readings[min(count, readings.count - 1)], at: now)
            count += 1
        }
        let decided = queue.take()
        #expect(decided.count == 1 && queue.count == 0 && queue.take().isEmpty)
        // The longest that anybody has to wait to be told.
        #expect(
            now.seconds(since: Instant(nanoseconds: 1_000_000_000))
                <= (write.sysctl.dotted.contains("forward") ? 0.4 : 0.05))
        return (decided[0].result, decided[0].actual, count)
    }

    @Test func aValueThatIsTaken() throws {
        #expect(outcome(try heard("600", "700"), shows: "700") == (.applied, "700", 1))
        // The writer had not run on before the second reading.
        #expect(outcome(try heard("600", "700"), shows: "600", "700") == (.applied, "700", 2))
        // Of a vector the first elements alone may be written.
        let vector = try heard("4096 131072 6291456", "8192", sysctl: "net.ipv4.tcp_rmem")
        #expect(outcome(vector, shows: "8192 131072 6291456") == (.applied, "8192 131072 6291456", 1))
        // The kernel shows something else than what was written.
        #expect(outcome(try heard("60", "0x10"), shows: "16") == (.applied, "16", 1))
        // One that is longer than what is handed over.
        let ports = try heard("", "8080,80", sysctl: "net.ipv4.ip_local_reserved_ports", isCut: true)
        #expect(outcome(ports, shows: "8080,8081") == (.applied, "8080,8081", 1))
    }

    @Test func aValueThatIsRefused() throws {
        #expect(outcome(try heard("60", "abc"), shows: "60") == (.refused, "60", 3))
        #expect(outcome(try heard("60", "-5"), shows: "60") == (.refused, "60", 3))
        // The kernel takes 0x3c for 60.
        #expect(outcome(try heard("60", "0x3c"), shows: "60") == (.applied, "60", 0))
        #expect(outcome(try heard("4096 61", "010000 075"), shows: "4096 61").result != .refused)
    }

    @Test func whatCannotBeReadBack() throws {
        #expect(outcome(try heard("60", "61"), shows: nil) == (.unknown, nil, 3))
        #expect(outcome(try heard("60", "61"), shows: nil, nil, "61") == (.applied, "61", 3))
        // A writer that waits for the RTNL lock is waited for longer.
        let forward = try heard("0", "1", sysctl: "net.ipv4.ip_forward")
        #expect(outcome(forward, shows: "0", "0", "0", "0", "1") == (.applied, "1", 5))
        #expect(outcome(forward, shows: "0") == (.refused, "0", 5))
    }

    @Test func whatNeedsNoReading() throws {
        #expect(outcome(try heard("600", "600"), shows: "") == (.applied, "600", 0))
        #expect(outcome(try heard("4096 87380", "4096\t87380"), shows: "") == (.applied, "4096 87380", 0))
        // A key.
        #expect(outcome(try heard(nil, nil), shows: "") == (.unknown, nil, 0))
    }

    /// The next write of the same sysctl tells what became of the one before, so that a storm is read back once.
    @Test func aStorm() throws {
        var queue = WriteQueue()
        var now = Instant(nanoseconds: 0)
        for value in 0..<10_000 {
            queue.add(try heard("\(value)", "\(value + 1)", time: Double(value)), at: now)
            now = now.advanced(bySeconds: 0.000_01)
        }
        #expect(queue.count == 1)
        var decided = queue.take()
        #expect(decided.count == 9_999 && decided.allSatisfy { $0.result == .applied })
        let next = try #require(queue.next)
        queue.readBack(try heard("", "").key, "10000", at: next)
        decided = queue.take()
        #expect(decided.map(\.result) == [.applied] && queue.next == nil)
    }

    @Test func theNextWriteTells() throws {
        func first(_ write: SysctlWrite, before next: SysctlWrite) -> (SysctlWrite.Result, String?) {
            var queue = WriteQueue()
            queue.add(write, at: Instant(nanoseconds: 0))
            queue.add(next, at: Instant(nanoseconds: 1000))
            let decided = queue.take()
            return (decided[0].result, decided[0].actual)
        }
        #expect(first(try heard("60", "abc"), before: try heard("60", "61")) == (.refused, "60"))
        // Another thread's may have been heard before the kernel took the first.
        #expect(first(try heard("60", "61"), before: try heard("60", "62", thread: 101)) == (.unknown, nil))
        #expect(first(try heard("60", "61"), before: try heard("61", "62", thread: 101)) == (.applied, "61"))
        #expect(first(try heard("60", "61"), before: try heard("63", "62")) == (.applied, "63"))
        // Of another sysctl, or another namespace, it tells nothing.
        var queue = WriteQueue()
        queue.add(try heard("60", "61"), at: Instant(nanoseconds: 0))
        queue.add(try heard("60", "61", cookie: 8), at: Instant(nanoseconds: 0))
        queue.add(try heard("60", "61", sysctl: "net.ipv4.tcp_fin_timeout"), at: Instant(nanoseconds: 0))
        #expect(queue.count == 3 && queue.take().isEmpty)
        queue.giveUp()
        #expect(queue.take().map(\.result) == [.unknown, .unknown, .unknown] && queue.next == nil)
    }

    /// More than are waited for are told at once, as unknown: none is dropped.
    @Test func thereIsABound() throws {
        var queue = WriteQueue()
        for cookie in 0..<UInt64(WriteQueue.capacity + 5) {
            queue.add(try heard("1", "2", cookie: cookie), at: Instant(nanoseconds: 0))
        }
        #expect(queue.count == WriteQueue.capacity)
        #expect(queue.take().map(\.result) == Array(repeating: .unknown, count: 5))
    }
}

@Suite struct WriteOriginTests {
    private func origin(
        processes: UInt64 = SysctlWrite.Writer.hostProcesses, users: UInt64 = SysctlWrite.Writer.hostUsers,
        network: UInt64 = 50, owner: UInt64 = SysctlWrite.Writer.hostUsers, isHost: Bool = false,
        container: Bool = false,
        member: Bool = false
    ) throws -> SysctlWrite.Origin {
        var write = try heard("1", "2")
        write.inode = 50
        write.owner = owner
        write.writer.processes = processes
        write.writer.users = users
        write.writer.network = network
        return SysctlWrite.Origin(
            of: write, isHostNamespace: isHost, writerIsContained: container, isMember: member)
    }

    @Test func places() throws {
        // nsenter --net changes the network namespace alone.
        #expect(try origin() == .host)
        #expect(try origin(network: 1) == .host)
        #expect(try origin(isHost: true) == .host)
        #expect(try origin(processes: 9, container: true, member: true) == .inside)
        #expect(try origin(processes: 9, container: true) == .container)
        // A container on the host's process ids is told by its mounts.
        #expect(try origin(container: true, member: true) == .inside)
        #expect(try origin(isHost: true, container: true) == .container)
        // A container that was not found yet sets its own sysctls as it starts.
        #expect(try origin(processes: 9) == .inside)
        #expect(try origin(processes: 9, network: 51) == .unknown)
        #expect(try origin(processes: 9, isHost: true) == .unknown)
        // unshare -Urn.
        #expect(try origin(users: 77, owner: 77) == .inside)
        #expect(try origin(users: 77, owner: 78) == .host)
    }
}

@Suite struct WriteHistoryTests {
    @Test func theLastOnes() throws {
        var history = WriteHistory(capacity: 3)
        #expect(history.entries(limit: 10).isEmpty && history.last == 0)
        for number in 1...5 { history.add(try heard("\(number)", "x", cookie: UInt64(number % 2))) }
        #expect(history.count == 3 && history.last == 5)
        #expect(history.entries(limit: 10).map(\.number) == [3, 4, 5])
        #expect(history.entries(limit: 10).map(\.write.old?.text) == ["3", "4", "5"])
        #expect(history.entries(limit: 2).map(\.number) == [4, 5])
        #expect(history.entries(after: 4, limit: 10).map(\.number) == [5])
        #expect(history.entries(after: 9, limit: 10).isEmpty)
        #expect(history.entries(limit: 1) { $0.cookie == 1 }.map(\.number) == [5])
        #expect(history.entries(limit: 9) { $0.cookie == 1 }.map(\.number) == [3, 5])
        var none = WriteHistory(capacity: 0)
        none.add(try heard("1", "2"))
        #expect(none.last == 1 && none.entries(limit: 1).isEmpty)
    }
}
