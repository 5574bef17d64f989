import CLinux
import Foundation
import NetnsCore
import Synchronization
import TestSupport
import Testing

@testable import NetnsSystem

@Suite struct DescriptorBudgetTests {
    /// Directories first, then files; nothing beyond what there is, nothing below none.
    @Test(
        arguments: [
            (0, 0, 0), (1, 1, 0), (4, 4, 0), (5, 5, 0), (6, 5, 1), (74, 5, 69), (75, 5, 70), (1000, 5, 70), (-3, 0, 0),
        ])
    func shares(_ allowance: Int, _ directories: Int, _ files: Int) {
        let share = DescriptorBudget.Share(allowance: allowance, directories: 5, files: 70)
        #expect(share.directories == directories && share.files == files)
    }

    /// The whole budget is given away, nobody gets two more than another, and one namespace more takes little of each.
    @Test(arguments: [0, 1, 7, 640, 19_616])
    func thereIsNoCliff(_ total: Int) {
        let budget = DescriptorBudget(total: total)
        #expect(budget.allowance(position: 0, of: 0) == 0)
        var last = Int.max
        for count in 1...3000 {
            let first = budget.allowance(position: 0, of: count)
            let least = budget.allowance(position: count - 1, of: count)
            #expect(first - least <= 1 && first <= last)
            last = first
        }
        for count in [1, 3, 100, 2999] {
            #expect((0..<count).reduce(0) { $0 + budget.allowance(position: $1, of: count) } == total)
        }
    }

    @Test func thereIsNoNegativeBudget() { #expect(DescriptorBudget(total: -5).total == 0) }

    @Test func ofTheLimit() {
        let (budget, limit) = DescriptorBudget.raisingLimit()
        #expect(budget.total > 0 && budget.total < limit)
        #expect(budget.total <= DescriptorBudget.ceiling)
        var now = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &now)
        #expect(now.rlim_cur == now.rlim_max)
        #expect(limit == Int(clamping: now.rlim_cur))
    }
}

@Suite struct FileTests {
    @Test func directories() throws {
        let directory = try TemporaryDirectory()
        let numbers = ["1", "42", "2147483647"]
        let others = ["2147483648", "99999999999", "12a", "-3", "+4", " 5", "a", "...", ".hidden", "..b", "\u{e9}"]
        let many = (0..<2000).map { "entry-with-a-rather-long-name-\($0)" }
        for name in numbers + others + many {
            try Data().write(to: URL(fileURLWithPath: "\(directory.path)/\(name)"))
        }
        let file = try FileDescriptor.open(directory.path, O_RDONLY | O_DIRECTORY)
        for capacity in [512, 4096, 65536] {
            let reader = DirectoryReader(capacity: capacity)
            for _ in 0..<2 {
                var names: [String] = []
                try unsafe reader.forEachName(of: file) { name in unsafe names.append(String(cString: name)) }
                #expect(names.sorted() == (numbers + others + many).sorted())
                var found: [Int32] = []
                try reader.forEachNumber(of: file) { found.append($0) }
                #expect(found.sorted() == [1, 42, 2_147_483_647])
            }
        }
        let plain = try FileDescriptor.open("\(directory.path)/1", O_RDONLY)
        #expect(throws: NetnsSystem.Errno.notDirectory) {
            try DirectoryReader().forEachNumber(of: plain) { _ in }
        }
    }

    @Test(arguments: [0, 1, 15, 16, 17, 64, 999, 1000])
    func files(_ length: Int) throws {
        let directory = try TemporaryDirectory()
        let bytes = (0..<length).map { UInt8($0 % 251) }
        let path = "\(directory.path)/file"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        var reader = FileReader(capacity: 16)
        for _ in 0..<2 {
            let read = try reader.read(path, limit: 1001) { span in unsafe span.withUnsafeBytes { unsafe [UInt8]($0) } }
            #expect(read == bytes)
        }
        if length > 16 {
            var small = FileReader(capacity: 16)
            #expect(throws: NetnsSystem.Errno(rawValue: E2BIG)) { try small.read(path, limit: length - 1) { _ in } }
        }
        #expect(throws: NetnsSystem.Errno.noSuchFile) { try reader.read("\(path)x") { _ in } }
    }

    @Test func descriptorsCloseOnExecAndWithTheirOwner() throws {
        let raw: Int32
        do {
            let file = try FileDescriptor.open("/dev/null", O_RDONLY)
            raw = file.rawValue
            #expect(fcntl(raw, F_GETFD) & FD_CLOEXEC != 0)
        }
        let inode = (try? NamedNamespace.inode(of: "/proc/self/fd/\(raw)")) ?? 0
        // Another thread may have been given the number since, but not for /dev/null.
        let null = try NamedNamespace.inode(of: "/dev/null")
        #expect(inode != null)
    }

    @Test func links() throws {
        let directory = try TemporaryDirectory()
        let target = String(repeating: "x", count: 3000)
        try FileManager.default.createSymbolicLink(atPath: "\(directory.path)/l", withDestinationPath: target)
        let read = try LinkReader().read("\(directory.path)/l", at: AT_FDCWD) { span in
            unsafe span.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        #expect(read == target)
        #expect(throws: NetnsSystem.Errno.invalid) { try LinkReader().read("/", at: AT_FDCWD) { _ in } }
    }

    @Test func processPaths() throws {
        for pid: Int32 in [0, 1, 9, 10, 12_345, 4_194_304, .max] {
            var path = ProcessPath()
            // A longer one before leaves nothing behind.
            _ = try unsafe path.withPath(.max, "/longer/path") { unsafe String(cString: $0) }
            let text = try unsafe path.withPath(pid, "/ns/net") { unsafe String(cString: $0) }
            #expect(text == "\(pid)/ns/net")
        }
    }
}

