import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite("unix sockets and sockets of systemd") struct ListenerTests {
        private static func ask(_ socket: String) throws -> String {
            let result = try Command.run([
                "curl", "-sS", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", socket,
                "http://localhost/metrics",
            ])
            return result.status == 0 ? result.output : result.errors
        }

        @Test(
            "a unix socket is served, for owner and group alone, and goes with the agent", .needs(.root, .tool("curl")))
        func unixSocket() throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/netdrift.sock"
            let agent = try AgentProcess(
                ["--discovery.include=host"], listen: ["unix:\(path)"], asksWhetherReady: false)
            #expect(try eventually { try Self.ask(path) == "200" ? true : nil } == true)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o660)
            // Another agent does not take it away.
            let second = try AgentProcess.run(["--web.listen-address=unix:\(path)"])
            #expect(second.status == 1 && second.errors.contains(path), "\(second.errors)")
            #expect(second.errors.contains("another process listens there"), "\(second.errors)")
            #expect(try Self.ask(path) == "200")
            #expect(agent.stop() == 0)
            #expect(!FileManager.default.fileExists(atPath: path))
        }

        @Test("what a killed agent has left is replaced; what is no socket is not", .needs(.root, .tool("curl")))
        func leftBehind() throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/netdrift.sock"
            let flags = ["--discovery.include=host"]
            let first = try AgentProcess(flags, listen: ["unix:\(path)"], asksWhetherReady: false)
            first.kill()
            #expect(FileManager.default.fileExists(atPath: path))
            let second = try AgentProcess(flags, listen: ["unix:\(path)"], asksWhetherReady: false)
            #expect(try eventually { try Self.ask(path) == "200" ? true : nil } == true)
            #expect(second.stop() == 0)
            let file = try directory.write("file", "precious")
            let refused = try AgentProcess.run(["--web.listen-address=unix:\(file)"])
            #expect(refused.status == 1 && refused.errors.contains(file), "\(refused.errors)")
            #expect(refused.errors.contains("something that is no socket has the path"), "\(refused.errors)")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
            let nowhere = try AgentProcess.run(["--web.listen-address=unix:\(directory.path)/none/x"])
            #expect(nowhere.status == 1 && nowhere.errors.contains("no such directory"), "\(nowhere.errors)")
        }

        @Test("--web.systemd-socket serves on what is handed over", .needs(.root, .tool("python3"), .tool("curl")))
        func activation() throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/activated.sock"
            // As systemd does: the sockets from 3 on, the process id in the environment.
            let script = try directory.write(
                "activate.py",
                """
                import os, socket, sys
                tcp = socket.create_server(("127.0.0.1", 0), backlog=16)
                unix = socket.socket(socket.AF_UNIX); unix.bind(sys.argv[1]); unix.listen(16)
                fds = [os.dup2(os.dup(s.fileno()), n, inheritable=True) for n, s in ((13, tcp), (14, unix))]
                os.dup2(13, 3, inheritable=True); os.dup2(14, 4, inheritable=True)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="a:b")
                os.execv(sys.argv[2], sys.argv[2:])
                """)
            let agent = try AgentProcess(
                ["--discovery.include=host", "--web.systemd-socket"], listen: [],
                prefix: ["python3", script, path], asksWhetherReady: false)
            #expect(agent.addresses.count == 2 && agent.addresses.contains("unix:\(path)"), "\(agent.addresses)")
            #expect(try agent.get("/-/healthy").status == 200)
            #expect(try Self.ask(path) == "200")
            #expect(agent.stop() == 0)
            // It is systemd's file.
            #expect(FileManager.default.fileExists(atPath: path))
        }

        @Test(
            "what systemd did not hand over is told",
            arguments: [
                ["LISTEN_PID=1", "LISTEN_FDS=1"], ["LISTEN_FDS=1"], ["LISTEN_PID=$$", "LISTEN_FDS=no"],
                ["LISTEN_PID=$$", "LISTEN_FDS=1"], ["LISTEN_PID=$$", "LISTEN_FDS=-1"],
            ])
        func badActivation(_ environment: [String]) throws {
            let result = try Command.run([
                "sh", "-c",
                "\(environment.joined(separator: " ")) exec \(AgentProcess.binary) --web.systemd-socket 3</dev/null",
            ])
            #expect(result.status == 1 && result.errors.contains("no socket was handed over"), "\(result.errors)")
        }
    }
}
