/// The family of a table of nf_tables. The raw value is NFPROTO_*.
public enum FilterFamily: UInt8, Sendable, Hashable, CaseIterable {
    /// NFPROTO_INET: IPv4 and IPv6.
    case inet = 1
    /// NFPROTO_IPV4
    case ipv4 = 2
    /// NFPROTO_ARP
    case arp = 3
    /// NFPROTO_NETDEV: at a device, before and after everything else.
    case netdev = 5
    /// NFPROTO_BRIDGE: what a bridge forwards.
    case bridge = 7
    /// NFPROTO_IPV6
    case ipv6 = 10

    /// The word that nft(8) has for it.
    public var name: StaticString {
        switch self {
        case .inet: "inet"
        case .ipv4: "ip"
        case .arp: "arp"
        case .netdev: "netdev"
        case .bridge: "bridge"
        case .ipv6: "ip6"
        }
    }

    /// Whether packets of a family of IP go through its chains.
    func sees(_ family: IPFamily) -> Bool {
        switch self {
        case .inet: true
        case .ipv4: family == .ipv4
        case .ipv6: family == .ipv6
        case .arp, .netdev, .bridge: false
        }
    }
}

/// A place on a packet's way through the network layer. The raw value is NF_INET_*.
public enum FilterHook: UInt32, Sendable, Hashable, CaseIterable {
    /// Whatever comes in, before the route is known.
    case prerouting = 0
    /// What is for this host.
    case input = 1
    /// What goes through.
    case forward = 2
    /// What this host sends.
    case output = 3
    /// Whatever goes out.
    case postrouting = 4
}

/// A chain of nf_tables.
public struct FilterChain: Sendable, Hashable {
    /// What makes a chain one that the kernel enters by itself.
    public struct Base: Sendable, Hashable {
        /// NFTA_HOOK_HOOKNUM: a `FilterHook` in the families inet, ip, ip6 and bridge.
        public var hook: UInt32
        /// NFTA_HOOK_PRIORITY: the lowest first.
        public var priority: Int32
        /// `filter`, `route` or `nat`.
        public var type: String
        /// Whether a packet that no rule decided on is dropped.
        public var drops: Bool

        /// What a base chain is bound to.
        public init(hook: UInt32, priority: Int32, type: String, drops: Bool) {
            self.hook = hook
            self.priority = priority
            self.type = type
            self.drops = drops
        }
    }

    /// Which chain it is.
    public struct ID: Sendable, Hashable {
        /// Its table's family.
        public var family: FilterFamily
        /// Its table's name.
        public var table: String
        /// Its own name.
        public var name: String

        /// A chain's id.
        public init(family: FilterFamily, table: String, name: String) {
            self.family = family
            self.table = table
            self.name = name
        }
    }

    /// Which chain it is.
    public var id: ID
    /// Where the kernel enters it; nil for one that is only jumped to.
    public var base: Base?

    /// A chain.
    public init(id: ID, base: Base? = nil) {
        self.id = id
        self.base = base
    }
}

/// A rule of nf_tables.
public struct FilterRule: Sendable, Hashable {
    /// The chain it stands in.
    public var chain: FilterChain.ID
    /// NFTA_RULE_HANDLE: what `nft delete rule` wants, and `nft -a list ruleset` shows.
    public var handle: UInt64
    /// What it does, in order.
    public var expressions: [FilterExpression]

    /// A rule.
    public init(chain: FilterChain.ID, handle: UInt64, expressions: [FilterExpression]) {
        self.chain = chain
        self.handle = handle
        self.expressions = expressions
    }
}

/// A set or map of nf_tables.
public struct FilterSet: Sendable, Hashable {
    /// Which set it is.
    public struct ID: Sendable, Hashable {
        /// Its table's family.
        public var family: FilterFamily
        /// Its table's name.
        public var table: String
        /// Its own name.
        public var name: String

        /// A set's id.
        public init(family: FilterFamily, table: String, name: String) {
            self.family = family
            self.table = table
            self.name = name
        }
    }

    /// What stands in a set.
    public struct Element: Sendable, Hashable {
        /// The key; empty for the one that catches all that no other does (NFT_SET_ELEM_CATCHALL).
        public var key: [UInt8]
        /// NFTA_SET_ELEM_KEY_END: the last key, of an interval in a concatenation.
        public var lastKey: [UInt8]?
        /// NFT_SET_ELEM_INTERVAL_END: the interval before it ends below this key.
        public var endsInterval = false
        /// NFT_SET_ELEM_CATCHALL
        public var catchesAll = false
        /// What a map has for the key.
        public var data: FilterData?
        /// Whether it holds an expression that may refuse, such as a limit.
        public var isConditional = false

