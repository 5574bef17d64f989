// One namespace: what is wrong with it, its path, and all that was read.

const SECTIONS = [
  ["drifted", "Drift"], ["path", "Path"], ["identity", "Identity"], ["interfaces", "Interfaces"], ["probes", "Probes"],
  ["writes", "Writes of sysctls"], ["sysctls", "Sysctls"],
];

function makeNamespace() {
  return el("div", { class: "view" },
    el("p", { class: "back" }, link("#/", "All namespaces"), " · ", el("a", { id: "in-topology" }, "In the topology")),
    el("h1", { id: "netns", tabindex: "-1" }),
    el("p", { class: "found", id: "netns-state", role: "status" }),
    SECTIONS.map(([key, title]) => el("section", { id: `section-${key}`, "aria-labelledby": `title-${key}`, hidden: true },
      el("h2", { id: `title-${key}` }, title), el("div", { class: "content" }))));
}

function updateNamespace(view) {
  const netns = route.netns;
  if (view.netns !== netns) {
    view.netns = netns;
    replace(view.querySelector("#netns"), name(netns));
    setAttribute(view.querySelector("#in-topology"), "href", `#/topology/${encodeURIComponent(netns)}`);
    for (const section of view.querySelectorAll("section")) {
      section.hidden = true;
      section.querySelector(".content").replaceChildren();
      section.made = false;
    }
    setText(view.querySelector("#netns-state"), "Waiting for the first answer");
  }
  if (!store.overview) return;
  const entry = store.byName.get(netns);
  const detail = store.detail?.namespace.name === netns ? store.detail : null;
  const state = view.querySelector("#netns-state");
  if (!entry) return setText(state, detail ? "It is gone. This is what was last seen of it." : "There is no namespace of this name now.");
  const item = row(entry);
  replaceIfChanged(state, JSON.stringify([item.drifted, item.failed, item.down, item.severity]), () => states(item));
  diagnose();
  if (!detail) return;
  show(view, "drifted", (node) => updateDrifted(node, detail));
  show(view, "path", (node) => updatePath(node, detail));
  show(view, "identity", (node) => updateIdentity(node, detail));
  show(view, "interfaces", (node) => updateInterfaces(node, detail));
  show(view, "probes", (node) => updateProbes(node, netns));
  show(view, "writes", updateWrites);
  show(view, "sysctls", (node) => updateSysctls(node, detail));
}

function show(view, key, body) {
  const section = view.querySelector(`#section-${key}`);
  section.hidden = body(section.querySelector(".content")) === false;
}

/** Renews what is in an element only when it would be another. */
function replaceIfChanged(node, signature, make) {
  if (node.shownSignature === signature && node.hasChildNodes()) return;
  node.shownSignature = signature;
  keepingFocus(node, () => replace(node, make()));
}

function updateDrifted(node, detail) {
  const list = (detail.sysctls ?? []).flatMap((one) => one.expectations.filter((demand) => demand.state === "drifted")
    .map((demand) => ({ ...demand, sysctl: one.sysctl, actual: one.value, written: lastWrite(one.sysctl) })));
  if (!list.length) return false;
  if (!node.hasChildNodes()) node.append(el("ol", { class: "drifts" }));
  reconcile(node.firstElementChild, list, (one) => JSON.stringify([one.sysctl, one.rule]),
    (one) => el("li", { class: `card ${one.severity}`, "data-sysctl": one.sysctl }),
    (item, one) => keepingFocus(item, () => replace(item, driftCard(one, false))));
  return true;
}

function updateIdentity(node, detail) {
  const one = detail.namespace;
  const facts = [
    ["Pod", one.pod !== undefined ? `${one.pod_namespace ?? ""}/${one.pod}` : undefined], ["Container", one.container],
    ["Container id", one.container_id], ["Runtime", one.runtime], ["Process", one.pid], ["Command", one.command], ["User", one.user],
    ["Processes", one.processes], ["Held by", one.origin], ["Mounts", one.mounts.length ? one.mounts.join("\n") : undefined],
    ["Held without a process by", one.holders.slice(0, 8).map(holder).join("\n") || undefined], ["Inode", one.inode],
    ["Cookie", one.cookie], ["Id of the host for it", one.nsid],
    ["Its container can write its sysctls", detail.writable === undefined ? undefined : detail.writable ? "yes" : "no"],
    ["Other containers in it", one.containers.slice(1, 9).map((other) => other.container ?? other.container_id).join("\n") || undefined],
  ].filter(([, value]) => value !== undefined && value !== null);
  replaceIfChanged(node, JSON.stringify([facts, detail.first_seen]), () => el("dl", { class: "facts wide" },
    facts.map(([title, value]) => fact(title, String(value).split("\n").map((line) => el("div", { class: "name" }, line)))),
    fact("First seen", moment(detail.first_seen))));
}

function holder(one) {
  if (one.origin === "mount") return `mount ${one.path ?? ""}${one.pid === undefined ? "" : ` in the mounts of process ${one.pid}`}`;
  if (one.origin === "thread") return `thread ${one.tid} of process ${one.pid}`;
  return one.fd === undefined ? `${one.origin} ${one.pid}` : `${one.origin} ${one.fd} of process ${one.pid}`;
}

