// The namespaces: what the host has at a glance, and the table.

const PAGE_ROWS = 100;
const COLLATOR = new Intl.Collator("en", { numeric: true });

/** What the tiles and the first filter choose. */
const SHOWS = {
  all: ["all", () => true],
  problems: ["with a problem", (row) => row.rank > 0],
  drifted: ["drifted", (row) => row.drifted > 0],
  unreachable: ["unreachable", (row) => row.failed > 0],
  down: ["interfaces down", (row) => row.down > 0],
  well: ["without a problem", (row) => row.rank === 0],
};

const PLACES = {
  any: ["anything", () => true],
  pod: ["a pod", (row) => row.entry.pod !== undefined],
  container: ["a container", (row) => row.entry.container !== undefined || row.entry.runtime !== undefined],
  none: ["neither", (row) => row.entry.pod === undefined && row.entry.container === undefined && row.entry.runtime === undefined],
};

const COLUMNS = [
  { key: "name", title: "Namespace", order: (a, b) => COLLATOR.compare(a.entry.name, b.entry.name) },
  { key: "state", title: "State", order: (a, b) => a.rank - b.rank || a.drifted - b.drifted, isWorstFirst: true },
  { key: "place", title: "Container", order: (a, b) => COLLATOR.compare(a.place, b.place) },
  { key: "origin", title: "Held by", order: (a, b) => COLLATOR.compare(a.entry.origin, b.entry.origin) },
  { key: "processes", title: "Processes", order: (a, b) => a.entry.processes - b.entry.processes, isWorstFirst: true },
  { key: "interfaces", title: "Interfaces", order: (a, b) => a.interfaces - b.interfaces, isWorstFirst: true },
  { key: "command", title: "Command", order: (a, b) => COLLATOR.compare(a.entry.command ?? "", b.entry.command ?? "") },
];

/** The rows in the order of the table; made anew when what is shown or the order is another. */
let rows = [];
let rowsOf = { overview: null, probes: null, sort: null };

function makeRows(sort, isDescending) {
  const key = `${sort} ${isDescending}`;
  if (rowsOf.overview === store.overview && rowsOf.probes === store.probes && rowsOf.sort === key) return;
  rowsOf = { overview: store.overview, probes: store.probes, sort: key };
  rows = (store.overview?.namespaces ?? []).map(row);
  const column = COLUMNS.find((one) => one.key === sort);
  const sign = isDescending ? -1 : 1;
  rows.sort((a, b) => sign * column.order(a, b) || COLLATOR.compare(a.entry.name, b.entry.name));
}

/** A namespace with what is searched, filtered and sorted by. */
function row(entry) {
  const { drifted, severity, failed, down, rank } = problems(entry);
  const place = entry.pod !== undefined ? `${entry.pod_namespace ?? ""}/${entry.pod}` : entry.container ?? entry.runtime ?? "";
  const links = (entry.interfaces ?? []).flatMap((one) => [
    one.device, one.peer_device, one.master, one.peer_master, ...(one.addresses ?? []),
  ]);
  const text = [
    entry.name, place, entry.container, entry.runtime, entry.origin, entry.user, entry.command, ...links,
  ].filter((part) => part !== undefined).join("\n").toLowerCase();
  return {
    entry, drifted, severity, failed: failed.length, down: down.length, rank, place, text,
    interfaces: (entry.interfaces?.length ?? 0) + (entry.interfaces_left_out ?? 0),
  };
}

function chosen(filter) {
  const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  const show = SHOWS[filter.show][1];
  const place = PLACES[filter.place][1];
  return rows.filter((one) => show(one) && place(one) && (!filter.origin || one.entry.origin === filter.origin)
    && words.every((word) => one.text.includes(word)));
}

// What the host has at a glance.

