import CGnuTLS
import Glibc

/// Certificate, key and the authorities of clients, as GnuTLS wants them: made once for each state of the files, and
/// given to every connection that begins in that time. Connections keep the one that they began with; whether a client is
/// still welcome is asked of the newest at each request.
///
/// The proof behind `@unchecked`: nothing is written after `init`, and GnuTLS reads its credentials, priorities and trust
/// lists from any thread (gnutls manual, "Thread safety").
@safe public final class TLSContext: @unchecked Sendable {
    /// What is to be said to a client by its certificate.
    enum Verdict: Equatable {
        case welcome
        /// There is none, and one is needed.
        case missing
        /// With the reason.
        case refused(String)
    }

    /// What it was made of.
    public let settings: TLSSettings
    /// When the certificate begins and ceases to hold, seconds since the epoch.
    public let validity: ClosedRange<Int>

    private let credentials: gnutls_certificate_credentials_t
    private let priority: gnutls_priority_t
    private let trust: gnutls_x509_trust_list_t

    /// Reads and checks it all. Throws what is of no use.
    public init(_ settings: TLSSettings) throws(TLSError) {
        self.settings = settings
        validity = try Self.validity(of: settings.certificate)

        var priority: gnutls_priority_t?
        let parsed = unsafe gnutls_priority_init(&priority, settings.priority, nil)
        guard parsed == GNUTLS_E_SUCCESS, let priority = unsafe priority else {
            throw .refused(.priority, Self.text(parsed))
        }
        var trust: gnutls_x509_trust_list_t?
        unsafe gnutls_x509_trust_list_init(&trust, 0)
        var credentials: gnutls_certificate_credentials_t?
        let allocated = unsafe gnutls_certificate_allocate_credentials(&credentials)
        guard let trust = unsafe trust, let credentials = unsafe credentials else {
            unsafe gnutls_priority_deinit(priority)
            throw .unavailable(Self.text(allocated))
        }
        unsafe self.priority = priority
        unsafe self.trust = trust
        unsafe self.credentials = credentials
        // From here on deinit gives all of it back.
        try Self.checkKey(settings.key)
        let loaded = unsafe Self.withDatum(settings.certificate) { certificate in
            unsafe Self.withDatum(settings.key) { key in
                unsafe gnutls_certificate_set_x509_key_mem(credentials, certificate, key, GNUTLS_X509_FMT_PEM)
            }
        }
        guard loaded >= 0 else {
            if loaded == GNUTLS_E_CERTIFICATE_KEY_MISMATCH { throw .keyOfAnother }
            throw .refused(.certificate, Self.text(loaded))
        }
        unsafe gnutls_certificate_set_verify_function(credentials, verifyClient)
        if settings.clientAuthentication.isVerified {
            let added = unsafe Self.withDatum(settings.clientAuthorities) {
                unsafe gnutls_x509_trust_list_add_trust_mem(trust, $0, nil, GNUTLS_X509_FMT_PEM, 0, 0)
            }
            guard added > 0 else {
                throw .refused(.clientAuthorities, added < 0 ? Self.text(added) : "it is empty")
            }
        }
    }

    deinit {
        unsafe gnutls_certificate_free_credentials(credentials)
        unsafe gnutls_x509_trust_list_deinit(trust, 1)
        unsafe gnutls_priority_deinit(priority)
    }