// Interfaces: rates come with the second poll.

const TROUBLES = ["receive_errors", "transmit_errors", "receive_dropped", "transmit_dropped"];

function updateInterfaces(node, detail) {
  if (!detail.interfaces) return replaceIfChanged(node, "unread", () => el("p", {}, "They could not be read."));
  if (!node.querySelector("ul")) replace(node, el("ul", { class: "interfaces" }), el("p", { class: "dim left-out" }));
  reconcile(node.querySelector("ul"), detail.interfaces.map((one) => ({ ...one, time: detail.time })), (one) => one.ifindex,
    (one) => el("li", { class: "card", "data-device": one.device }), (item, one) => replace(item, interfaceCard(one)));
  setText(node.querySelector(".left-out"), detail.interfaces_left_out
    ? `${counted(detail.interfaces_left_out, "interface is", "interfaces are")} left out: veths whose other end is in another namespace are shown there.` : "");
  return true;
}

function interfaceCard(one) {
  const troubles = TROUBLES.filter((key) => one.counters[key] > 0).map((key) => `${key.replace("_", " ")} ${count(one.counters[key])}`);
  const parts = (key) => ["receive", "transmit"].map((way) => rates(one.ifindex, `${way}_${key}`));
  const [received, sent] = parts("bytes");
  const [packetsIn, packetsOut] = parts("packets");
  const rate = (points, unit) => (latest(points) === undefined ? "–" : scaled(latest(points), unit));
  const text = `received ${rate(received, "B/s")}, sent ${rate(sent, "B/s")}`;
  return [
    el("h3", {}, name(one.device), " ", one.down ? badge("warning", `▼ ${one.operstate}`) : badge(one.operstate === "up" ? "well" : "plain", one.operstate ?? "unknown"),
      one.adminstate === "down" ? badge("plain", "set down") : ""),
    el("p", { class: "dim" }, [one.kind ?? (one.device === "lo" ? "loopback" : "device"), one.mtu ? `MTU ${one.mtu}` : null,
      one.speed ? scaled(one.speed * 8, "bit/s") : null, one.address, one.carrier_changes ? counted(one.carrier_changes, "carrier change") : null]
      .filter(Boolean).join(" · ")),
    one.addresses?.length ? el("p", { class: "name" }, one.addresses.slice(0, 8).join(", ")) : "",
    one.peer ? el("p", {}, "↔ ", link(namespaceFragment(one.peer.netns), name(one.peer.netns)), " ", name(one.peer.device),
      one.bridge ? [", port of ", name(one.bridge.device), one.port_state ? ` (${one.port_state})` : ""] : "")
      : one.bridge ? el("p", {}, "port of ", name(one.bridge.device), one.port_state ? ` (${one.port_state})` : "") : "",
    el("div", { class: "rates" },
      chart([{ points: received, kind: "in" }, { points: sent, kind: "out" }], `Bytes over time: ${text}`),
      el("dl", {},
        fact([el("span", { class: "key in" }), "in"], `${rate(received, "B/s")}, ${rate(packetsIn, "packets/s")}`),
        fact([el("span", { class: "key out" }), "out"], `${rate(sent, "B/s")}, ${rate(packetsOut, "packets/s")}`))),
    troubles.length ? el("p", { class: "troubles" }, `Since it was made: ${troubles.join(", ")}`) : "",
  ];
}

// Probes.

function updateProbes(node, netns) {
  if (!has("/api/v1/probes")) return replaceIfChanged(node, "none", () => el("p", { class: "dim" }, "Not available: this agent does not probe."));
  const probes = store.probes?.get(netns) ?? [];
  if (!probes.length) return replaceIfChanged(node, "empty", () => el("p", { class: "dim" }, "No probe runs in this namespace."));
  if (!node.querySelector("ul")) replace(node, el("ul", { class: "interfaces" }));
  reconcile(node.querySelector("ul"), probes, (one) => JSON.stringify([one.probe, one.kind, one.target]),
    (one) => el("li", { class: "card", "data-probe": one.probe }), (item, one) => replace(item, probeCard(one)));
  return true;
}

function probeCard(one) {
  const isTimed = one.rtt_seconds !== undefined && one.rtt_seconds !== null;
  const text = one.success !== false ? `answers${isTimed ? ` in ${roundTrip(one.rtt_seconds)}` : ""}` : `fails: ${one.reason ?? "reason unknown"}`;
  const extras = ["duplicates", "late"].filter((key) => one[key] > 0).map((key) => `${count(one[key])} ${key}`);
  return [
    el("h3", {}, name(one.probe), " ", one.success === false ? badge("critical", `✗ ${one.reason ?? "fails"}`)
      : one.success ? badge("well", "✓ answers") : badge("plain", "? not tried yet")),
    el("p", {}, one.kind, " to ", name(one.target)),
    el("div", { class: "rates" },
      chart([{ points: roundTrips(one), kind: "in", marksGaps: true }], `Round-trip time: ${text}`),
      el("dl", {}, fact("Round trip", isTimed ? roundTrip(one.rtt_seconds) : "–"),
        fact("Loss", one.loss_ratio === undefined || one.loss_ratio === null ? "–" : `${(one.loss_ratio * 100).toFixed(one.loss_ratio && one.loss_ratio < 0.1 ? 1 : 0)} %`))),
    el("p", { class: "dim" }, one.last_try ? ["Last try ", moment(one.last_try)] : "", extras.length ? `, ${extras.join(", ")}` : ""),
  ];
}

