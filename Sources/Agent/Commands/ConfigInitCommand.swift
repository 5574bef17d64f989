internal import ArgumentParser
internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// `netdrift config init`: a configuration from what the host has now.
struct ConfigInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a configuration file from what the host has now.",
        discussion: """
            It expects of the host what the host has: the sysctls of the built-in list, and all that are not as a new \
            network namespace has them on this kernel. It is there to be edited. Exit status 0, or 1 when it could not \
            be written.
            """)

    @Option(help: ArgumentHelp("Where to write it, instead of standard output.", valueName: "file"))
    var output: String?
    @Flag(help: "Write over a file that is there.") var force = false
    @OptionGroup(title: "Paths") var paths: PathOptions

    func validate() throws {
        if force, output == nil { throw ValidationError("--force is for --output FILE") }
    }

    func run() throws {
        let finder = NamespaceFinder(paths)
        let host: SysctlSurvey
        do { host = try finder.host() } catch { throw Failure("\(error)") }
        var fresh: SysctlSurvey?
        do { fresh = try finder.fresh() } catch {
            Output.write("netdrift: without what a new namespace has: \(error)\n", to: 2)
        }
        let text = ConfigurationWriter.text(host: host, fresh: fresh, kernel: Self.kernel())
        guard let output else { return try Output.print(text) }
        try write(text, to: output)
    }

    private func write(_ text: String, to path: String) throws {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL)
        let file = unsafe open(path, flags, 0o644)
        guard file >= 0 else {
            let error = Errno(rawValue: errno)
            if error == Errno(rawValue: EEXIST) { throw Failure("\(path) is there already: --force writes over it") }
            throw Failure("cannot write \(path): \(error)")
        }
        let error = Output.write(text, to: file)
        let closed = close(file)
        if let error { throw Failure("cannot write \(path): \(Errno(rawValue: error))") }
        if closed != 0 { throw Failure("cannot write \(path): \(Errno(rawValue: errno))") }
    }

    /// The kernel's release. Source: uname(2).
    private static func kernel() -> String {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return "of unknown release" }
        return unsafe withUnsafeBytes(of: &name.release) { bytes in
            PrintableText.string(unsafe Array(bytes.prefix { $0 != 0 }))
        }
    }
}
