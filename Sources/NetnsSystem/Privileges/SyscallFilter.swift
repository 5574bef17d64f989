import CLinux
import Glibc

/// The seccomp filter of the agent: system calls that it never makes, and that somebody who got into it would.
///
/// It is a list of what is refused, not of what is allowed: what libc, GnuTLS and libmicrohttpd call changes with their
/// versions, and an agent that an update of libc breaks on every host watches nothing. What is refused answers EPERM, as it
/// would to a process without the right. Source: seccomp(2), linux/filter.h.
enum SyscallFilter {
    /// What is refused, by what it would be good for.
    static let refused: [Int32] = [
        // Another program, or another process's memory.
        __NR_execve, __NR_execveat, __NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev, __NR_kcmp,
        __NR_process_madvise, __NR_userfaultfd, __NR_personality,
        // Other files than those there are.
        __NR_mount, __NR_umount2, __NR_pivot_root, __NR_chroot, __NR_move_mount, __NR_open_tree, __NR_fsopen,
        __NR_fsconfig, __NR_fsmount, __NR_fspick, __NR_mount_setattr, __NR_open_by_handle_at, __NR_swapon, __NR_swapoff,
        __NR_quotactl, __NR_acct, __NR_mknodat,
        // The kernel and the machine.
        __NR_init_module, __NR_finit_module, __NR_delete_module, __NR_kexec_load, __NR_reboot, __NR_bpf,
        __NR_perf_event_open, __NR_syslog, __NR_settimeofday, __NR_clock_settime, __NR_clock_adjtime, __NR_adjtimex,
        __NR_sethostname, __NR_setdomainname,
        // Keys of others, and becoming somebody else.
        __NR_add_key, __NR_request_key, __NR_keyctl, __NR_setuid, __NR_setgid, __NR_setreuid, __NR_setregid,
        __NR_setresuid, __NR_setresgid, __NR_setfsuid, __NR_setfsgid, __NR_setgroups,
        // System calls past this filter.
        __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register,
    ]

    #if arch(x86_64)
    /// Numbers of the x32 calls begin here; they would be others than those listed.
    private static let foreign: UInt32? = 0x4000_0000
    #elseif arch(arm64)
    private static let foreign: UInt32? = nil
    #endif

    /// Commands of bpf(2) that run what is loaded, on a descriptor that the process has: BPF_PROG_TEST_RUN and
    /// BPF_ITER_CREATE. Source: linux/bpf.h.
    private static let runCommands: [UInt32] = [10, 33]

    /// The filter for linux/filter.h: `struct seccomp_data` is the number at 0, the architecture at 4, and the arguments of
    /// 8 bytes each from 16 on. With `runsPrograms`, the commands of bpf(2) that run loaded programs are allowed.
    static func program(runsPrograms: Bool) -> [sock_filter] {
        let load = UInt16(BPF_LD | BPF_W | BPF_ABS)
        let equal = UInt16(BPF_JMP | BPF_JEQ | BPF_K)
        let atLeast = UInt16(BPF_JMP | BPF_JGE | BPF_K)
        let answer = UInt16(BPF_RET | BPF_K)
        let refuse = sock_filter(code: answer, jt: 0, jf: 0, k: 0x0005_0000 | UInt32(EPERM))  // SECCOMP_RET_ERRNO
        let allow = sock_filter(code: answer, jt: 0, jf: 0, k: 0x7FFF_0000)  // SECCOMP_RET_ALLOW
        var program = [
            sock_filter(code: load, jt: 0, jf: 0, k: 4),
            sock_filter(code: equal, jt: 1, jf: 0, k: ND_AUDIT_ARCH),
            refuse,
            sock_filter(code: load, jt: 0, jf: 0, k: 0),
        ]
        if let foreign { program += [sock_filter(code: atLeast, jt: 0, jf: 1, k: foreign), refuse] }
        if runsPrograms {
            // Past all of this when it is another call. Both architectures have the lower half of an argument first.
            let length = UInt8(runCommands.count * 2 + 2)
            program += [sock_filter(code: equal, jt: 0, jf: length, k: UInt32(__NR_bpf))]
            program += [sock_filter(code: load, jt: 0, jf: 0, k: 16)]
            for command in runCommands { program += [sock_filter(code: equal, jt: 0, jf: 1, k: command), allow] }
            program += [refuse]
        }
        for number in refused {
            program += [sock_filter(code: equal, jt: 0, jf: 1, k: UInt32(number)), refuse]
        }
        return program + [allow]
    }
}
