internal import Exposition
internal import NetnsCore

/// Packets that IPsec gave up in every namespace, by the kernel's reason.
///
/// Source: net/xfrm/xfrm_proc.c, Documentation/networking/xfrm_proc.rst. A kernel without CONFIG_XFRM_STATISTICS has no
/// such file.
struct XfrmCollector: FileCollector {
    static let summary = "Packets that IPsec gave up, by the kernel's reason (/proc/net/xfrm_stat)."
    static let isOnByDefault = false
    static let source = FileSource(
        "xfrm", files: ["xfrm_stat"],
        into: NamedNumbers(
            received.map { "XfrmIn\($0)" } + sent.map { "XfrmOut\($0)" } + ["XfrmFwdHdrError", "XfrmAcquireError"]))

    let emitters = [
        family("receive", "XfrmIn", received, help: "Packets received that IPsec gave up, by the reason (XfrmIn*)."),
        family("transmit", "XfrmOut", sent, help: "Packets to be sent that IPsec gave up, by the reason (XfrmOut*)."),
        number(
            "netns_xfrm_forward_errors_total", .counter, of: "XfrmFwdHdrError",
            help: "Packets to be forwarded whose headers said nothing for a policy to decide by (XfrmFwdHdrError)."),
        number(
            "netns_xfrm_acquire_errors_total", .counter, of: "XfrmAcquireError",
            help: "Packets for which no key manager could be asked for a state (XfrmAcquireError)."),
    ]

    /// Those of Linux 6.18; what an older kernel does not have, has no sample.
    private static let received = [
        "Error", "BufferError", "HdrError", "NoStates", "StateProtoError", "StateModeError", "StateSeqError",
        "StateExpired", "StateMismatch", "StateInvalid", "TmplMismatch", "NoPols", "PolBlock", "PolError",
        "StateDirError", "IptfsError",
    ]
    private static let sent = [
        "Error", "BundleGenError", "BundleCheckError", "NoStates", "StateProtoError", "StateModeError", "StateSeqError",
        "StateExpired", "PolBlock", "PolDead", "PolError", "StateInvalid", "StateDirError", "NoQueueSpace",
    ]

    private static func family(_ name: String, _ prefix: String, _ reasons: [String], help: String) -> Emitter {
        let fields = reasons.compactMap { reason in
            source.empty.position(of: prefix + reason).map { (position: $0, reason: MIBFamily.snakeCase(reason)) }
        }
        return Emitter("netns_xfrm_\(name)_errors_total", .counter, labels: ["netns", "reason"], help: help) {
            scene, writer in
            let labels = ByteBuffer(capacity: 512)
            forEachNamespace(scene) { reading, label in
                for field in fields {
                    guard let value = reading[field.position] else { continue }
                    labels.removeAll()
                    labels.append(scene.labels, label)
                    labels.addLabel("reason", field.reason)
                    writer.sample(labels, 0..<labels.count, value)
                }
            }
        }
    }
}
