// Which namespace hangs on which bridge or other namespace, drawn. On a host of thousands only a part is drawn: the
// neighbourhood of the namespace that was chosen, or of each bridge those with a problem first.

const TOPOLOGY = { hubs: 12, members: 12, chosenMembers: 24, line: 30, gap: 18 };

/**
 * What several namespaces hang on: `{ key, kind, netns, label, members: [{ netns, device, peer, isDown }] }`, and how many
 * namespaces hang on nothing.
 */
function hubs(overview) {
  const found = new Map();
  const tied = new Set();
  const add = (kind, netns, label, member) => {
    const key = JSON.stringify([kind, netns, label]);
    if (!found.has(key)) found.set(key, { key, kind, netns, label, members: [] });
    found.get(key).members.push(member);
    tied.add(member.netns).add(netns);
  };
  // Of two that are tied directly, the one with more such ties is what the other hangs on; the host is, with its many.
  const ties = new Map([["host", Infinity]]);
  for (const entry of overview.namespaces) {
    for (const one of entry.interfaces ?? []) {
      if (one.peer_netns !== undefined && one.peer_master === undefined) ties.set(entry.name, (ties.get(entry.name) ?? 0) + 1);
    }
  }
  const isHub = (one, other) => {
    const [a, b] = [ties.get(one) ?? 0, ties.get(other) ?? 0];
    return a === b ? one < other : a > b;
  };
  for (const entry of overview.namespaces) {
    for (const one of entry.interfaces ?? []) {
      const member = { netns: entry.name, device: one.device, peer: one.peer_device, isDown: one.down };
      if (one.peer_master !== undefined) add("bridge", one.peer_netns, one.peer_master, member);
      else if (one.master === undefined && one.peer_netns !== undefined && one.peer_netns !== entry.name) {
        if (isHub(one.peer_netns, entry.name)) add("namespace", one.peer_netns, one.peer_netns, member);
      }
    }
  }
  return { hubs: [...found.values()].sort((a, b) => COLLATOR.compare(a.label, b.label)), loose: overview.namespaces.length - tied.size };
}

function makeTopology() {
  const view = el("section", { class: "view", "aria-labelledby": "topology-title" },
    el("h1", { id: "topology-title", tabindex: "-1" }, "Topology"),
    el("form", { class: "filters", role: "search", on: { submit: choose } },
      el("label", { class: "wide" }, el("span", {}, "Around"), el("input", {
        type: "search", id: "search", list: "names", placeholder: "a namespace, then Enter", autocomplete: "off", spellcheck: "false",
      })), el("datalist", { id: "names" }), el("button", { type: "submit" }, "Show")),
    el("p", { class: "found", id: "found", role: "status" }, "Waiting for the first answer"),
    el("div", { class: "picture", id: "topology" }));
  // As many names as help; the browser would draw thousands.
  view.querySelector("#search").addEventListener("input", (event) => {
    const text = event.target.value.toLowerCase();
    const names = (store.overview?.namespaces ?? []).filter((one) => one.name.toLowerCase().includes(text)).slice(0, 20);
    replace(view.querySelector("#names"), names.map((one) => el("option", { value: one.name })));
  });
  return view;
}

function choose(event) {
  event.preventDefault();
  const text = document.getElementById("search").value.trim();
  const exact = store.byName.get(text) ?? store.overview?.namespaces.find((one) => one.name.toLowerCase().includes(text.toLowerCase()));
  location.hash = text && exact ? `#/topology/${encodeURIComponent(exact.name)}` : "#/topology";
}

function updateTopology(view) {
  if (!store.overview) return;
  const search = view.querySelector("#search");
  if (document.activeElement !== search && route.netns !== view.netns) search.value = route.netns ?? "";
  view.netns = route.netns;
  const all = hubs(store.overview);
  const chosen = route.netns;
  const near = chosen === null ? all.hubs
    : all.hubs.filter((hub) => hub.netns === chosen || hub.members.some((member) => member.netns === chosen));
  const drawn = near.slice(0, TOPOLOGY.hubs).map((hub) => {
    const most = chosen === null ? TOPOLOGY.members : TOPOLOGY.chosenMembers;
    const ranked = hub.members.map((member) => ({ member, rank: rankOf(member, chosen) })).sort((a, b) => b.rank - a.rank
      || COLLATOR.compare(a.member.netns, b.member.netns));
    return { ...hub, members: ranked.slice(0, most).map((one) => one.member), more: Math.max(0, ranked.length - most) };
  });
  const text = chosen !== null && !store.byName.has(chosen) ? "There is no namespace of this name now."
    : !near.length ? chosen === null ? "No namespace is tied to another." : "It is not tied to another namespace."
      : `${counted(near.filter((hub) => hub.kind === "bridge").length, "bridge")}, ${counted(near.reduce((sum, hub) => sum + hub.members.length, 0), "tie")}`
        + (chosen === null ? `, ${counted(all.loose, "namespace")} tied to nothing` : " around it")
        + (near.length > drawn.length ? `; the first ${drawn.length} are drawn` : "");
  setText(view.querySelector("#found"), text);
  const node = view.querySelector("#topology");
  const width = Math.min(node.clientWidth || 320, 1000);
  const states = drawn.flatMap((hub) => hub.members.map((member) => problemsOf(member.netns)));
  replaceIfChanged(node, JSON.stringify([drawn, states, width, chosen]), () => (drawn.length ? topologyPicture(drawn, width, chosen) : ""));
}