    /// Has a session that has not begun its handshake work by this; the session's owner keeps it until the session ends.
    func govern(_ session: gnutls_session_t) {
        unsafe gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials))
        unsafe gnutls_priority_set(session, priority)
        // The pointer of the session's cache, which there is none of: the session's own pointer is libmicrohttpd's.
        unsafe gnutls_db_set_ptr(session, Unmanaged.passUnretained(self).toOpaque())
        let authentication = settings.clientAuthentication
        guard authentication != .none else { return }
        // Not GNUTLS_CERT_REQUIRE: libmicrohttpd would close the connection of a client without one, and not say why.
        unsafe gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST)
        if authentication.isRequired {
            unsafe gnutls_handshake_set_hook_function(
                session, UInt32(GNUTLS_HANDSHAKE_CERTIFICATE_PKT.rawValue), Int32(GNUTLS_HOOK_POST), requireCertificate)
        }
    }

    /// What this says of the client at the other end of a session.
    func judge(_ session: gnutls_session_t) -> Verdict {
        guard settings.clientAuthentication != .none else { return .welcome }
        var count: UInt32 = 0
        guard let chain = unsafe gnutls_certificate_get_peers(session, &count), count > 0 else {
            return settings.clientAuthentication.isRequired ? .missing : .welcome
        }
        guard settings.clientAuthentication.isVerified else { return .welcome }
        // Nobody's chain is longer; a client decides how long its is.
        guard count <= 10 else { return .refused("its certificate comes with too many others") }
        var certificates: [gnutls_x509_crt_t?] = unsafe []
        defer { unsafe certificates.forEach { unsafe gnutls_x509_crt_deinit($0) } }
        for index in 0..<Int(count) {
            var certificate: gnutls_x509_crt_t?
            guard unsafe gnutls_x509_crt_init(&certificate) == GNUTLS_E_SUCCESS else { return .refused("no memory") }
            unsafe certificates.append(certificate)
            guard unsafe gnutls_x509_crt_import(certificate, chain + index, GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS
            else { return .refused("its certificate cannot be read") }
        }
        if let reason = unsafe distrust(&certificates) { return .refused(reason) }
        guard !settings.allowedNames.isEmpty else { return .welcome }
        let names = unsafe certificates[0].map { unsafe Self.alternativeNames($0) } ?? []
        return names.contains(where: settings.allowedNames.contains)
            ? .welcome : .refused("none of its certificate's names is allowed")
    }

    /// Why a chain is not trusted to be a client's.
    private func distrust(_ certificates: inout [gnutls_x509_crt_t?]) -> String? {
        var status: UInt32 = 0
        var purpose = Array("1.3.6.1.5.5.7.3.2".utf8CString)  // id-kp-clientAuth, RFC 5280, section 4.2.1.12.
        let result = unsafe purpose.withUnsafeMutableBytes { purpose in
            var data = unsafe gnutls_typed_vdata_st(
                type: GNUTLS_DT_KEY_PURPOSE_OID, data: purpose.baseAddress?.assumingMemoryBound(to: UInt8.self), size: 0
            )
            return unsafe certificates.withUnsafeMutableBufferPointer { chain in
                unsafe gnutls_x509_trust_list_verify_crt2(
                    trust, chain.baseAddress, UInt32(chain.count), &data, 1, 0, &status, nil)
            }
        }
        guard result == GNUTLS_E_SUCCESS else { return "its certificate cannot be verified: \(Self.text(result))" }
        guard status != 0 else { return nil }
        var words = unsafe gnutls_datum_t()
        guard unsafe gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &words, 0) == 0,
            let data = unsafe words.data
        else { return "its certificate is not trusted" }
        defer { unsafe free(words.data) }
        return unsafe String(
            decoding: UnsafeBufferPointer(start: data, count: Int(words.size)), as: UTF8.self
        ).split(separator: " ").joined(separator: " ")
    }

    /// The subject alternative names: DNS, email and URI as they stand there, IP in the usual form.
    private static func alternativeNames(_ certificate: gnutls_x509_crt_t) -> [String] {
        var names: [String] = []
        for index in 0..<1024 {
            var name = [UInt8](repeating: 0, count: 2048)
            var size = name.count
            let type = unsafe gnutls_x509_crt_get_subject_alt_name(certificate, UInt32(index), &name, &size, nil)
            if type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE { break }
            guard type >= 0, size <= name.count else { continue }
            switch UInt32(type) {
            case GNUTLS_SAN_DNSNAME.rawValue, GNUTLS_SAN_RFC822NAME.rawValue, GNUTLS_SAN_URI.rawValue:
                names.append(String(decoding: name[..<size], as: UTF8.self))
            case GNUTLS_SAN_IPADDRESS.rawValue where size == 4 || size == 16:
                var text = [CChar](repeating: 0, count: 64)
                if unsafe inet_ntop(size == 4 ? AF_INET : AF_INET6, name, &text, socklen_t(text.count)) != nil {
                    names.append(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
                }
            default: break
            }
        }
        return names
    }

    private static func validity(of certificate: [UInt8]) throws(TLSError) -> ClosedRange<Int> {
        var parsed: gnutls_x509_crt_t?
        unsafe gnutls_x509_crt_init(&parsed)
        defer { unsafe gnutls_x509_crt_deinit(parsed) }
        let result = unsafe withDatum(certificate) { unsafe gnutls_x509_crt_import(parsed, $0, GNUTLS_X509_FMT_PEM) }
        guard result == GNUTLS_E_SUCCESS else { throw .refused(.certificate, text(result)) }
        let start = unsafe gnutls_x509_crt_get_activation_time(parsed)
        let end = unsafe gnutls_x509_crt_get_expiration_time(parsed)
        // One that ends before it begins has ended.
        return min(start, end)...end
    }

    private static func checkKey(_ key: [UInt8]) throws(TLSError) {
        var parsed: gnutls_x509_privkey_t?
        unsafe gnutls_x509_privkey_init(&parsed)
        defer { unsafe gnutls_x509_privkey_deinit(parsed) }
        let result = unsafe withDatum(key) {
            unsafe gnutls_x509_privkey_import2(parsed, $0, GNUTLS_X509_FMT_PEM, nil, 0)
        }
        guard result == GNUTLS_E_SUCCESS else { throw .refused(.key, text(result)) }
    }

    private static func withDatum<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result
    {
        var bytes = bytes
        return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var datum = unsafe gnutls_datum_t(data: buffer.baseAddress, size: UInt32(buffer.count))
            return unsafe body(&datum)
        }
    }

    private static func text(_ code: Int32) -> String {
        unsafe gnutls_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}