function updateTiles() {
  const list = document.getElementById("tiles");
  const entries = store.overview?.namespaces;
  const found = (entries ?? []).map(problems);
  const sum = (value) => found.reduce((total, one) => total + value(one), 0);
  const drifted = sum((one) => (one.drifted ? 1 : 0));
  const unreachable = sum((one) => (one.failed.length ? 1 : 0));
  const down = sum((one) => one.down.length);
  const evaluates = has("/api/v1/drift");
  const items = [
    { show: "all", title: "Namespaces", number: entries ? count(entries.length) : "–", note: "on this host" },
    {
      show: "drifted", title: "Drifted", number: entries && evaluates ? count(drifted) : "–", isBad: drifted > 0,
      note: !store.about ? "" : evaluates ? counted(sum((one) => one.drifted), "sysctl") : "not evaluated",
    },
    {
      show: "unreachable", title: "Unreachable", number: store.probes ? count(unreachable) : "–", isBad: unreachable > 0,
      note: !store.about ? "" : store.probes ? counted(sum((one) => one.failed.length), "probe fails", "probes fail") : "not probed by this agent",
    },
    {
      show: "down", title: "Interfaces down", number: entries ? count(down) : "–", isBad: down > 0,
      note: entries ? `in ${counted(sum((one) => (one.down.length ? 1 : 0)), "namespace")}` : "",
    },
  ].map((item) => ({ ...item, isCurrent: route.view === "fleet" && route.filter.show === item.show }));
  reconcile(list, items, (item) => item.show, (item) => el("li", {}, el("a", {
    href: item.show === "all" ? "#/" : `#/?show=${item.show}`, "data-tile": item.show,
  })), (node, item) => {
    const tile = node.firstElementChild;
    tile.className = item.isBad ? "tile bad" : "tile";
    setAttribute(tile, "aria-current", item.isCurrent ? "true" : null);
    replace(tile, el("span", { class: "tile-title" }, item.title), " ", el("strong", { class: "tile-number" }, item.number),
      " ", el("span", { class: "tile-note" }, item.note));
  });
}

// The table.

function makeFleet() {
  const input = (props) => el("input", props);
  const select = (label, key, choices) => el("label", {}, el("span", {}, label), el("select", { "data-filter": key },
    choices.map(([value, title]) => el("option", { value }, title))));
  const search = input({
    type: "search", id: "search", placeholder: "name, pod, address, device, command", autocomplete: "off", spellcheck: "false",
    "data-filter": "q",
  });
  const view = el("section", { class: "view", "aria-labelledby": "fleet-title" },
    el("h1", { id: "fleet-title", tabindex: "-1" }, "Namespaces"),
    el("form", { class: "filters", role: "search", on: { submit: (event) => event.preventDefault() } },
      el("label", { class: "wide" }, el("span", {}, "Search"), search),
      select("Show", "show", Object.entries(SHOWS).map(([value, [title]]) => [value, title])),
      select("In", "place", Object.entries(PLACES).map(([value, [title]]) => [value, title])),
      select("Held by", "origin", [["", "any"], ...["process", "mount", "fd", "socket", "thread"].map((one) => [one, one])])),
    el("p", { class: "found", id: "found", role: "status" }),
    el("table", { class: "cards", id: "namespaces" },
      el("caption", { class: "hidden" }, "Network namespaces of this host"),
      el("thead", {}, el("tr", {}, COLUMNS.map((column) => el("th", { scope: "col", "data-column": column.key },
        el("button", { type: "button", on: { click: () => sortBy(column) } }, column.title))))),
      el("tbody", {})),
    el("nav", { class: "pager", "aria-label": "Pages of the table" },
      el("button", { type: "button", "data-step": "-1", on: { click: () => step(-1) } }, "Previous"),
      el("span", { id: "range" }),
      el("button", { type: "button", "data-step": "1", on: { click: () => step(1) } }, "Next")));
  for (const field of view.querySelectorAll("[data-filter]")) {
    field.addEventListener("input", () => setFilter({ [field.dataset.filter]: field.value, page: 1 }));
  }
  return view;
}

/** The address follows the filters, without a step of its own in the history for each letter. */
function setFilter(change) {
  route.filter = { ...route.filter, ...change };
  history.replaceState(null, "", fleetFragment(route.filter));
  update();
}

function fleetFragment(filter) {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) if (value !== FLEET[key]) parameters.set(key, value);
  const text = parameters.toString();
  return text ? `#/?${text}` : "#/";
}