function problemsOf(netns) {
  const entry = store.byName.get(netns);
  return entry ? problems(entry).rank : 0;
}

function rankOf(member, chosen) {
  return (member.netns === chosen ? 100 : 0) + problemsOf(member.netns) + (member.isDown ? 4 : 0);
}

function topologyPicture(list, width, chosen) {
  const column = { own: 0, hub: Math.round(width * 0.3), member: Math.round(width * 0.62) };
  const box = { own: Math.round(width * 0.22), hub: Math.round(width * 0.22), member: width - column.member - 2 };
  const drawing = svg("svg", { class: "topology", role: "group", "aria-label": "Namespaces and what they hang on" });
  const wires = svg("g", {});
  const boxes = svg("g", {});
  const owners = new Map();
  let y = 2;
  for (const hub of list) {
    const top = y;
    const rowsOfHub = hub.members.length + (hub.more ? 1 : 0);
    const middle = top + (rowsOfHub * TOPOLOGY.line) / 2;
    hub.members.forEach((member) => {
      wires.append(curve(column.hub + box.hub, middle, column.member, y + TOPOLOGY.line / 2, member.isDown));
      const sign = member.isDown ? "▼ " : problemsOf(member.netns) ? "▲ " : "";
      boxes.append(node(column.member, y, box.member, member.netns, `${sign}${member.netns}  ${member.device}`,
        `${member.netns}, ${member.device}${member.peer ? ` to ${member.peer}` : ""}${member.isDown ? ", down" : ""}`,
        member.isDown ? "broken" : problemsOf(member.netns) ? "warning" : "ok", member.netns === chosen));
      y += TOPOLOGY.line;
    });
    if (hub.more) {
      boxes.append(svg("a", { href: `#/?${new URLSearchParams({ q: hub.label })}` },
        svg("text", { x: column.member + 8, y: y + 19 }, `and ${count(hub.more)} more`)));
      y += TOPOLOGY.line;
    }
    if (hub.kind === "bridge") {
      boxes.append(hubBox(column.hub, middle - 13, box.hub, hub));
      owners.set(hub.netns, [...(owners.get(hub.netns) ?? []), middle]);
    } else {
      boxes.append(node(column.hub, middle - 13, box.hub, hub.netns, hub.netns, hub.netns, problemsOf(hub.netns) ? "warning" : "ok", hub.netns === chosen));
    }
    y += TOPOLOGY.gap;
  }
  for (const [netns, middles] of owners) {
    const middle = middles.reduce((sum, one) => sum + one, 0) / middles.length;
    for (const one of middles) wires.append(curve(column.own + box.own, middle, column.hub, one, false));
    boxes.append(node(column.own + 2, middle - 13, box.own, netns, netns, netns, problemsOf(netns) ? "warning" : "ok", netns === chosen));
  }
  drawing.append(wires, boxes);
  drawing.setAttribute("width", width);
  drawing.setAttribute("height", y);
  return drawing;
}

function curve(x1, y1, x2, y2, isDown) {
  const half = (x1 + x2) / 2;
  return svg("path", { class: isDown ? "wire cut" : "wire", d: `M${x1},${y1} C${half},${y1} ${half},${y2} ${x2},${y2}` });
}

function node(x, y, width, netns, label, title, state, isChosen) {
  return svg("a", { href: namespaceFragment(netns), class: `station ${state}${isChosen ? " chosen" : ""}`, "aria-label": title },
    svg("title", {}, title), svg("rect", { x, y: y + 1, width, height: TOPOLOGY.line - 4, rx: 6 }),
    svg("text", { x: x + 8, y: y + 19 }, fitted(label, Math.max(3, Math.floor((width - 16) / 7.4)))));
}

function hubBox(x, y, width, hub) {
  return svg("g", { class: "station hub", "data-bridge": hub.label }, svg("title", {}, `${hub.label} in ${hub.netns}`),
    svg("rect", { x, y, width, height: TOPOLOGY.line - 4, rx: 2 }),
    svg("text", { class: "strong", x: x + 8, y: y + 18 }, fitted(hub.label, Math.max(3, Math.floor((width - 16) / 7.4)))));
}
