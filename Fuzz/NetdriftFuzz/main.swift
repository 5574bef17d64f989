internal import FuzzTargets
internal import Glibc

// netdrift-fuzz --list; netdrift-fuzz TARGET CORPUS [ARGUMENTS OF LIBFUZZER]. scripts/fuzz runs it.
let arguments = CommandLine.arguments
if arguments.dropFirst().first == "--list" {
    for target in FuzzTarget.all { print(target.name) }
    exit(0)
}
guard arguments.count >= 3, let target = FuzzTarget.all.first(where: { $0.name == arguments[1] }) else {
    print("usage: netdrift-fuzz --list | TARGET CORPUS [ARGUMENTS OF LIBFUZZER]")
    exit(2)
}
exit(FuzzRun.start(target, corpus: arguments[2], arguments: Array(arguments.dropFirst(3))))
