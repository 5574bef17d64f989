import CLinux
import Foundation
import NetnsSystem
import TestSupport
import Testing

@Suite("rights that are given up") struct PrivilegeTests {
    @Test("what is refused answers EPERM, what is needed goes on", .needs(.root))
    func filter() async {
        await #expect(processExitsWith: .success) {
            let report = Privileges.reduce(to: [.sysAdmin])
            guard report.isFiltered, report.failures.isEmpty, report.kept == ["CAP_SYS_ADMIN"] else { exit(2) }
            // A program of another kind, a mount, another process's memory, another user.
            var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
            guard unsafe execv("/bin/true", &arguments) == -1, errno == EPERM else { exit(3) }
            guard unsafe umount2("/nosuch", 0) == -1, errno == EPERM else { exit(4) }
            guard setuid(65534) == -1, errno == EPERM else { exit(5) }
            guard unsafe mount("none", "/nosuch", "tmpfs", 0, nil) == -1, errno == EPERM else { exit(6) }
            // Threads, files, namespaces and sockets are what the agent lives by.
            let thread = Thread {}
            thread.start()
            guard unsafe open("/proc/self/status", O_RDONLY) >= 0 else { exit(7) }
            guard nd_unshare_net() == 0 else { exit(8) }
            guard socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0) >= 0 else { exit(9) }
            exit(0)
        }
    }

    @Test("rights that were given up do not come back", .needs(.root))
    func forGood() async {
        await #expect(processExitsWith: .success) {
            _ = Privileges.reduce(to: [.netRaw])
            guard nd_set_capabilities(1 << 21, 1 << 21, 0) < 0 else { exit(2) }
            guard nd_unshare_net() < 0 else { exit(3) }
            let status = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
            for line in [
                "CapEff:\t0000000000002000", "CapPrm:\t0000000000002000", "CapBnd:\t0000000000002000", "NoNewPrivs:\t1",
            ]
            where !status.contains(line) { exit(4) }
            exit(0)
        }
    }
}