        /// An element.
        public init(key: [UInt8], lastKey: [UInt8]? = nil, endsInterval: Bool = false, data: FilterData? = nil) {
            self.key = key
            self.lastKey = lastKey
            self.endsInterval = endsInterval
            self.data = data
        }
    }

    /// Which set it is.
    public var id: ID
    /// NFT_SET_ANONYMOUS: it belongs to one rule.
    public var isAnonymous: Bool
    /// NFT_SET_INTERVAL
    public var hasIntervals: Bool
    /// NFT_SET_MAP or NFT_SET_OBJECT
    public var isMap: Bool
    /// NFTA_SET_KEY_LEN, bytes.
    public var keyLength: Int
    /// NFTA_SET_FIELD_LEN of each field of a concatenation, bytes.
    public var fields: [Int]
    /// What is in it; nil when it was not read.
    public var elements: [Element]?

    /// A set.
    public init(
        id: ID, isAnonymous: Bool = false, hasIntervals: Bool = false, isMap: Bool = false, keyLength: Int,
        fields: [Int] = [], elements: [Element]? = nil
    ) {
        self.id = id
        self.isAnonymous = isAnonymous
        self.hasIntervals = hasIntervals
        self.isMap = isMap
        self.keyLength = keyLength
        self.fields = fields
        self.elements = elements
    }
}

/// The chains, rules and sets of a namespace. Source: nft(8), net/netfilter/nf_tables_api.c.
public struct FilterTable: Sendable, Hashable {
    /// A table: its family and name.
    public struct ID: Sendable, Hashable {
        /// Its family.
        public var family: FilterFamily
        /// Its name.
        public var name: String

        /// A table's id.
        public init(family: FilterFamily, name: String) {
            self.family = family
            self.name = name
        }
    }

    /// The tables whose chains are switched off (NFT_TABLE_F_DORMANT).
    public var dormantTables: Set<ID> = []
    /// The chains in the kernel's order.
    public var chains: [FilterChain] = []
    /// The rules of each chain, in order.
    public var rules: [FilterChain.ID: [FilterRule]] = [:]
    /// The sets by name.
    public var sets: [FilterSet.ID: FilterSet] = [:]
    /// Whether there are tables of iptables-legacy, ip6tables-legacy or both (/proc/net/ip_tables_names), which are not
    /// read: a packet that nf_tables accepts may be dropped there. nil when that is not known.
    public var hasLegacyTables: Bool?

    /// No table.
    public init() {}

    /// The base chains that packets of a family go through at a hook, in the kernel's order.
    public func chains(at hook: FilterHook, of family: IPFamily) -> [FilterChain] {
        baseChains { $0.id.family.sees(family) && $0.base?.hook == hook.rawValue }
    }

    /// The base chains of the families bridge and netdev, which `verdict` does not look at: they may drop a packet before
    /// it comes to a hook of IP, or after.
    public var chainsOfLinks: [FilterChain] { baseChains { $0.id.family == .bridge || $0.id.family == .netdev } }

    private func baseChains(_ isWanted: (FilterChain) -> Bool) -> [FilterChain] {
        let wanted = chains.enumerated().filter { _, chain in
            chain.base != nil && isWanted(chain)
                && !dormantTables.contains(ID(family: chain.id.family, name: chain.id.table))
        }
        // Those of one priority as they were made, which is the order of a dump within a table.
        return wanted.sorted { a, b in
            (a.element.base?.priority ?? 0, a.offset) < (b.element.base?.priority ?? 0, b.offset)
        }.map(\.element)
    }

    /// The sets that a rule looks something up in, in the order of the rules' chains.
    package var setsLookedUp: [FilterSet.ID] {
        var found: [FilterSet.ID] = []
        var seen: Set<FilterSet.ID> = []
        for chain in chains {
            for expression in rules[chain.id, default: []].flatMap(\.expressions) {
                let name: String
                switch expression {
                case .lookup(let set, _, _): name = set
                case .map(let set, _, _): name = set
                default: continue
                }
                let id = FilterSet.ID(family: chain.id.family, table: chain.id.table, name: name)
                if sets[id] != nil, seen.insert(id).inserted { found.append(id) }
            }
        }
        return found
    }
}