function sortBy(column) {
  const { sort, desc } = route.filter;
  const isDescending = sort === column.key ? desc !== "1" : Boolean(column.isWorstFirst);
  setFilter({ sort: column.key, desc: isDescending ? "1" : "0", page: 1 });
}

function step(by) {
  setFilter({ page: route.filter.page + by });
  document.getElementById("namespaces").scrollIntoView({ block: "start" });
}

function updateFleet(view) {
  const filter = route.filter;
  for (const field of view.querySelectorAll("[data-filter]")) {
    const value = filter[field.dataset.filter];
    if (field.value !== value && document.activeElement !== field) field.value = value;
  }
  for (const cell of view.querySelectorAll("th[data-column]")) {
    const isSorted = cell.dataset.column === filter.sort;
    setAttribute(cell, "aria-sort", isSorted ? (filter.desc === "1" ? "descending" : "ascending") : null);
  }
  makeRows(filter.sort, filter.desc === "1");
  const list = chosen(filter);
  const pages = Math.max(1, Math.ceil(list.length / PAGE_ROWS));
  const page = Math.min(Math.max(1, filter.page), pages);
  const first = (page - 1) * PAGE_ROWS;
  const visible = list.slice(first, first + PAGE_ROWS);
  if (store.overview) {
    setText(view.querySelector("#found"), list.length === rows.length ? counted(rows.length, "namespace")
      : `${count(list.length)} of ${counted(rows.length, "namespace")}`);
  }
  setText(view.querySelector("#range"), list.length ? `${count(first + 1)} to ${count(first + visible.length)} of ${count(list.length)}` : "");
  view.querySelector(".pager").hidden = pages === 1;
  view.querySelector("[data-step='-1']").disabled = page === 1;
  view.querySelector("[data-step='1']").disabled = page === pages;
  reconcile(view.querySelector("tbody"), visible.map(({ text, rank, ...rest }) => rest), (one) => one.entry.name, makeRow, updateRow);
}

function makeRow(one) {
  return el("tr", { "data-netns": one.entry.name }, COLUMNS.map((column) => (column.key === "name"
    ? el("th", { scope: "row", "data-title": column.title }, el("a", { href: namespaceFragment(one.entry.name) }, name(one.entry.name)))
    : el("td", { "data-title": column.title, class: `cell-${column.key}` }))));
}

function updateRow(node, one) {
  const cell = (key) => node.querySelector(`.cell-${key}`);
  replace(cell("state"), states(one));
  replace(cell("place"), one.place ? [name(one.place), one.entry.runtime ? el("small", {}, ` ${one.entry.runtime}`) : ""] : "");
  replace(cell("origin"), one.entry.origin);
  replace(cell("processes"), count(one.entry.processes));
  replace(cell("interfaces"), interfacesInShort(one.entry));
  replace(cell("command"), one.entry.command !== undefined ? name(one.entry.command) : "");
}

/** The badges of a namespace: a sign, a word and a number, beside the colour. */
function states(one) {
  const badges = [];
  if (one.failed) badges.push(badge("critical", `✗ unreachable`, `${counted(one.failed, "probe fails", "probes fail")}`));
  if (one.drifted) badges.push(badge(one.severity, `▲ ${count(one.drifted)} drifted`, `${one.severity}`));
  if (one.down) badges.push(badge("warning", `▼ ${count(one.down)} down`, counted(one.down, "interface is down", "interfaces are down")));
  if (one.entry && !one.entry.interfaces) badges.push(badge("plain", "? not read", "it could not be entered, or not in time"));
  return badges.length ? badges : badge("well", "✓ well");
}

function interfacesInShort(entry) {
  if (!entry.interfaces) return el("span", { class: "dim" }, "not read");
  const items = entry.interfaces.slice(0, 2).map((one) => el("div", { class: one.down ? "broken" : "" },
    name(one.device), one.addresses?.length ? [" ", el("span", { class: "dim name" }, one.addresses[0])] : ""));
  const more = entry.interfaces.length + (entry.interfaces_left_out ?? 0) - items.length;
  if (more > 0) items.push(el("div", { class: "dim" }, `and ${count(more)} more`));
  return items.length ? items : el("span", { class: "dim" }, "none");
}