@Suite struct ErrorTests {
    @Test func names() {
        #expect(NetnsSystem.Errno.noSuchFile.name == "ENOENT")
        #expect(NetnsSystem.Errno.noSuchFile.description == "No such file or directory (ENOENT)")
        #expect(NetnsSystem.Errno(rawValue: 133).name == "EHWPOISON")
        #expect(NetnsSystem.Errno(rawValue: 9999).name == "E9999")
        #expect(NetnsSystem.Errno(rawValue: 9999).description == "error 9999")
        let gone: [NetnsSystem.Errno] = [.noSuchFile, .noSuchProcess, .stale]
        let denied: [NetnsSystem.Errno] = [.accessDenied, .notPermitted]
        for number: Int32 in 1...133 {
            let error = NetnsSystem.Errno(rawValue: number)
            #expect(error.meansGone == gone.contains(error))
            #expect(error.meansDenied == denied.contains(error))
        }
        let error = SystemError("open", "/a", .accessDenied, advice: "run as root")
        #expect(error.description == "cannot open /a: Permission denied (EACCES); run as root")
        #expect(SystemError("open", "/a", .accessDenied).description == "cannot open /a: Permission denied (EACCES)")
    }

    @Test func systemCalls() async {
        var answers: [Int32] = [-EINTR, -EINTR, 7]
        #expect((try? syscall { answers.removeFirst() }) == 7)
        #expect(throws: NetnsSystem.Errno.notPermitted) { _ = try syscall { -EPERM } }
        // A bad descriptor is this program's own fault, and ends it.
        await #expect(processExitsWith: .failure) { _ = try syscall { -EBADF } }
    }

    @Test func ledger() {
        let ledger = ErrorLedger()
        #expect(ledger.entries.isEmpty)
        ledger.count("sysctl", .accessDenied)
        ledger.count("links", "malformed")
        ledger.count("sysctl", "EACCES")
        #expect(
            ledger.entries.map { "\($0.key.operation) \($0.key.reason) \($0.count)" }
                == ["links malformed 1", "sysctl EACCES 2"])
    }
}

@Suite struct ThreadTests {
    @Test(arguments: [
        ("short", "short\n"), ("exactly-15-byte", "exactly-15-byte\n"), ("a-name-too-long-for-it", "a-name-too-long\n"),
    ])
    func names(_ name: String, _ shown: String) throws {
        let seen = Mutex("")
        try NativeThread(name) {
            let text = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
            seen.withLock { $0 = text }
        }.join()
        #expect(seen.withLock { $0 } == shown)
    }

    @Test func aMonitorGivesUpAtTheDeadline() {
        let monitor = Monitor(0)
        #expect(monitor.wait(until: Instant.now()) { $0 == 1 ? true : nil } == nil)
        let start = Instant.now()
        #expect(monitor.wait(until: start.advanced(bySeconds: 0.02)) { $0 == 1 ? true : nil } == nil)
        #expect(Instant.now() >= start.advanced(bySeconds: 0.02))
        // What holds already is not waited for.
        #expect(monitor.wait(until: start) { $0 == 0 ? "there" : nil } == "there")
    }

    @Test func aMonitorWakesEveryWaiter() throws {
        let monitor = Monitor((open: false, through: 0, waiting: 0))
        let threads = try (0..<4).map { _ in
            try NativeThread("waiter") {
                monitor.withLock { $0.waiting += 1 }
                _ = monitor.wait { $0.open ? true : nil }
                monitor.withLock { $0.through += 1 }
            }
        }
        _ = monitor.wait { $0.waiting == 4 ? true : nil }
        #expect(monitor.withLock { $0.through } == 0)
        monitor.withLock { $0.open = true }
        let through = monitor.wait(until: Instant.now().advanced(bySeconds: 60)) { $0.through == 4 ? true : nil }
        #expect(through == true)
        for thread in threads { thread.join() }
    }

    @Test func instants() {
        let start = Instant(nanoseconds: 1_500_000_000)
        #expect(start.advanced(bySeconds: 0.25) == Instant(nanoseconds: 1_750_000_000))
        #expect(start.advanced(bySeconds: -1) == start)
        #expect(start.advanced(bySeconds: .infinity) > start)
        #expect(start.advanced(bySeconds: 2).seconds(since: start) == 2)
        #expect(start.seconds(since: start.advanced(bySeconds: 2)) == 0)
        #expect(start.timespec.tv_sec == 1 && start.timespec.tv_nsec == 500_000_000)
        let a = Instant.now()
        #expect(Instant.now() >= a)
        #expect(abs(WallClock.now() - Date().timeIntervalSince1970) < 60)
    }

    @Test func thisProcess() throws {
        let statistics = try #require(ProcessStatistics.read())
        #expect(statistics.openDescriptors > 2 && statistics.openDescriptors <= statistics.maximumDescriptors)
        #expect(statistics.threads >= 1)
        #expect(statistics.residentBytes > 1 << 20 && statistics.virtualBytes > statistics.residentBytes)
        #expect(abs(statistics.startTime - Date().timeIntervalSince1970) < 3600)
        #expect(statistics.cpuSeconds > 0)
    }
}
