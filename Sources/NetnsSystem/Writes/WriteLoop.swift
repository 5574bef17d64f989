internal import CLinux
internal import CNetnsBPF
internal import Glibc
internal import NetnsCore
internal import Synchronization

/// What the watch's thread does: it takes what was heard, reads back what became of it, and tells.
///
/// A namespace is entered for the moment of reading back, and the thread is home again before it waits. Nothing is held.
///
/// Concurrency: belongs to the watch's thread.
final class WriteLoop {
    /// Writes that are taken at a time.
    static let batch = 256
    /// How many of those are taken before what was heard is told.
    static let batchesATurn = 40
    /// Milliseconds after which it is looked again once something was heard: the kernel wakes once in 4 ms.
    static let pause: Int32 = 5
    /// Sysctls that are read back at most in one turn: each costs some 10 us to a millisecond, by how many namespaces there are.
    static let readBacks = 200

    private let watch: WriteWatch
    private let paths: SystemPaths
    private let ledger: ErrorLedger
    private let deliver: @Sendable ([SysctlWrite]) -> Void
    private let users = UserNames()
    private var places: WriterPlaces
    private var queue = WriteQueue()
    private var records = [nd_bpf_write](repeating: nd_bpf_write(), count: WriteLoop.batch)
    private var reader = FileReader(capacity: 4096)
    /// Whether something was heard in the last turn.
    private var isActive = false

    init(
        _ watch: WriteWatch, _ paths: SystemPaths, _ ledger: ErrorLedger,
        _ deliver: @escaping @Sendable ([SysctlWrite]) -> Void
    ) {
        self.watch = watch
        self.paths = paths
        self.ledger = ledger
        self.deliver = deliver
        places = WriterPlaces(procfs: paths.procfs)
    }

    /// Waits for something to be heard, or for the time to read back, and does it; false when it is to end.
    func turn() -> Bool {
        wait()
        let inbox = watch.inbox.withLock { inbox in
            defer { inbox.sites = nil }
            return inbox
        }
        if inbox.isStopping { return false }
        if let sites = inbox.sites { places.take(sites) }
        do throws(Errno) { try hear() } catch { ledger.count("writes", error) }
        guard readBack() else { return false }
        var decided = queue.take()
        guard !decided.isEmpty else { return true }
        for index in decided.indices {
            places.complete(&decided[index])
            decided[index].user = users.name(of: decided[index].writer.uid)
        }
        deliver(decided)
        return true
    }

