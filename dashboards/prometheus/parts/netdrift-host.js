const instance = parameters.get("instance") || "";
const here = `instance=${quoted(instance)}`;

begin([{ text: "netdrift", href: toFleet() }, { text: instance || "no host was given" }], () => {
  const at = `{${here}}`;
  tile("Namespaces", `sum(netns_namespaces${at})`);
  tile("With drift", `sum(instance:netns_sysctl_drift:count_netns${at})`, { level: trouble });
  tile("With failing probes", `sum(instance:netns_probe_failing:count_netns${at})`, { level: trouble });
  tile("Without carrier", `sum(instance:netns_network_carrier:count_down${at})`, { level: trouble });
  tile("Not evaluated", `sum(netns_sysctl_expectations{state=~"absent|unreadable",${here}})`, { level: worry });
  tile("Fullest conntrack table", `max(instance_netns:netns_conntrack_entries:ratio${at})`, { unit: units.ratio });
  alertTable(`,${here}`);
  driftTable(at);
  table("Namespaces", "", {
    info: `netns_info${at}`,
    drift: `instance_netns:netns_sysctl_drift:sum${at}`,
    failing: `instance_netns:netns_probe_failing:sum${at}`,
    processes: `netns_processes${at}`,
    received: `instance_netns:netns_network_receive_bytes:rate5m${at}`,
    sent: `instance_netns:netns_network_transmit_bytes:rate5m${at}`,
  }, ["netns"], [
    ["Namespace", (row) => toNamespace(instance, row.labels.netns)],
    ["Origin", (row) => row.labels.origin],
    ["Pod", (row) => row.labels.pod && `${row.labels.pod_namespace}/${row.labels.pod}`],
    ["Container", (row) => row.labels.container],
    ["Command", (row) => row.labels.command],
    ["Processes", (row) => number(row.processes)],
    ["Drift", (row) => number(row.drift, units.count, trouble)],
    ["Failing probes", (row) => number(row.failing, units.count, trouble)],
    ["In", (row) => number(row.received, units.bytesPerSecond)],
    ["Out", (row) => number(row.sent, units.bytesPerSecond)],
  ], { sort: 6 });
  const ofNamespace = (l) => l.netns;
  chart("Traffic in", "The ten namespaces with the most.",
    [[`topk(10, instance_netns:netns_network_receive_bytes:rate5m${at})`, ofNamespace]], units.bytesPerSecond);
  chart("Traffic out", "The ten namespaces with the most.",
    [[`topk(10, instance_netns:netns_network_transmit_bytes:rate5m${at})`, ofNamespace]], units.bytesPerSecond);
  chart("Drops", "The ten namespaces with the most.",
    [[`topk(10, instance_netns:netns_network_dropped:rate5m${at})`, ofNamespace]], units.perSecond);
  chart("Segments sent again", "The ten namespaces with the greatest share.",
    [[`topk(10, instance_netns:netns_tcp_retransmitted_segments:ratio_rate5m${at})`, ofNamespace]], units.ratio);
  chart("Probes that fail", "In how many namespaces.",
    [[`sum by (probe) (instance_probe:netns_probe_failing:sum${at})`, (l) => l.probe]]);
  chart("Broken steps of the path to the gateway", "In how many namespaces.",
    [[`sum by (step) (instance_step:netns_path_broken:sum${at}) > 0`, (l) => l.step]]);
  chart("Round trips", "Half of them, and all but one in a hundred, stay under this.", [0.5, 0.99].map((q) => [
    `histogram_quantile(${q}, sum by (probe, le) (instance_probe_le:netns_probe_rtt_seconds_bucket:rate5m${at}))`,
    (l) => `${l.probe} ${q === 0.5 ? "half" : "99 of 100"}`]), units.seconds);
  chart("Expectations that are not met", "By severity.",
    [[`sum by (severity) (instance_severity:netns_sysctl_drift:sum${at})`, (l) => l.severity]]);
  chart("The agent", "A scrape, and its collections.", [
    [`scrape_duration_seconds${at}`, () => "scrape"],
    [`topk(5, netdrift_scrape_collector_duration_seconds${at})`, (l) => l.collector]], units.seconds);
  chart("Conntrack entries", "The ten namespaces with the most.",
    [[`topk(10, netns_conntrack_entries${at})`, ofNamespace]]);
});
