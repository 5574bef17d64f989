begin([{ text: "netdrift: all hosts" }], () => {
  tile("Hosts", 'sum(up{job="netdrift"})');
  tile("Without an answer", 'sum(up{job="netdrift"} == bool 0)', { level: trouble });
  tile("Namespaces", "sum(instance:netns_namespaces:sum)");
  tile("With drift", "sum(instance:netns_sysctl_drift:count_netns)", { level: trouble });
  tile("With failing probes", "sum(instance:netns_probe_failing:count_netns)", { level: trouble });
  tile("Without carrier", "sum(instance:netns_network_carrier:count_down)", { level: trouble });
  alertTable("");
  driftTable("");
  table("Hosts", "", {
    up: 'up{job="netdrift"}',
    namespaces: "instance:netns_namespaces:sum",
    drift: "instance:netns_sysctl_drift:count_netns",
    failing: "instance:netns_probe_failing:count_netns",
    down: "instance:netns_network_carrier:count_down",
    took: 'scrape_duration_seconds{job="netdrift"}',
  }, ["instance"], [
    ["Host", (row) => toHost(row.labels.instance)],
    ["Answers", (row) => ({ text: row.up ? "yes" : "no", mark: row.up ? "" : "bad" })],
    ["Namespaces", (row) => number(row.namespaces)],
    ["With drift", (row) => number(row.drift, units.count, trouble)],
    ["With failing probes", (row) => number(row.failing, units.count, trouble)],
    ["Without carrier", (row) => number(row.down, units.count, trouble)],
    ["Scrape", (row) => number(row.took, units.seconds)],
  ], { sort: 3, nothing: "Prometheus has no target with the job netdrift." });
  chart("Drift by severity", "Expectations that are not met.",
    [["sum by (severity) (instance_severity:netns_sysctl_drift:sum)", (l) => l.severity]]);
  chart("Broken steps of the path to the gateway", "In how many namespaces.",
    [["sum by (step) (instance_step:netns_path_broken:sum) > 0", (l) => l.step]]);
  chart("Probes that fail", "In how many namespaces.",
    [["sum by (probe) (instance_probe:netns_probe_failing:sum)", (l) => l.probe]]);
  chart("Probes that fail while the host passes", "The same probe and target.",
    [["sum by (probe) (instance_probe:netns_probe_failing_host_reaches:sum)", (l) => l.probe]]);
  chart("Round trips, 99 of 100", "All but one in a hundred stay under this.", [[
    "histogram_quantile(0.99, sum by (probe, le) (instance_probe_le:netns_probe_rtt_seconds_bucket:rate5m))",
    (l) => l.probe]], units.seconds);
  chart("Loss", "Of the worst host.",
    [["max by (probe) (instance_probe:netns_probe_loss:ratio_rate5m)", (l) => l.probe]], units.ratio);
  chart("Namespaces", "By host.", [["instance:netns_namespaces:sum", (l) => l.instance]]);
  chart("Traffic", "All namespaces of a host: in above, out below.", [
    ["sum by (instance) (instance_netns:netns_network_receive_bytes:rate5m)", (l) => `${l.instance} in`],
    ["-sum by (instance) (instance_netns:netns_network_transmit_bytes:rate5m)", (l) => `${l.instance} out`],
  ], units.bytesPerSecond);
});
