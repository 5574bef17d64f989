import CCrypt
import CGnuTLS
import Glibc

/// A password's hash by bcrypt: `$2y$10$` and 53 characters, as htpasswd(1) -B writes it.
public struct PasswordHash: Sendable, Hashable {
    /// As it stands in the file.
    public let text: String
    /// 2 to the power of this is how often the work is done.
    public let cost: Int

    /// Nil for what is no hash by bcrypt (crypt(5)).
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8
        guard bytes.count == 60, ["$2a$", "$2b$", "$2y$"].contains(where: text.hasPrefix),
            bytes[6] == UInt8(ascii: "$"),
            bytes[4...5].allSatisfy({ $0 &- 0x30 < 10 }), bytes[7...].allSatisfy(alphabet.contains)
        else { return nil }
        let cost = Int(bytes[4] - 0x30) * 10 + Int(bytes[5] - 0x30)
        guard (4...31).contains(cost) else { return nil }
        self.text = text
        self.cost = cost
    }

    /// One that no password has, of the same cost as the dearest of those given: what unknown users are checked against.
    static func ofNobody(like hashes: some Collection<PasswordHash>) -> PasswordHash {
        let cost = hashes.map(\.cost).max() ?? 10
        let salt = "CCCCCCCCCCCCCCCCCCCCC."
        // The last 31 characters are of no password that anybody knows: they would have to be found by trying.
        let text = "$2b$\(cost < 10 ? "0" : "")\(cost)$" + salt + "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
        return PasswordHash(text) ?? PasswordHash(unchecked: text, cost: cost)
    }

    private init(unchecked text: String, cost: Int) {
        self.text = text
        self.cost = cost
    }

    /// Whether it is the hash of this password. Takes 55 ms at cost 10 and twice as much for each one more.
    func matches(_ password: [UInt8]) -> Bool {
        // A zero would end the text that crypt(3) reads: "secret\0more" is not "secret".
        guard !password.contains(0), password.count < 512 else {
            _ = matches([])
            return false
        }
        var data: UnsafeMutableRawPointer?
        var size: Int32 = 0
        defer {
            // It holds what was derived from the password.
            if let data = unsafe data {
                unsafe explicit_bzero(data, Int(size))
                unsafe free(data)
            }
        }
        let phrase = password.map { CChar(bitPattern: $0) } + [0]
        guard let made = unsafe crypt_ra(phrase, text, &data, &size), unsafe strlen(made) == text.utf8.count else {
            return false
        }
        return unsafe gnutls_memcmp(made, Array(text.utf8), text.utf8.count) == 0
    }
}
