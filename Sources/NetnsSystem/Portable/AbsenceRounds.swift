internal import Glibc
internal import NetnsCore

/// When to look again for directories of /proc/sys/net that a namespace had not: whenever the host's own set of them
/// changed (a module was loaded or removed), and each minute.
struct AbsenceRounds {
    private var number = 0
    private var present: [Bool] = []
    private var next = Instant.now()

    mutating func round(procfs: String, directories: [[CChar]]) -> Int {
        let now = directories.map { path in
            let full = procfs + "/sys/" + String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return unsafe access(full, F_OK) == 0
        }
        if now != present || Instant.now() >= next {
            present = now
            next = Instant.now().advanced(bySeconds: 60)
            number += 1
        }
        return number
    }
}
