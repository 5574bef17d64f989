internal import Glibc
internal import NetnsCore

/// A component of a pattern of paths.
enum PathComponent: Equatable {
    case name(String)
    case glob(Glob)
    /// `~`
    case home
    /// The id of the user whose containers are looked for.
    case user

    static let everything = PathComponent.glob(Glob("*"))

    /// The components of a path.
    static func split(_ path: String) -> [PathComponent] {
        path.split(separator: "/").map {
            $0 == "~" ? .home : $0.contains("*") ? .glob(Glob(String($0))) : .name(String($0))
        }
    }

    /// As many as are looked into: of root's, and of an ordinary user's.
    private static let limits = (root: 1000, user: 16)
    /// How many names of an ordinary user's directory are held against a pattern.
    private static let namesOfUser = 1000

    /// The entries of a directory that it stands for, and whether they are all.
    func names(
        in directory: borrowing GuardedDirectory, _ reader: ContainerFileReader
    ) throws(Errno) -> (names: [String], isWhole: Bool) {
        switch self {
        case .name(let name): return ([name], true)
        case .glob(let glob):
            let isTrusted = directory.owner == 0
            let names = try reader.names(in: directory, limit: isTrusted ? .max : Self.namesOfUser + 1)
            let limit = isTrusted ? Self.limits.root : Self.limits.user
            let matching = names.filter(glob.matches)
            return (
                Array(matching.prefix(limit)), matching.count <= limit && (isTrusted || names.count <= Self.namesOfUser)
            )
        case .home, .user: return ([], true)
        }
    }
}