/// `gnutls_certificate_verify_function`: the client's certificate came. Not 0 ends the handshake.
private func verifyClient(_ session: gnutls_session_t?) -> Int32 {
    guard let session = unsafe session, let pointer = unsafe gnutls_db_get_ptr(session) else {
        return GNUTLS_E_CERTIFICATE_ERROR
    }
    // The connection keeps it: see `connectionChanged`.
    let context = unsafe Unmanaged<TLSContext>.fromOpaque(pointer).takeUnretainedValue()
    if unsafe context.judge(session) == .welcome { return 0 }
    // libmicrohttpd would close the connection without a word.
    unsafe gnutls_alert_send(session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE)
    return GNUTLS_E_CERTIFICATE_ERROR
}

/// `gnutls_handshake_hook_func`: a Certificate message was sent or received. The client's may be empty.
private func requireCertificate(
    _ session: gnutls_session_t?, _ type: UInt32, _ when: UInt32, _ incoming: UInt32,
    _ message: UnsafePointer<gnutls_datum_t>?
) -> Int32 {
    guard incoming != 0, let session = unsafe session else { return 0 }
    // RFC 8446, section 4.3.2.4: an empty list has a length of zero, after the context in TLS 1.3. The peers are not known
    // yet at this point of the handshake.
    let bytes = unsafe message.map { unsafe UnsafeBufferPointer(start: $0.pointee.data, count: Int($0.pointee.size)) }
    guard let bytes = unsafe bytes, unsafe bytes.allSatisfy({ $0 == 0 }) else { return 0 }
    let isOld = unsafe gnutls_protocol_get_version(session) != GNUTLS_TLS1_3
    unsafe gnutls_alert_send(
        session, GNUTLS_AL_FATAL, isOld ? GNUTLS_A_HANDSHAKE_FAILURE : GNUTLS_A_CERTIFICATE_REQUIRED)
    return GNUTLS_E_CERTIFICATE_REQUIRED
}
