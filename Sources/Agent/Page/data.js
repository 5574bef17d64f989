// What the page knows, and how it asks the agent. One loop asks for what the view shows; it waits longer where the agent
// needs longer, rests while the page is hidden, and never gives up.

const PAUSE = 3000;
/** The agent works on a page's questions at most one part in five of the time. */
const PATIENCE = 4;
const LONGEST_PAUSE = 30000;
const KEPT = 120;
const DIAGNOSIS_PAUSE = 15000;
/** An answer that is this much later than expected is missed, milliseconds. */
const GRACE = 10000;

const store = {
  about: null,
  overview: null,
  /** The namespaces of the overview, by name. */
  byName: new Map(),
  drift: null,
  /** By namespace; null where this agent does not probe. */
  probes: null,
  /** RTTs over time, by namespace and probe. */
  roundTrips: new Map(),
  /** The namespace that is looked at. */
  detail: null,
  /** Its counters over time, by the index of the interface. */
  rates: new Map(),
  /** The last writes of its sysctls, oldest first; null where they are not heard. */
  writes: null,
  /** What is told of its path; null before it is known. */
  diagnosis: null,
  diagnosisError: null,
  /** By this machine's clock: when the last answer came, and what went wrong since. */
  answered: 0,
  error: null,
  /** How long until it is asked again, milliseconds. */
  pause: PAUSE,
  /** What has to be added to this machine's clock for the host's, seconds. */
  offset: 0,
};

/** The host's time, seconds since the epoch. */
function hostTime() {
  return Date.now() / 1000 + store.offset;
}

/** Whether this agent has an endpoint. */
function has(endpoint) {
  return store.about?.endpoints.includes(endpoint) ?? false;
}

class Gone extends Error {}

async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch(query ? `${path}?${query}` : path, {
    cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(60000),
  });
  if (answer.status === 404) throw new Gone();
  if (!answer.ok) throw new Error(`the agent answers ${answer.status}: ${(await answer.text()).slice(0, 200).trim()}`);
  const date = Date.parse(answer.headers.get("Date"));
  // It has whole seconds, cut.
  if (!Number.isNaN(date)) store.offset = (date + 500 - Date.now()) / 1000;
  return answer.json();
}

let timer = 0;
let isAsking = false;
let isWanted = false;
let isAboutOld = true;
/** How long the last answers took, milliseconds. */
let lasted = [];

/** Asks now; when it is being asked already, again right after that. */
function refresh() {
  isWanted = true;
  if (isAsking) return;
  clearTimeout(timer);
  timer = setTimeout(poll, 0);
}

async function poll() {
  if (document.hidden && store.overview) return;
  isAsking = true;
  isWanted = false;
  const begun = performance.now();
  store.pause = PAUSE;
  try {
    await gather();
    // The shortest of the last few: one that had to wait says nothing of the next.
    lasted = [...lasted.slice(-2), performance.now() - begun];
    store.pause = Math.min(LONGEST_PAUSE, Math.max(PAUSE, PATIENCE * Math.min(...lasted)));
  } catch (error) {
    store.error = error.name === "TimeoutError" ? "it does not answer in time"
      : error instanceof TypeError ? "it cannot be reached" : error instanceof Gone ? "it has no such answer" : error.message;
    // It may come back as another.
    isAboutOld = true;
  }
  isAsking = false;
  update();
  timer = setTimeout(poll, isWanted ? 0 : store.pause);
}

/** What the view that is open needs, one after the other: they share one collection. */
async function gather() {
  if (isAboutOld) store.about = await ask("/api/v1/about");
  isAboutOld = false;
  // What is known already is there at once; how old it is is said, and it is asked for anew right away.
  const isFirst = !store.overview;
  const overview = await ask("/api/v1/overview", isFirst ? { max_age: 86400 } : {});
  if (isFirst) isWanted = true;
  if (overview.started !== store.about.started) store.about = await ask("/api/v1/about");
  const probes = has("/api/v1/probes") ? await ask("/api/v1/probes") : null;
  store.drift = route.view === "drift" && has("/api/v1/drift") ? await ask("/api/v1/drift") : null;
  acceptOverview(overview);
  acceptProbes(probes);
  const netns = route.netns;
  if (route.view === "namespace") {
    let detail = null;
    // One that is not there is not asked for: the console would have an error of it.
    if (store.byName.has(netns)) {
      try { detail = await ask("/api/v1/namespace", { netns }); } catch (error) { if (!(error instanceof Gone)) throw error; }
    }
    const writes = has("/api/v1/writes") ? (await ask("/api/v1/writes", { netns, limit: 100 })).writes : null;
    if (netns === route.netns) {
      acceptDetail(netns, detail);
      store.writes = writes;
    }
  }
  const isBack = store.error !== null;
  store.error = null;
  store.answered = Date.now() - Math.max(0, hostTime() - overview.time - 1) * 1000;
  if (isBack) announce("The agent answers again");
}