// Who wrote its sysctls, the newest first.

const ORIGINS = { inside: "from inside", host: "from the host", container: "from container", unknown: "from an unknown place" };

function updateWrites(node) {
  if (!store.writes) return replaceIfChanged(node, "none", () => el("p", { class: "dim" }, "Not available: this agent does not hear writes."));
  if (!store.writes.length) return replaceIfChanged(node, "empty", () => el("p", { class: "dim" }, "None since the agent started."));
  if (!node.querySelector("ol")) replace(node, el("ol", { class: "drifts writes" }));
  reconcile(node.querySelector("ol"), [...store.writes].reverse(), (one) => one.number,
    (one) => el("li", { class: "card", "data-write": one.number, "data-sysctl": one.sysctl }), (item, one) => replaceIfChanged(item, JSON.stringify(one), () => writeCard(one)));
  return true;
}

function writeCard(one) {
  const kept = one.result === "applied" && one.actual !== undefined && one.actual !== one.new ? [" (shows ", value(one.actual), ")"] : "";
  return [
    el("p", {}, name(one.sysctl, "code"), " ", one.new === undefined ? "a key" : [value(one.old ?? "?"), " → ", value(one.new), kept], " ",
      badge(one.result === "refused" ? "warning" : "plain", one.result)),
    el("p", { class: "dim" }, moment(Date.parse(one.time) / 1000), ", ", writer(one), one.executable ? [", ", name(one.executable)] : ""),
  ];
}

/** The last write of a sysctl that was not refused. */
function lastWrite(sysctl) {
  return store.writes?.findLast((one) => one.sysctl === sysctl && one.result !== "refused");
}

/** Who wrote: process, user and from where. */
function writer(one) {
  return [name(one.command), ` (process ${one.pid}, parent ${one.ppid}, user ${one.user}`,
    one.login_uid === undefined ? "" : `, logged in as ${one.login_uid}`, ") ", ORIGINS[one.from] ?? one.from,
    one.container ? [" ", name(one.container)] : ""];
}

// Sysctls.

function updateSysctls(node, detail) {
  if (!detail.sysctls) return replaceIfChanged(node, "unread", () => el("p", {}, "They could not be read, or the agent reads none."));
  if (!node.querySelector("table")) {
    const box = el("input", { type: "checkbox", id: "only-different", on: { change: () => update() } });
    // A narrow screen shows each as a card: fifty that say nothing are too many.
    box.checked = matchMedia("(max-width: 48rem)").matches;
    replace(node, el("p", { class: "filters" }, el("label", { class: "check" }, box, " Only what drifted or differs")),
      el("p", { class: "dim note" }),
      el("table", { class: "cards" }, el("caption", { class: "hidden" }, "Sysctls"), el("thead", {}, el("tr", {},
        ["Sysctl", "Value", "Expected", "Host", "Fresh"].map((title) => el("th", { scope: "col" }, title)))), el("tbody", {})));
  }
  setText(node.querySelector(".note"), { pending: "A fresh namespace is being read.", unavailable: "No fresh namespace can be made here to compare with." }[detail.fresh] ?? "");
  const isShort = node.querySelector("#only-different").checked;
  const list = detail.sysctls.filter((one) => !isShort || one.drifted || one.differs_from.length || one.expectations.some((demand) => demand.state !== "matched"));
  reconcile(node.querySelector("tbody"), list, (one) => one.sysctl,
    (one) => el("tr", { "data-sysctl": one.sysctl }), (item, one) => {
      const other = (key) => (one[key] === undefined ? el("span", { class: "dim" }, "–")
        : [value(one[key]), one.differs_from.includes(key) ? el("small", {}, " ≠ differs") : ""]);
      setAttribute(item, "class", one.drifted ? "drifted" : null);
      replace(item, el("th", { scope: "row", "data-title": "Sysctl" }, name(one.sysctl, "code")),
        el("td", { "data-title": "Value", class: "value" }, one.state === "value" ? value(one.value) : badge("plain", one.state.replace("_", " "))),
        el("td", { "data-title": "Expected" }, one.expectations.length ? one.expectations.map((demand) => el("div", {}, value(demand.expected), " ",
          badge(demand.state === "matched" ? "well" : demand.state === "drifted" ? demand.severity : "plain", demand.state), " ", el("small", { class: "name" }, demand.rule)))
          : el("span", { class: "dim" }, "–")),
        el("td", { "data-title": "Host" }, other("host")), el("td", { "data-title": "Fresh" }, other("fresh")));
    });
  return true;
}
