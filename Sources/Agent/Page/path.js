// The way from a namespace's interface to its gateway, as a picture: what is on it, and where it breaks.

/** The steps of a diagnosis by the station that they are about. */
const STATIONS = {
  interface: ["link", "carrier", "address", "route"], peer: ["peer"], bridge: ["bridge"],
  host: ["forwarding", "rp_filter", "return_route", "filter", "mtu"], gateway: ["gateway"], target: ["target"],
};

const SIGNS = { ok: "✓", broken: "✗", unknown: "?" };

/** The interface that the default route leaves by, or else the first that is not the loopback device. */
function wayOut(detail) {
  const route = detail.default_routes?.find((one) => one.family === "ipv4") ?? detail.default_routes?.[0];
  const items = detail.interfaces ?? [];
  return { route, item: items.find((one) => one.device === route?.device) ?? items.find((one) => one.device !== "lo") };
}

/** What an administrator did to a device, when it explains why it does not work. */
function administrative(one) {
  return one.adminstate === "down" ? "set down" : null;
}

/** What lies on the path, from inside outwards. */
function stations(detail, diagnosis) {
  const { route, item } = wayOut(detail);
  const found = [];
  const add = (kind, title, label, lines, own) => found.push({ kind, title, label, lines, state: own });
  const works = (one) => (one.operstate === "up" ? "ok" : one.operstate === "unknown" || one.operstate === undefined ? "unknown" : "broken");
  if (item) {
    const address = item.addresses?.find((one) => !one.startsWith("fe80:"));
    add("interface", detail.namespace.name, item.device, [address ?? "no address", [item.operstate ?? "state unknown", administrative(item)].filter(Boolean).join(", ")], item.down ? "broken" : works(item));
    if (item.peer) add("peer", item.peer.netns, item.peer.device, [administrative(item.peer), item.peer.operstate ?? "state unknown"].filter(Boolean), works(item.peer));
    if (item.bridge) {
      add("bridge", item.bridge.netns, item.bridge.device, [item.bridge.operstate ?? "state unknown", item.port_state ?? ""].filter(Boolean),
        item.port_state && item.port_state !== "forwarding" ? "broken" : works(item.bridge));
    }
  } else {
    add("interface", detail.namespace.name, "no interface", ["nothing but lo"], "broken");
  }
  const steps = diagnosis?.steps ?? [];
  if (steps.some((step) => STATIONS.host.includes(step.step))) add("host", "host", "forwards", [], "unknown");
  const gateway = route?.gateway;
  add("gateway", "gateway", gateway ?? (route ? "on the link" : "none"), [route ? `default, ${route.family}` : "no default route"], route ? "unknown" : "broken");
  const target = diagnosis?.target;
  const isGateway = target === undefined || target === null || target === "gateway" || target === gateway;
  if (!isGateway) add("target", "target", target, [], "unknown");
  for (const station of found) {
    const names = [...STATIONS[station.kind], ...(station.kind === "gateway" && isGateway ? STATIONS.target : [])];
    const own = steps.filter((step) => names.includes(step.step));
    if (!own.length) continue;
    station.state = ["broken", "unknown", "ok"].find((state) => own.some((step) => step.state === state)) ?? "unknown";
    station.steps = own;
  }
  return found;
}

/** A text cut to what fits, whole in its tooltip. */
function fitted(text, most) {
  const characters = [...shown(text)];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : characters.join("");
}

const BOX = { width: 168, height: 84, gap: 34 };