function acceptOverview(overview) {
  store.overview = overview;
  store.byName = new Map(overview.namespaces.map((entry) => [entry.name, entry]));
}

function acceptProbes(answer) {
  if (!answer) {
    store.probes = null;
    return;
  }
  store.probes = new Map();
  const seen = new Set();
  for (const probe of answer.probes) {
    if (!store.probes.has(probe.netns)) store.probes.set(probe.netns, []);
    store.probes.get(probe.netns).push(probe);
    const key = JSON.stringify([probe.netns, probe.probe, probe.kind, probe.target]);
    seen.add(key);
    const past = store.roundTrips.get(key) ?? [];
    // One that was not tried yet says nothing.
    if (typeof probe.last_try !== "number") continue;
    if (past.length && past[past.length - 1].time === probe.last_try) continue;
    past.push({ time: probe.last_try, value: probe.success ? probe.rtt_seconds ?? null : null });
    if (past.length > KEPT) past.shift();
    store.roundTrips.set(key, past);
  }
  for (const key of store.roundTrips.keys()) if (!seen.has(key)) store.roundTrips.delete(key);
}

/** The RTTs of a probe, oldest first; null for a failure. */
function roundTrips(probe) {
  return store.roundTrips.get(JSON.stringify([probe.netns, probe.probe, probe.kind, probe.target])) ?? [];
}

function acceptDetail(netns, detail) {
  // Of one that is gone the last that was seen stays.
  if (!detail) return;
  if (store.detail?.namespace.name !== netns) store.rates.clear();
  store.detail = detail;
  for (const item of detail.interfaces ?? []) {
    const past = store.rates.get(item.ifindex) ?? [];
    if (past.length && past[past.length - 1].time === detail.time) continue;
    past.push({ time: detail.time, counters: item.counters });
    if (past.length > KEPT + 1) past.shift();
    store.rates.set(item.ifindex, past);
  }
}

/** The increases of a counter in each second, oldest first; null where it began anew. */
function rates(ifindex, counter) {
  const past = store.rates.get(ifindex) ?? [];
  return past.slice(1).map((now, index) => {
    const before = past[index];
    const grown = now.counters[counter] - before.counters[counter];
    return { time: now.time, value: grown >= 0 && now.time > before.time ? grown / (now.time - before.time) : null };
  });
}

/** What is wrong with a namespace of the overview. */
function problems(entry) {
  const drifted = Object.values(entry.drifted ?? {}).reduce((sum, number) => sum + number, 0);
  // The word stands there while there is no gateway at all: that may be meant so, and no alert speaks of it either.
  const failed = (store.probes?.get(entry.name) ?? [])
    .filter((probe) => probe.success === false && probe.target !== "gateway");
  const down = (entry.interfaces ?? []).filter((item) => item.down);
  const severity = SEVERITIES.find((word) => entry.drifted?.[word] > 0);
  // Worse first: unreachable, down, then drift by severity.
  const rank = (failed.length ? 8 : 0) + (down.length ? 4 : 0) + (severity ? 3 - SEVERITIES.indexOf(severity) : 0);
  return { drifted, severity, failed, down, rank };
}

// The path is walked on its own: a step of it may wait for an answer that never comes.

let diagnosisTime = 0;
let diagnosisOf = null;

async function diagnose(isForced = false) {
  const netns = route.netns;
  if (route.view !== "namespace" || !has("/api/v1/diagnose") || !store.byName.has(netns)) return;
  if (!isForced && diagnosisOf === netns && performance.now() - diagnosisTime < DIAGNOSIS_PAUSE) return;
  if (diagnosisOf !== netns) store.diagnosis = null;
  diagnosisOf = netns;
  diagnosisTime = performance.now();
  try {
    const answer = await ask("/api/v1/diagnose", { netns });
    if (netns !== route.netns) return;
    store.diagnosis = answer;
    store.diagnosisError = null;
  } catch (error) {
    if (netns !== route.netns) return;
    store.diagnosisError = error instanceof Gone ? "there is no answer for this namespace" : error.message;
  }
  update();
}
