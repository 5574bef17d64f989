// The views by their fragments, what every view shows, and the keyboard.

const FLEET = { q: "", show: "all", place: "any", origin: "", sort: "state", desc: "1", page: 1 };

const VIEWS = {
  fleet: [makeFleet, updateFleet, "Namespaces"], drift: [makeDrift, updateDrift, "Drift"],
  topology: [makeTopology, updateTopology, "Topology"], namespace: [makeNamespace, updateNamespace, "Namespace"],
};

let route = parseRoute(location.hash);
const made = new Map();
/** When the page was opened, and when it was last looked at again. */
const begun = performance.now();
let resumed = begun;

/** What a fragment asks for: `#/`, `#/?show=drifted`, `#/drift`, `#/topology`, `#/topology/NAME`, `#/ns/NAME`. */
function parseRoute(fragment) {
  const [path, query] = fragment.replace(/^#/, "").split(/\?(.*)/s);
  const parameters = new URLSearchParams(query ?? "");
  const [, head, ...rest] = path.split("/");
  let netns = null;
  try { netns = rest.length ? decodeURIComponent(rest.join("/")) : null; } catch { netns = rest.join("/"); }
  if (head === "ns" && netns) return { view: "namespace", netns };
  if (head === "drift") return { view: "drift", netns: null, filter: { q: parameters.get("q") ?? "", most: PAGE_DRIFTS } };
  if (head === "topology") return { view: "topology", netns: netns || null };
  const filter = { ...FLEET };
  for (const key of Object.keys(FLEET)) if (parameters.has(key)) filter[key] = parameters.get(key);
  filter.page = Math.max(1, Number.parseInt(filter.page, 10) || 1);
  if (!Object.hasOwn(SHOWS, filter.show)) filter.show = FLEET.show;
  if (!Object.hasOwn(PLACES, filter.place)) filter.place = FLEET.place;
  if (!COLUMNS.some((column) => column.key === filter.sort)) filter.sort = FLEET.sort;
  return { view: "fleet", netns: null, filter };
}

function navigate() {
  const before = route;
  route = parseRoute(location.hash);
  const isOther = before.view !== route.view || before.netns !== route.netns;
  if (isOther) scrollTo(0, 0);
  update();
  // Who came by a link goes on reading where the new view begins.
  if (isOther) document.querySelector("#main h1")?.focus({ preventScroll: true });
  refresh();
}

/** Brings all that is shown to what is known. */
function update() {
  const [make, renew, title] = VIEWS[route.view];
  const main = document.getElementById("main");
  if (!made.has(route.view)) made.set(route.view, make());
  const view = made.get(route.view);
  if (main.firstElementChild !== view || main.children.length > 1) main.replaceChildren(view);
  for (const item of document.querySelectorAll("#views a")) setAttribute(item, "aria-current", item.dataset.view === route.view ? "page" : null);
  updateTiles();
  renew(view);
  updateFrame();
  updateAge();
  const drifted = (store.overview?.namespaces ?? []).filter((one) => problems(one).drifted).length;
  document.title = `${drifted ? `(${drifted}) ` : ""}${route.netns ? shown(route.netns) : title} – netdrift`;
}

function updateFrame() {
  const about = store.about;
  if (!about) return;
  setText(document.getElementById("version"), `netdrift ${about.version}`);
  const links = [[about.metrics, "Metrics"], ...about.endpoints.filter((path) => !/\/(namespace|diagnose)$/.test(path)).map((path) => [path, path.split("/").pop()])];
  reconcile(document.getElementById("links"), links, ([path]) => path, ([path]) => el("a", { href: path }), (node, [, title]) => setText(node, title));
  const left = store.overview?.left_out ?? {};
  const notes = [
    left.limit ? `${counted(left.limit, "namespace is", "namespaces are")} left out: there are more than --discovery.max-namespaces` : null,
    left.unreachable ? `${counted(left.unreachable, "namespace")} could not be entered` : null,
    left.deadline ? `${counted(left.deadline, "namespace")} could not be read in time` : null,
    about.version !== document.querySelector("meta[name=netdrift-version]").content ? `netdrift is ${about.version} now: load this page again` : null,
  ].filter(Boolean);
  const notice = document.getElementById("notice");
  notice.hidden = notes.length === 0;
  setText(notice, notes.join(". "));
}

/** How old what is shown is; it is said aloud when the agent does not answer. */
function updateAge() {
  const age = store.answered ? (Date.now() - store.answered) / 1000 : null;
  // Who looks at the page again is told only when the agent does not answer then.
  const isLate = performance.now() - Math.max(begun, resumed) > GRACE && Date.now() - store.answered > 2 * store.pause + GRACE;
  const isStale = store.error !== null || (isLate && !document.hidden);
  setText(document.getElementById("age"), age === null ? "Waiting for the first answer" : isStale ? `${duration(age)} old` : `Live, ${duration(age)} ago`);
  updateMoments();
  const banner = document.getElementById("banner");
  if (banner.hidden !== !isStale) banner.hidden = !isStale;
  document.body.classList.toggle("stale", isStale);
  if (!isStale) return setText(banner, "");
  const since = age === null ? "" : ` What is shown is of ${new Date(store.answered).toLocaleTimeString()}.`;
  setText(banner, `The agent does not answer: ${store.error ?? "it takes long"}.${since} It is asked again and again.`);
}

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && event.target === search && search.value) {
    search.value = "";
    search.dispatchEvent(new Event("input"));
  }
});
document.getElementById("skip").addEventListener("click", (event) => {
  // The fragment is the view's: a jump would lose it.
  event.preventDefault();
  document.getElementById("main").focus();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  resumed = performance.now();
  refresh();
});
addEventListener("hashchange", navigate);
let lastWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  update();
});
setInterval(updateAge, 1000);
update();
refresh();
