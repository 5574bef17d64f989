// What drifted: from what to what, since when, who says so, and how to mend it.

const PAGE_DRIFTS = 50;

function makeDrift() {
  const search = el("input", {
    type: "search", id: "search", placeholder: "namespace, sysctl, rule", autocomplete: "off", spellcheck: "false",
  });
  const view = el("section", { class: "view", "aria-labelledby": "drift-title" },
    el("h1", { id: "drift-title", tabindex: "-1" }, "Drift"),
    el("form", { class: "filters", role: "search", on: { submit: (event) => event.preventDefault() } },
      el("label", { class: "wide" }, el("span", {}, "Search"), search)),
    el("p", { class: "found", id: "found", role: "status" }, "Waiting for the first answer"),
    el("ol", { class: "drifts", id: "drifts" }),
    el("button", { type: "button", class: "more", hidden: true }, "Show more"),
    el("details", { class: "unknown", hidden: true }, el("summary", {}), el("ul", {})));
  search.addEventListener("input", () => {
    route.filter = { q: search.value, most: PAGE_DRIFTS };
    history.replaceState(null, "", search.value ? `#/drift?${new URLSearchParams({ q: search.value })}` : "#/drift");
    update();
  });
  view.querySelector(".more").addEventListener("click", () => {
    route.filter.most += PAGE_DRIFTS;
    update();
  });
  return view;
}

function updateDrift(view) {
  const search = view.querySelector("#search");
  if (document.activeElement !== search && search.value !== route.filter.q) search.value = route.filter.q;
  const found = view.querySelector("#found");
  if (store.about && !has("/api/v1/drift")) return setText(found, "Nothing is evaluated: the agent runs without its collector drift.");
  if (!store.drift) return;
  const words = route.filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  const list = store.drift.drift.filter((one) => {
    const text = `${one.netns}\n${one.sysctl}\n${one.rule}\n${one.source}\n${one.severity}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const { expectations } = store.drift;
  setText(found, list.length
    ? `${counted(list.length, "sysctl")} of ${counted(new Set(list.map((one) => one.netns)).size, "namespace")}, the worst first`
    : words.length ? "Nothing that drifted is like that."
      : `Nothing has drifted: ${counted(expectations.matched, "expectation is", "expectations are")} met.`);
  const visible = list.slice(0, route.filter.most);
  reconcile(view.querySelector("#drifts"), visible, (one) => JSON.stringify([one.netns, one.sysctl, one.rule]),
    (one) => el("li", { class: `card ${one.severity}`, "data-netns": one.netns, "data-sysctl": one.sysctl }),
    (node, one) => keepingFocus(node, () => replace(node, driftCard(one, true))));
  view.querySelector(".more").hidden = visible.length === list.length;
  updateUnknown(view.querySelector(".unknown"), store.drift.unknown);
}

/** Renews the content of an element; the button that had the focus gets it back. */
function keepingFocus(node, body) {
  const buttons = [...node.querySelectorAll("a, button")];
  const index = buttons.indexOf(document.activeElement);
  body();
  if (index >= 0) node.querySelectorAll("a, button")[index]?.focus();
}

function updateUnknown(node, unknown) {
  node.hidden = unknown.length === 0;
  setText(node.querySelector("summary"), `${counted(unknown.length, "expectation is", "expectations are")} about what is absent or cannot be read`);
  reconcile(node.querySelector("ul"), unknown.slice(0, 200), (one) => JSON.stringify([one.netns, one.sysctl, one.rule]),
    () => el("li"), (item, one) => replace(item, link(namespaceFragment(one.netns), name(one.netns)), ": ", name(one.sysctl, "code"),
      ` is ${one.state}, rule `, name(one.rule)));
}

/** One drift: in the list of all with its namespace, in a namespace's own view without. */
function driftCard(one, hasNamespace) {
  const since = typeof one.since === "string" ? Date.parse(one.since) / 1000 : one.since;
  return [
    el("h2", { class: "drift-title" }, badge(one.severity, `▲ ${one.severity}`), " ",
      hasNamespace ? [link(namespaceFragment(one.netns), name(one.netns)), " "] : "", name(one.sysctl, "code")),
    el("dl", { class: "facts" },
      fact("Expected", value(one.expected), "expected"),
      fact("Actual", one.actual === undefined || one.actual === null ? "not read" : value(one.actual), "actual"),
      fact("Since", since === undefined || since === null ? "the agent's first look, or before" : moment(since), "since"),
      one.written ? fact("Last written by", writer(one.written), "written") : "",
      fact("Rule", [name(one.rule), ` (${SOURCES[one.source] ?? one.source})`], "rule")),
    one.remedy ? remedy(one.remedy) : "",
  ];
}

const SOURCES = {
  config: "the configuration file says so", declared: "the container declared it", host: "as the host has it",
  fresh: "as a new namespace has it", baseline: "as it was saved",
};

function fact(title, value, kind) {
  return el("div", { class: kind ? `fact ${kind}` : "fact" }, el("dt", {}, title), el("dd", {}, value));
}
