/// One step of a rule, as the kernel runs it. Registers are numbers of bytes into the kernel's own.
///
/// Source: net/netfilter/nft_*.c.
public enum FilterExpression: Sendable, Hashable {
    /// What is compared how; the raw value is NFT_CMP_*.
    public enum Comparison: UInt32, Sendable, Hashable {
        /// NFT_CMP_EQ
        case equal = 0
        /// NFT_CMP_NEQ
        case notEqual = 1
        /// NFT_CMP_LT
        case less = 2
        /// NFT_CMP_LTE
        case lessOrEqual = 3
        /// NFT_CMP_GT
        case greater = 4
        /// NFT_CMP_GTE
        case greaterOrEqual = 5
    }

    /// Where a packet's bytes are counted from; the raw value is NFT_PAYLOAD_*_HEADER.
    public enum Header: UInt32, Sendable, Hashable {
        /// The Ethernet header.
        case link = 0
        /// The IP header.
        case network = 1
        /// The header behind it.
        case transport = 2
    }

    /// `payload`: bytes of the packet into a register.
    case payload(register: Int, header: Header, offset: Int, length: Int)
    /// `meta`: what the kernel knows of the packet, NFT_META_*, into a register.
    case meta(register: Int, key: UInt32)
    /// `ct`: what connection tracking knows, NFT_CT_*, into a register.
    case connection(register: Int, key: UInt32)
    /// `immediate`: bytes into a register.
    case load(register: Int, bytes: [UInt8])
    /// `cmp`: the rule ends here unless it holds.
    case compare(register: Int, Comparison, bytes: [UInt8])
    /// `range`: the rule ends here unless a register is within both bounds, or outside of them.
    case range(register: Int, isInverted: Bool, from: [UInt8], through: [UInt8])
    /// `bitwise`: `(value & mask) ^ xor`.
    case bitwise(from: Int, to: Int, mask: [UInt8], xor: [UInt8])
    /// `byteorder`: each group of `size` bytes turned round.
    case byteOrder(from: Int, to: Int, length: Int, size: Int)
    /// `lookup` in a set: the rule ends here unless the key is there, or is not; of a map into a register.
    case lookup(set: String, register: Int, isInverted: Bool)
    /// `lookup` in a map: the value into a register; of a map of verdicts (no register) it is followed.
    case map(set: String, register: Int, into: Int?)
    /// `immediate` into the verdict register.
    case verdict(FilterJump)
    /// `reject`, and the target REJECT: the packet is dropped, and its sender told.
    case reject
    /// `nat`, `masq`, `redir`: the packet is changed, and the chain accepts it.
    case translate(String)
    /// What changes nothing of the verdict: counters, logs, marks.
    case passOver(String)
    /// What may end the rule here, for reasons the packet alone does not tell: a limit, a quota.
    case mayMatch(String)
    /// As `mayMatch`, and it loads a value nobody here can know.
    case opaque(String)
    /// The match of an extension of iptables.
    case match(name: String, revision: UInt32, info: [UInt8])
    /// What may do anything, the packet's end included: a queue to a program, something newer than this.
    case unknown(String)
}

/// What a rule decides. The codes are NF_* and NFT_*.
public enum FilterJump: Sendable, Hashable {
    /// NF_ACCEPT: this base chain is through with it.
    case accept
    /// NF_DROP
    case drop
    /// NFT_CONTINUE: the next rule.
    case `continue`
    /// NFT_RETURN: back to behind the jump, or to the policy.
    case `return`
    /// NFT_JUMP
    case jump(String)
    /// NFT_GOTO
    case goto(String)
    /// Any other, such as NF_QUEUE.
    case other(Int32)
}

/// What a map has for a key.
public enum FilterData: Sendable, Hashable {
    /// NFTA_DATA_VALUE
    case value([UInt8])
    /// NFTA_DATA_VERDICT
    case verdict(FilterJump)
}
