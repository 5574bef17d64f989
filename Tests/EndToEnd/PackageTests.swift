import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The Debian package, on a Debian that has no Swift.
    @Suite(
        .needs(
            .root, .environment("NETDRIFT_BINARY"), .tool("debootstrap"), .tool("lintian"), .tool("dpkg-shlibdeps"),
            .tool("go-md2man"), .tool("chrpath"), .bpf))
    struct PackageTests {
        /// The package of the binary under test.
        private static func package(in directory: TemporaryDirectory) throws -> String {
            let result = try Command.run(
                [Shipped.path("scripts/deb"), AgentProcess.binary, directory.path], timeout: 300)
            guard result.status == 0 else { throw Trouble("scripts/deb: \(result.output) \(result.errors)") }
            return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// The same package with a lower version, and a default configuration and documentation that were others.
        private static func older(than package: String, in directory: TemporaryDirectory) throws -> String {
            let tree = "\(directory.path)/older"
            try Command.check("dpkg-deb", "-R", package, tree)
            for (name, pattern, text) in [
                ("DEBIAN/control", "Version: .*", "Version: 0.0.1-1"),
                ("etc/netdrift/netdrift.yml", "^# The configuration", "# The older configuration"),
                ("etc/default/netdrift", "^# Arguments", "# Older arguments"),
            ] { try Command.check("sed", "-i", "s/\(pattern)/\(text)/", "\(tree)/\(name)") }
            let path = "\(directory.path)/netdrift_0.0.1-1.deb"
            try Command.check("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, path)
            return path
        }

        @Test("it is installed, run, upgraded, removed and purged, and leaves nothing")
        func life() throws {
            let directory = try TemporaryDirectory()
            let package = try Self.package(in: directory)
            let lint = try Command.run(
                ["lintian", "--allow-root", "--fail-on", "error,warning", package], timeout: 300)
            #expect(lint.status == 0, "\(lint.output)")

            let debian = try DebianRoot()
            let depends = try Command.check("dpkg-deb", "-f", package, "Depends")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            try debian.check(
                "apt-get update -q && apt-get satisfy -y -q --no-install-recommends '\(depends), libbpf1'",
                network: true)
            let before = try debian.files()
            try FileManager.default.copyItem(atPath: package, toPath: "\(debian.path)/var/cache/new.deb")
            try FileManager.default.copyItem(
                atPath: try Self.older(than: package, in: directory), toPath: "\(debian.path)/var/cache/old.deb")

            try debian.check("dpkg -i /var/cache/old.deb")
            // What the administrator has changed stays, what not is brought up to date.
            try debian.write("etc/default/netdrift", "ARGS=\"--log.format=json\"\n")
            try debian.check("dpkg --force-confold -i /var/cache/new.deb")
            #expect(try debian.text("etc/default/netdrift") == "ARGS=\"--log.format=json\"\n")
            #expect(try debian.text("etc/netdrift/netdrift.yml").hasPrefix("# The configuration of netdrift"))
            try tries(debian)
            try checksUnits(debian)
            try checksFiles(debian)
            try boots(debian)

            // Twice: a maintainer script that fails half way is run again.
            try debian.check("dpkg-reconfigure netdrift && dpkg --remove netdrift")
            #expect(debian.has("etc/netdrift/netdrift.yml") && !debian.has("usr/bin/netdrift"))
            try debian.check("dpkg --purge netdrift")
            // systemd itself leaves what it keeps of a machine that has run.
            let left = try debian.files().subtracting(before).filter { $0.contains("netdrift") }
            #expect(left.isEmpty, "\(left.sorted())")
            #expect(before.subtracting(try debian.files()).isEmpty)
        }

        /// The commands, in namespaces where nothing else is.
        private func tries(_ debian: DebianRoot) throws {
            #expect(try debian.check("! command -v swift && netdrift --version").hasPrefix("netdrift "))
            let list = try debian.check("mkdir -p /run/netns && ip netns add packaged && netdrift list")
            #expect(list.contains(" host ") && list.contains(" packaged "), "\(list)")
            let checked = try debian.check(
                """
                ip netns add packaged
                echo 'expectations: [{ rule: r, sysctls: { net.ipv4.tcp_keepalive_time: 611 } }]' > /tmp/rule.yml
                netdrift check --config.file=/etc/netdrift/netdrift.yml
                if netdrift check --config.file=/tmp/rule.yml; then exit 9; else [ $? = 1 ]; fi
                """)
            #expect(checked.contains("net.ipv4.tcp_keepalive_time"), "\(checked)")
            try debian.check("netdrift config check /etc/netdrift/netdrift.yml")
            // The examples in it are right too.
            try debian.check(
                "sed -n 's/^# \\( *[a-z-].*[]:}a-z]\\)$/\\1/p' /etc/netdrift/netdrift.yml | tail -n 5 > /tmp/e.yml; netdrift config check /tmp/e.yml"
            )
        }

        private func checksUnits(_ debian: DebianRoot) throws {
            let units = "/lib/systemd/system/netdrift.service /lib/systemd/system/netdrift.socket"
            let verified = try debian.run("systemd-analyze verify --man=no \(units)")
            #expect(verified.status == 0 && verified.errors.isEmpty, "\(verified.errors)")
            let exposure = try debian.run("systemd-analyze security --offline=yes --threshold=27 netdrift.service")
            #expect(exposure.status == 0, "\(exposure.output.suffix(200))")
            // The drop-ins, as docs/deploy.md installs them, and the exposure it says they have.
            for (name, threshold) in [("full", 30), ("bpf", 19)] {
                let changed = try debian.run(
                    """
                    install -D -m 644 /usr/share/doc/netdrift/examples/\(name).conf /etc/systemd/system/netdrift.service.d/\(name).conf
                    systemd-analyze verify --man=no /lib/systemd/system/netdrift.service &&
                        systemd-analyze security --offline=yes --threshold=\(threshold) netdrift.service
                    status=$?; rm -r /etc/systemd/system/netdrift.service.d; exit $status
                    """)
                #expect(changed.status == 0 && changed.errors.isEmpty, "\(name): \(changed)")
            }
        }

        private func checksFiles(_ debian: DebianRoot) throws {
            for name in [
                "bash-completion/completions/netdrift", "zsh/vendor-completions/_netdrift",
                "fish/vendor_completions.d/netdrift.fish", "netdrift/prometheus/netdrift-alerts.yml",
                "netdrift/grafana/netdrift-fleet.json", "netdrift/consoles/netdrift.html", "doc/netdrift/copyright",
                "doc/netdrift/changelog.Debian.gz", "doc/netdrift/examples/full.conf",
            ] { #expect(debian.has("usr/share/\(name)"), "\(name)") }
            // What has a completion completes.
            let completed = try debian.check(
                """
                bash -c '. /usr/share/bash-completion/completions/netdrift
                COMP_WORDS=(netdrift dia) COMP_CWORD=1 COMP_LINE="netdrift dia" COMP_POINT=12
                $(complete -p netdrift | sed "s/.*-F \\([^ ]*\\).*/\\1/") netdrift dia netdrift; echo "${COMPREPLY[@]}"'
                """)
            #expect(completed.contains("diagnose"), "\(completed)")
            for (page, words) in [
                ("man1/netdrift.1", "CAP_SYS_PTRACE"), ("man1/netdrift-list.1", "lsns"),
                ("man5/netdrift.yml.5", "one_of"),
            ] {
                let path = "\(debian.path)/usr/share/man/\(page).gz"
                let shown = try Command.run(
                    ["man", "--warnings", "-E", "UTF-8", "-l", path], environment: ["MANWIDTH": "80"])
                #expect(shown.status == 0 && shown.errors.isEmpty && shown.output.contains(words), "\(shown.errors)")
            }
        }

        /// The service as the package brings it, with a systemd that runs, all its hardening in force.
        private func boots(_ debian: DebianRoot) throws {
            try debian.check(
                "rm -f /etc/default/netdrift && dpkg --force-confmiss --force-confnew -i /var/cache/new.deb")
            let booted = try BootedDebian(debian)
            #expect(try booted.property("ActiveState") == "active")
            #expect(try booted.property("StatusText") == "1 network namespace, served on 127.0.0.1:10124")
            #expect(try booted.check("systemctl is-enabled netdrift.service") == "enabled")
            let pid = try booted.property("MainPID")
            let status = try booted.check("cat /proc/\(pid)/status")
            #expect(!status.contains("Uid:\t0\t"))
            for line in ["CapPrm:\t0000000000283004", "CapBnd:\t0000000000283004", "NoNewPrivs:\t1", "Seccomp:\t2"] {
                #expect(status.contains(line), "\(line)")
            }
            // A namespace that is mounted after the service started, in its own mount namespace, and one of another user.
            try booted.check(
                """
                ip netns add later && ip netns exec later sysctl -qw net.ipv4.tcp_keepalive_time=611 2>/dev/null ||
                    ip netns exec later sh -c 'echo 611 > /proc/sys/net/ipv4/tcp_keepalive_time'
                systemd-run --quiet -p PrivateNetwork=yes -p User=nobody --unit=somebody sleep 600
                """)
            let exposition = try booted.scrape()
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: "later") == 611)
            #expect(exposition.series("netns_info", ["user": "nobody", "origin": "process"]).count == 1)
            #expect(exposition.value("netdrift_namespaces_left_out", ["reason": "unreachable"]) == 0)
            #expect(exposition.value("netdrift_processes_denied") == 0)
            #expect(exposition.series("netdrift_namespace_errors_total").isEmpty)
            let log = try booted.check("journalctl -b -u netdrift --no-pager -o cat")
            #expect(!log.contains("level=warn") && !log.contains("level=error"), "\(log)")

            try booted.check("systemctl reload netdrift")
            #expect(
                eventually { try? booted.property("StatusText").hasPrefix("3 network namespaces") ? true : nil } == true
            )
            #expect(try booted.property("MainPID") == pid)

            try takesBPFAlone(booted)
            try restartsAStuckAgent(booted)
            try takesTheSocket(booted)
            try booted.check("dpkg --remove netdrift")
            #expect(try booted.run("systemctl is-active netdrift.service netdrift.socket").output.contains("inactive"))
            try booted.check("dpkg --force-confold -i /var/cache/old.deb && systemctl is-active netdrift.service")
            let old = try booted.property("MainPID")
            try booted.check("dpkg --force-confold -i /var/cache/new.deb && systemctl is-active netdrift.service")
            #expect(try booted.property("MainPID") != old)
            // A machine that goes down without it leaves what systemd made for the service.
            try booted.check("systemctl stop netdrift")
            // systemd removes the service's private /var/tmp on a thread of its own, after it has said that it stopped.
            let isTidy = eventually { () -> Bool? in
                let found = try? booted.run("ls -d /var/tmp/systemd-private-*-netdrift.service-*").status
                return found.map { $0 != 0 } == true ? true : nil
            }
            #expect(isTidy == true)
        }

        /// The drop-in bpf.conf: two capabilities, which are given up too once the programs are loaded.
        private func takesBPFAlone(_ booted: BootedDebian) throws {
            let directory = "/etc/systemd/system/netdrift.service.d"
            try booted.check(
                """
                install -D -m 644 /usr/share/doc/netdrift/examples/bpf.conf \(directory)/bpf.conf
                systemctl daemon-reload && systemctl restart netdrift
                """)
            let status = try booted.check("cat /proc/\(try booted.property("MainPID"))/status")
            #expect(!status.contains("Uid:\t0\t") && status.contains("CapPrm:\t0000000000000000"), "\(status)")
            let exposition = try booted.scrape()
            #expect(exposition.value("netdrift_engine_info", ["engine": "bpf"]) == 1)
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: "later") == 611)
            #expect(exposition.series("netns_network_up", ["netns": "later"]).count == 1)
            #expect(exposition.series("netns_network_receive_bytes_total", ["netns": "later"]).isEmpty)
            try booted.check("rm -r \(directory) && systemctl daemon-reload && systemctl restart netdrift")
        }

        /// The watchdog: an agent that is stopped is started anew.
        private func restartsAStuckAgent(_ booted: BootedDebian) throws {
            try booted.check(
                """
                mkdir -p /run/systemd/system/netdrift.service.d
                printf '[Service]\\nWatchdogSec=2\\nRestartSec=0\\n' > /run/systemd/system/netdrift.service.d/test.conf
                systemctl daemon-reload && systemctl restart netdrift
                """)
            let pid = try booted.property("MainPID")
            // Longer than the watchdog waits: signs of life come.
            usleep(3_000_000)
            #expect(try booted.property("MainPID") == pid && booted.property("NRestarts") == "0")
            try booted.check("kill -STOP \(pid)")
            let isRestarted = eventually(within: 30) { () -> Bool? in
                (try? booted.property("NRestarts")) == "1" && (try? booted.property("ActiveState")) == "active"
                    ? true : nil
            }
            #expect(isRestarted == true)
            #expect(try booted.check("journalctl -b -u netdrift --no-pager -o cat").contains("Watchdog timeout"))
        }

        /// netdrift.socket, as /etc/default/netdrift says.
        private func takesTheSocket(_ booted: BootedDebian) throws {
            try booted.check(
                """
                systemctl stop netdrift
                echo 'ARGS="--web.systemd-socket"' > /etc/default/netdrift
                systemctl enable --now --quiet netdrift.socket
                """)
            #expect(try booted.property("ActiveState") == "inactive")
            // The connection that starts it is answered, not refused.
            #expect(try booted.scrape().series("netdrift_build_info").count == 1)
            #expect(try booted.property("ActiveState") == "active")
            try booted.check(
                "systemctl disable --now --quiet netdrift.socket; : > /etc/default/netdrift; systemctl restart netdrift"
            )
        }
    }
}
