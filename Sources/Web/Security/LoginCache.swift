import CGnuTLS

/// Which credentials were right before, so that their hash need not be computed at each request.
///
/// What is kept is a keyed hash of user, password and the password's hash in the file: no password stays in memory, and
/// one that was changed in the file is not found any more.
struct LoginCache {
    private let secret: [UInt8]
    private let limit: Int
    private var known: [[UInt8]] = []

    init(limit: Int = 64) {
        var secret = [UInt8](repeating: 0, count: 32)
        // A process without random numbers remembers nobody.
        let made = unsafe gnutls_rnd(GNUTLS_RND_KEY, &secret, secret.count) == GNUTLS_E_SUCCESS
        self.secret = secret
        self.limit = made ? limit : 0
    }

    func contains(_ credentials: BasicCredentials, _ hash: PasswordHash) -> Bool {
        guard !known.isEmpty, let digest = digest(credentials, hash) else { return false }
        return known.contains(digest)
    }

    mutating func insert(_ credentials: BasicCredentials, _ hash: PasswordHash) {
        guard limit > 0, let digest = digest(credentials, hash), !known.contains(digest) else { return }
        if known.count >= limit { known.removeFirst() }
        known.append(digest)
    }

    private func digest(_ credentials: BasicCredentials, _ hash: PasswordHash) -> [UInt8]? {
        let text =
            Array(hash.text.utf8) + Array("\(credentials.user.utf8.count):\(credentials.user)".utf8)
            + credentials.password
        var digest = [UInt8](repeating: 0, count: 32)
        let result = unsafe gnutls_hmac_fast(
            GNUTLS_MAC_SHA256, secret, secret.count, text, text.count, &digest)
        return result == GNUTLS_E_SUCCESS ? digest : nil
    }
}