function pathPicture(list, width) {
  const isWide = width >= list.length * BOX.width + (list.length - 1) * BOX.gap;
  const size = isWide ? { width: list.length * (BOX.width + BOX.gap) - BOX.gap, height: BOX.height }
    : { width: Math.min(Math.max(width, 200), 320), height: list.length * (BOX.height + BOX.gap) - BOX.gap };
  const boxWidth = isWide ? BOX.width : size.width;
  const firstBroken = list.findIndex((one) => one.state === "broken");
  const drawing = svg("svg", {
    class: "path", role: "img", width: size.width + 4, height: size.height + 4, viewBox: `-2 -2 ${size.width + 4} ${size.height + 4}`,
    "aria-label": `Path: ${list.map((one) => `${one.title} ${one.label} ${one.state}`).join(", ")}`,
  });
  list.forEach((station, index) => {
    const x = isWide ? index * (BOX.width + BOX.gap) : 0;
    const y = isWide ? 0 : index * (BOX.height + BOX.gap);
    if (index > 0) {
      const isCut = index === firstBroken || (firstBroken === 0 && index === 1);
      const from = isWide ? [x - BOX.gap, BOX.height / 2] : [boxWidth / 2, y - BOX.gap];
      const to = isWide ? [x, BOX.height / 2] : [boxWidth / 2, y];
      drawing.append(svg("line", { class: isCut ? "wire cut" : "wire", x1: from[0], y1: from[1], x2: to[0], y2: to[1] }));
      if (isCut) drawing.append(svg("text", { class: "cross", x: (from[0] + to[0]) / 2, y: (from[1] + to[1]) / 2 + 6, "text-anchor": "middle" }, "✗"));
    }
    const most = Math.floor((boxWidth - 20) / 7.4);
    const lines = [station.title, station.label, ...station.lines].slice(0, 4);
    drawing.append(svg("g", { class: `station ${station.state}`, "data-station": station.kind },
      svg("title", {}, `${station.title} ${station.label}: ${station.state}`),
      svg("rect", { x, y, width: boxWidth, height: BOX.height, rx: 8 }),
      svg("text", { class: "sign", x: x + boxWidth - 12, y: y + 20, "text-anchor": "end" }, SIGNS[station.state]),
      lines.map((line, row) => svg("text", { class: row === 1 ? "strong" : "", x: x + 10, y: y + 20 + row * 18 }, fitted(line, row ? most : most - 2)))));
  });
  return drawing;
}

function updatePath(node, detail) {
  if (detail.namespace.name === "host" && !wayOut(detail).item) return false;
  const diagnosis = has("/api/v1/diagnose") && diagnosisOf === detail.namespace.name ? store.diagnosis : null;
  const width = node.parentElement.clientWidth || document.documentElement.clientWidth - 32;
  const list = stations(detail, diagnosis);
  const signature = JSON.stringify([list, diagnosis, store.diagnosisError, width, has("/api/v1/diagnose")]);
  replaceIfChanged(node, signature, () => [
    el("div", { class: "picture" }, pathPicture(list, width)),
    diagnosis ? diagnosisText(diagnosis) : el("p", { class: "dim" }, has("/api/v1/diagnose")
      ? store.diagnosisError ? `The diagnosis failed: ${store.diagnosisError}` : "The path is being walked."
      : "A diagnosis of each step is not available from this agent. The picture shows the state of the devices."),
    has("/api/v1/diagnose") ? el("button", { type: "button", id: "diagnose", on: { click: () => diagnose(true) } }, "Diagnose again") : "",
  ]);
  return true;
}

function diagnosisText(diagnosis) {
  const broken = diagnosis.steps.find((step) => step.state === "broken");
  const verdict = broken ? ["broken", `✗ Broken at ${broken.step}`]
    : diagnosis.reachable ? ["ok", "✓ Reachable"] : ["unknown", "? It could not be told where it breaks"];
  return [
    el("div", { class: `verdict ${verdict[0]}`, id: "verdict" }, el("strong", {}, verdict[1]),
      diagnosis.target ? [", to ", name(diagnosis.target)] : "",
      broken?.evidence ? el("p", { class: "name" }, broken.evidence) : "", broken?.remedy ? remedy(broken.remedy) : ""),
    el("details", {}, el("summary", {}, "Every step"), el("ol", { class: "steps" }, diagnosis.steps.map((step) =>
      el("li", { class: step.state, "data-step-name": step.step }, el("strong", {}, `${SIGNS[step.state] ?? "?"} ${step.step} ${step.state}`),
        step.evidence ? [": ", name(step.evidence)] : "")))),
  ];
}