    private func wait() {
        var timeout: Int32 = isActive ? Self.pause : -1
        if let next = queue.next {
            let left = Int32(min((next.seconds(since: .now()) * 1000).rounded(.up), 1000))
            timeout = timeout < 0 ? left : min(timeout, left)
        }
        var descriptors = [
            // While more is on its way, to be woken for each would cost the writers.
            pollfd(fd: isActive ? -1 : watch.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: watch.wakeupDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = unsafe poll(&descriptors, UInt(descriptors.count), timeout)
    }

    // MARK: Hearing

    private func hear() throws(Errno) {
        isActive = false
        // One who writes without end does not keep those from being told that wait, nor fills the memory with what is decided.
        for _ in 0..<Self.batchesATurn {
            let count = try watch.take(&records)
            guard count > 0 else { break }
            isActive = true
            let now = Instant.now()
            let clock = WallClock.now() - Self.bootSeconds()
            for index in 0..<count {
                let write = SysctlWrite(records[index], clock: clock)
                watch.written.note(write.cookie, at: now)
                // What the host shows may be everybody's, and what nobody owns is.
                if !write.isSure || places.site(write.cookie)?.isHost ?? false { watch.written.noteEverywhere(at: now) }
                queue.add(write, at: now)
            }
            watch.written.note(lost: watch.counts.lost, at: now)
            if count < Self.batch { break }
            // A storm does not keep those from being told that wait.
            if queue.count > WriteQueue.capacity / 2 { break }
        }
        watch.written.note(lost: watch.counts.lost, at: .now())
    }

    /// Seconds since the machine began, those asleep too.
    private static func bootSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    // MARK: Reading back

    /// Reads back what is due, namespace by namespace; false when the thread cannot come home, and so must end.
    private func readBack() -> Bool {
        let now = Instant.now()
        let due = queue.due(at: now).prefix(Self.readBacks)
        guard !due.isEmpty else { return true }
        // Not kept: it would hold the namespace that the agent is in.
        let home: NamespaceHandle
        do throws(Errno) { home = try NamespaceHandle.current() } catch {
            ledger.count("home", error)
            for write in due { queue.readBack(write.key, nil, at: now) }
            return true
        }
        var isAway = false
        for (cookie, writes) in Dictionary(grouping: due, by: \.cookie) {
            let isInside = enter(cookie, writes[0], home, &isAway)
            for write in writes {
                queue.readBack(write.key, isInside ? value(of: write.sysctl) : nil, at: .now())
            }
        }
        guard isAway else { return true }
        do throws(Errno) {
            try home.enter()
            return true
        } catch {
            ledger.count("return", error)
            queue.giveUp()
            return false
        }
    }

    /// Whether the thread is in the namespace of a cookie now. One that was not found yet may be the writer's own.
    private func enter(
        _ cookie: UInt64, _ write: SysctlWrite, _ home: borrowing NamespaceHandle, _ isAway: inout Bool
    ) -> Bool {
        do throws(Errno) {
            if let site = places.site(cookie) {
                if site.isOwn {
                    if isAway { try home.enter() }
                    isAway = false
                    return true
                }
                try site.open(paths).enter()
            } else {
                let writer = Holder.process(pid: write.writer.pid)
                try NamespaceHandle.open(writer, inode: write.inode, paths: paths).enter()
            }
            isAway = true
            return true
        } catch {
            if !error.meansGone { ledger.count("writes", error) }
            return false
        }
    }

    /// What a sysctl shows in the namespace that the thread is in.
    private func value(of sysctl: SysctlName) -> String? {
        guard !sysctl.isSecret else { return nil }
        let path = "\(paths.procfs)/sys/\(sysctl.components.joined(separator: "/"))"
        return try? reader.read(path, limit: 1 << 16) { text in
            unsafe text.withUnsafeBytes { unsafe SysctlWrite.spaced([UInt8]($0)) }
        }
    }
}

extension SysctlWrite {
    /// What the program wrote down. `clock` is when the machine began, seconds since the epoch.
    init(_ record: nd_bpf_write, clock: Double) {
        let name = Self.bytes(record.name, Int(record.name_length))
        let parts = name.split(separator: UInt8(ascii: "/")).map { PrintableText.string(Array($0)) }
        let isSecret = record.is_secret != 0
        let sysctl = SysctlName(components: parts)
        func value(_ bytes: [UInt8], _ length: UInt32) -> Value? {
            guard !isSecret, !sysctl.isSecret else { return nil }
            return Value(Self.spaced(bytes), isCut: Int(length) >= ND_BPF_TEXT)
        }
        self.init(
            time: clock + Double(record.time) / 1e9, inode: UInt64(record.inode), cookie: record.cookie,
            owner: UInt64(record.owner), isSure: record.is_sure != 0, sysctl: sysctl,
            old: value(Self.bytes(record.old, Int(record.old_length)), record.old_length),
            new: value(Self.bytes(record.new_value, Int(record.new_length)), record.new_length),
            writer: Writer(
                pid: Int32(bitPattern: record.pid), thread: Int32(bitPattern: record.tid),
                parent: Int32(bitPattern: record.parent), uid: record.uid,
                loginUID: record.login == UInt32.max ? nil : record.login,
                command: PrintableText.string(Self.bytes(record.command, 16)),
                executable: Self.path(
                    Self.bytes(record.executable, Int(record.executable_length), keepsNul: true),
                    isWhole: record.is_executable_whole != 0),
                network: UInt64(record.network), mounts: UInt64(record.mounts), processes: UInt64(record.processes),
                users: UInt64(record.users)))
    }

    /// The bytes of a C array, up to its NUL or to `length`.
    private static func bytes<T>(_ field: T, _ length: Int, keepsNul: Bool = false) -> [UInt8] {
        unsafe withUnsafeBytes(of: field) { raw in
            let all = unsafe [UInt8](raw.prefix(max(length, 0)))
            return keepsNul ? all : Array(all.prefix { $0 != 0 })
        }
    }

    /// A path of components that each end with a NUL, the last one first.
    private static func path(_ bytes: [UInt8], isWhole: Bool) -> String? {
        let parts = bytes.split(separator: 0).reversed().map { PrintableText.string(Array($0)) }
        guard !parts.isEmpty else { return nil }
        return (isWhole ? "/" : "\u{2026}/") + parts.joined(separator: "/")
    }

    /// A value as it is shown: its elements with single spaces between.
    static func spaced(_ bytes: [UInt8]) -> String {
        let words = bytes.split { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) || $0 == 0 }
        return PrintableText.string(Array(words.joined(separator: [0x20])))
    }
}
