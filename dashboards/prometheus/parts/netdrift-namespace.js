const instance = parameters.get("instance") || "";
const netns = parameters.get("netns") || "";
const here = `instance=${quoted(instance)},netns=${quoted(netns)}`;

begin([{ text: "netdrift", href: toFleet() }, toHost(instance), { text: netns || "no namespace was given" }], () => {
  const at = `{${here}}`, wire = `{device!="lo",${here}}`;
  tile("Drift", `sum(netns_sysctl_drift${at}) or sum(netns_info${at}) * 0`, { level: trouble });
  tile("Failing probes", `sum(netns_probe_success{target!~"gateway|peer|host",${here}} == bool 0)`, { level: trouble });
  tile("Broken steps", `sum(netns_path_ok${at} == bool 0)`, { level: trouble });
  tile("Processes", `sum(netns_processes${at})`);
  tile("Sockets", `sum(netns_sockets_used${at})`);
  tile("Conntrack entries", `sum(netns_conntrack_entries${at})`);
  alertTable(`,${here}`);
  table("What it is", "", { info: `netns_info${at}`, seen: `netns_first_seen_timestamp_seconds${at}` }, ["netns"], [
    ["Namespace", (row) => row.labels.netns],
    ["Origin", (row) => row.labels.origin],
    ["Pod", (row) => row.labels.pod && `${row.labels.pod_namespace}/${row.labels.pod}`],
    ["Container", (row) => row.labels.container],
    ["Runtime", (row) => row.labels.runtime],
    ["User", (row) => row.labels.user],
    ["Command", (row) => row.labels.command],
    ["Inode", (row) => row.labels.inode],
    ["First seen", (row) => moment(row.seen)],
  ]);
  driftTable(at);
  table("Interfaces", "", {
    info: `netns_network_info${at}`,
    carrier: `netns_network_carrier${at}`,
    mtu: `netns_network_mtu_bytes${at}`,
    peer: `netns_network_peer_info${at}`,
    received: `rate(netns_network_receive_bytes_total${at}[5m])`,
    sent: `rate(netns_network_transmit_bytes_total${at}[5m])`,
  }, ["device"], [
    ["Device", (row) => row.labels.device],
    ["Kind", (row) => row.labels.kind],
    ["Set", (row) => row.labels.adminstate],
    ["State", (row) => row.labels.operstate],
    ["Carrier", (row) => (row.carrier === undefined ? undefined
      : { text: row.carrier ? "yes" : "none", mark: row.carrier ? "" : "bad" })],
    ["MTU", (row) => number(row.mtu, String)],
    ["Other end", (row) => row.labels.peer_device],
    ["In", (row) => row.labels.peer_netns && toNamespace(instance, row.labels.peer_netns)],
    ["Bridge", (row) => row.labels.master],
    ["Received", (row) => number(row.received, units.bytesPerSecond)],
    ["Sent", (row) => number(row.sent, units.bytesPerSecond)],
  ], { sort: 0, descending: false });
  const target = (l) => `${l.probe} ${l.target}`;
  lanes("Probes", "Whether each reached its target.", `netns_probe_success${at}`, target);
  lanes("Path to the gateway", "From inside outwards.", `netns_path_ok${at}`, (l) => l.step, (l) => steps.indexOf(l.step));
  chart("Round trips", "Nine of ten stay under this.", [[
    `histogram_quantile(0.9, sum by (probe, target, le) (rate(netns_probe_rtt_seconds_bucket${at}[5m])))`, target]],
  units.seconds);
  chart("Loss", "Over the last tries.", [[`netns_probe_loss_ratio${at}`, target]], units.ratio);
  chart("Traffic", "In above, out below.", [
    [`rate(netns_network_receive_bytes_total${wire}[5m])`, (l) => `${l.device} in`],
    [`-rate(netns_network_transmit_bytes_total${wire}[5m])`, (l) => `${l.device} out`]], units.bytesPerSecond);
  chart("Drops and errors", "", [
    [`instance_netns:netns_network_dropped:rate5m${at}`, () => "dropped"],
    [`instance_netns:netns_network_errors:rate5m${at}`, () => "errors"]], units.perSecond);
  chart("TCP segments", "", [
    [`rate(netns_tcp_received_segments_total${at}[5m])`, () => "received"],
    [`rate(netns_tcp_sent_segments_total${at}[5m])`, () => "sent"],
    [`rate(netns_tcp_retransmitted_segments_total${at}[5m])`, () => "sent again"]], units.perSecond);
  chart("Sockets", "In use.", [[`netns_sockets_in_use${at}`, (l) => `${l.protocol} ${l.family || ""}`.trim()]]);
  table("Sysctls", "All that are read.", { value: `netns_sysctl_value${at}`, info: `netns_sysctl_info${at}` },
    ["sysctl", "index"], [
      ["Sysctl", (row) => row.labels.sysctl],
      ["Index", (row) => row.labels.index],
      ["Value", (row) => row.labels.value ?? (row.value === undefined ? undefined : { text: String(row.value), value: row.value })],
    ], { sort: 0, descending: false });
});
