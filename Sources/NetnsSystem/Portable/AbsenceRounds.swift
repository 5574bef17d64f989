internal import CLinux
internal import Glibc
internal import NetnsCore

/// When to look again for directories of /proc/sys/net that a namespace had not: whenever the host's own set of them
/// changed (a module was loaded or removed), and each minute.
///
/// Looking one up by its path costs a walk over the entries of all namespaces: 1 ms where there are 1,000, which is much
/// where sysctls are read in one system call. With `keepsOpen`, those that are there are held open, which holds no namespace,
/// and asked whether they still are (0.3 us).
final class AbsenceRounds {
    private let keepsOpen: Bool
    private var number = 0
    private var directories: [[CChar]] = []
    /// A descriptor of each; -1 where none is held.
    private var held: [Int32] = []
    private var present: [Bool] = []
    private var next = Instant.now()

    init(keepsOpen: Bool) { self.keepsOpen = keepsOpen }

    deinit { closeAll() }

    func round(procfs: String, directories wanted: [[CChar]]) -> Int {
        if wanted != directories {
            closeAll()
            directories = wanted
            held = Array(repeating: -1, count: wanted.count)
        }
        let now = held.indices.map { isThere($0, procfs) }
        if now != present || Instant.now() >= next {
            present = now
            next = Instant.now().advanced(bySeconds: 60)
            number += 1
        }
        return number
    }

    private func isThere(_ index: Int, _ procfs: String) -> Bool {
        if held[index] >= 0 {
            // The kernel answers ENOENT for one that was taken away (fs/proc/proc_sysctl.c proc_sys_getattr()).
            var status = stat()
            if unsafe fstat(held[index], &status) == 0 { return true }
            close(held[index])
            held[index] = -1
        }
        let path =
            procfs + "/sys/"
            + String(decoding: directories[index].dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard keepsOpen else { return unsafe access(path, F_OK) == 0 }
        held[index] = unsafe open(path, ND_O_PATH | O_DIRECTORY | O_CLOEXEC)
        return held[index] >= 0
    }

    private func closeAll() {
        for descriptor in held where descriptor >= 0 { close(descriptor) }
    }
}
