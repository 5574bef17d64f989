"use strict";
// What the pages are made of. All that comes from Prometheus is somebody else's text: it becomes text nodes, never markup.
// (Prometheus reads this file as a template: two braces in a row would be an action of it.)

const parameters = new URLSearchParams(location.search);
const ranges = [["5 min", 300], ["15 min", 900], ["1 h", 3600], ["6 h", 21600], ["1 d", 86400], ["7 d", 604800]];
const range = Number(parameters.get("range")) || 3600;
const every = 15000;
const mostRows = 300, mostLines = 20;

function element(name, attributes, ...children) {
  const svg = ["svg", "g", "path", "line", "rect", "text", "title"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

// A label's value within an expression: the escapes of JSON are among those of PromQL.
const quoted = (text) => JSON.stringify(text);

async function ask(path, query) {
  // Relative, since Prometheus may be served below a path.
  const answer = await fetch(`../api/v1/${path}?${new URLSearchParams(query)}`, { signal: AbortSignal.timeout(20000) });
  const body = await answer.json().catch(() => ({ error: `status ${answer.status}` }));
  if (body.status !== "success") throw new Error(body.error || `status ${answer.status}`);
  return body.data.result;
}

const now = (expression) => ask("query", { query: expression });
const overTime = (expression, end) => ask("query_range", {
  query: expression, start: end - range, end, step: Math.max(2, Math.ceil(range / 240)),
});

// Units -------------------------------------------------------------------------------------------------------------

function scaled(value, steps, name = "", digits = 3) {
  const [factor, unit] = steps.find(([from]) => Math.abs(value) >= from) || [1, name];
  return trim(value / factor, digits) + unit;
}
const trim = (value, digits) => String(Number(value.toPrecision(digits)));
const thousands = [[1e9, " G"], [1e6, " M"], [1e4, " k"]];
const units = {
  count: (value) => scaled(value, thousands, "", 4),
  bytesPerSecond: (value) => scaled(value, [[1e9, " GB/s"], [1e6, " MB/s"], [1e3, " kB/s"]], " B/s"),
  perSecond: (value) => `${scaled(value, thousands)} /s`,
  ratio: (value) => `${trim(value * 100, 3)} %`,
  seconds: (value) => {
    const size = Math.abs(value);
    if (size >= 1 || size === 0) return `${trim(value, 3)} s`;
    return size >= 1e-3 ? `${trim(value * 1e3, 3)} ms` : `${trim(value * 1e6, 3)} µs`;
  },
  since: (value) => {
    const age = Math.max(0, Date.now() / 1000 - value);
    const [size, name] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([s]) => age >= s) || [1, "s"];
    return `${Math.floor(age / size)} ${name} ago`;
  },
};

// Panels ------------------------------------------------------------------------------------------------------------

// A panel has a place on the page and `update(end)`, which asks and draws. `data-state` is for those who look from outside.
const panels = [];

function panel(kind, title, about, update) {
  const content = element("div", {});
  const section = element("section", { class: kind, "data-panel": title, "data-state": "waiting" },
    element("h2", {}, title), about ? element("p", {}, about) : null, content);
  document.getElementById("main").append(section);
  panels.push({
    async update(end) {
      try {
        section.dataset.state = await update(content, end) ? "ok" : "empty";
      } catch (error) {
        section.dataset.state = "error";
        section.title = error.message;
        throw error;
      }
    },
  });
}

// One number. `bad` and `fair` say from where on it is so; `bad` may be a function.
function tile(title, expression, options = {}) {
  panel("tile", title, "", async (content) => {
    const result = await now(expression);
    const value = result.length ? Number(result[0].value[1]) : undefined;
    if (value === undefined || Number.isNaN(value)) {
      content.replaceChildren(element("div", { class: "nothing" }, "unknown"));
      return false;
    }
    const mark = options.level ? options.level(value) : "";
    content.replaceChildren(element("strong", { class: mark }, (options.unit || units.count)(value)));
    return true;
  });
}
const trouble = (value) => (value > 0 ? "bad" : "good");
const worry = (value) => (value > 0 ? "fair" : "good");

// Rows are joined by the labels of `key`. `queries`: name -> expression. `columns`: heading, then what a row has there:
// `row.labels` are those of all queries, `row.NAME` the values; a cell is a text, a number with a unit, or a link.
function table(title, about, queries, key, columns, options = {}) {
  let rows = [], sorted = options.sort, descending = options.descending !== false, wanted = "";
  panel("wide", title, about, async (content) => {
    const found = new Map();
    for (const [name, result] of await Promise.all(
      Object.entries(queries).map(async ([name, expression]) => [name, await now(expression)]))) {
      for (const { metric, value } of result) {
        const id = JSON.stringify(key.map((label) => metric[label] || ""));
        const row = found.get(id) || { labels: {} };
        Object.assign(row.labels, metric);
        row[name] = Number(value[1]);
        found.set(id, row);
      }
    }
    rows = [...found.values()].map((row) => columns.map(([, cell]) => cell(row)));
    // What is there is kept: the search has the focus, perhaps.
    if (!content.firstChild) {
      const search = element("input", {
        type: "search", "aria-label": `Search in ${title}`, placeholder: "Search",
        oninput: () => { wanted = search.value.toLowerCase(); draw(content.lastChild); },
      });
      content.append(search, element("div", { class: "scroll" }));
    }
    content.firstChild.hidden = rows.length < 10 && !wanted;
    draw(content.lastChild);
    return rows.length > 0;
  });

  const words = (cell) => (cell === undefined || cell === null ? "" : typeof cell === "object" ? cell.text : String(cell));
  const weight = (cell) => (cell && typeof cell === "object" && cell.value !== undefined ? cell.value : words(cell));

  function draw(place) {
    if (!rows.length) return place.replaceChildren(element("div", { class: "nothing" }, options.nothing || "Nothing."));
    let shown = rows.filter((row) => !wanted || row.some((cell) => words(cell).toLowerCase().includes(wanted)));
    if (sorted !== undefined) {
      shown = shown.map((row) => [row, weight(row[sorted])]).sort(([, a], [, b]) => {
        const order = typeof a === "number" && typeof b === "number"
          ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
        return descending ? -order : order;
      }).map(([row]) => row);
    }
    const head = columns.map(([heading], index) => element("th", {
      scope: "col", "aria-sort": sorted === index ? (descending ? "descending" : "ascending") : "none",
    }, element("button", {
      type: "button", onclick: () => {
        descending = sorted === index ? !descending : false;
        sorted = index;
        draw(place);
        place.querySelectorAll("th button")[index].focus();
      },
    }, heading + (sorted === index ? (descending ? " ▾" : " ▴") : ""))));
    const body = shown.slice(0, mostRows).map((row) => element("tr", {}, ...row.map((cell) => {
      if (cell === undefined || cell === null) return element("td", {});
      if (typeof cell !== "object") return element("td", {}, String(cell));
      const inside = cell.href ? element("a", { href: cell.href }, cell.text) : cell.text;
      return element("td", { title: cell.title, class: `${cell.value === undefined ? "" : "number"} ${cell.mark || ""}`.trim() }, inside);
    })));
    place.replaceChildren(element("table", {},
      element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
    if (shown.length > mostRows) {
      place.append(element("div", { class: "nothing" }, `${mostRows} of ${shown.length}: search for the rest.`));
    }
  }
}
const number = (value, unit = units.count, level) => (value === undefined || Number.isNaN(value)
  ? undefined : { text: unit(value), value, mark: level ? level(value) : "" });
const moment = (time) => time && { ...number(time, units.since), title: new Date(time * 1000).toLocaleString() };
const severities = { critical: ["bad", 0], warning: ["fair", 1] };
const severity = (text = "") => ({ text, mark: (severities[text] || [])[0], value: (severities[text] || ["", 2])[1] });

// Lines over time. `queries`: expressions with what a line is called: labels -> text.
function chart(title, about, queries, unit = units.count) {
  panel("", title, about, async (content, end) => {
    const results = await Promise.all(queries.map(async ([expression, name]) =>
      (await overTime(expression, end)).map(({ metric, values }) => ({
        name: name(metric), points: values.map(([time, value]) => [time, Number(value)]).filter(([, v]) => isFinite(v)),
      }))));
    const all = results.flat().filter((line) => line.points.length);
    const last = (line) => line.points[line.points.length - 1][1];
    all.sort((a, b) => Math.abs(last(b)) - Math.abs(last(a)) || (a.name < b.name ? -1 : 1));
    const lines = all.slice(0, mostLines);
    if (!lines.length) {
      content.replaceChildren(element("div", { class: "nothing" }, "Nothing in this time."));
      return false;
    }
    // By name, so that a line keeps its colour when another overtakes it.
    [...lines].sort((a, b) => (a.name < b.name ? -1 : 1)).forEach((line, index) => {
      line.color = `var(--c${index % 10})`;
    });
    content.replaceChildren(plot(content, title, lines, unit, end), element("div", { class: "at" }),
      element("ul", { class: "legend" }, ...lines.map((line) => element("li", {},
        element("i", { style: `background:${line.color}` }), `${line.name}: ${unit(last(line))}`)),
      ...(all.length > lines.length ? [element("li", {}, `and ${all.length - lines.length} more`)] : [])));
    return true;
  });
}

const clock = (time) => new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const day = (time) => new Date(time * 1000).toLocaleDateString([], { month: "short", day: "numeric" });

function timeAxis(width, top, left, end) {
  const made = [];
  const count = Math.max(2, Math.floor((width - left) / 90));
  for (let i = 0; i <= count; i++) {
    const time = end - range + (range * i) / count;
    made.push(element("text", { x: left + ((width - left) * i) / count, y: top,
      "text-anchor": i === 0 ? "start" : i === count ? "end" : "middle" }, range > 86400 ? day(time) : clock(time)));
  }
  return made;
}

function plot(content, title, lines, unit, end) {
  const width = Math.max(240, content.clientWidth), height = 170, left = 62, bottom = 20;
  let low = 0, high = 0;
  for (const line of lines) {
    for (const [, value] of line.points) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (high === low) high = low + 1;
  // Round steps, so that the axis can be read.
  const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw));
  const fine = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const step = unit === units.count ? Math.max(1, Math.ceil(fine)) : fine;
  low = Math.floor(low / step) * step;
  high = Math.ceil(high / step) * step;
  const x = (time) => left + ((time - end + range) / range) * (width - left);
  const y = (value) => 8 + (1 - (value - low) / (high - low)) * (height - bottom - 8);
  const made = element("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": title });
  for (let value = low; value <= high + step / 2; value += step) {
    made.append(element("line", { class: "grid", x1: left, x2: width, y1: y(value), y2: y(value) }),
      element("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, unit(Math.abs(value) < step / 1e6 ? 0 : value)));
  }
  made.append(...timeAxis(width, height - 4, left, end));
  // A gap where nothing was measured.
  const gap = Math.max(2, Math.ceil(range / 240)) * 2.5;
  for (const line of lines) {
    let path = "", before;
    for (const [time, value] of line.points) {
      path += `${before !== undefined && time - before < gap ? "L" : "M"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
      before = time;
    }
    made.append(element("path", { class: "line", d: path + "h.01", style: `stroke:${line.color}` }));
  }
  const cursor = element("line", { class: "cursor", y1: 8, y2: height - bottom, visibility: "hidden" });
  made.append(cursor);
  made.addEventListener("pointermove", (event) => {
    const box = made.getBoundingClientRect();
    const time = end - range + ((event.clientX - box.left - left) / (width - left)) * range;
    if (time < end - range) return;
    cursor.setAttribute("visibility", "visible");
    cursor.setAttribute("x1", x(time));
    cursor.setAttribute("x2", x(time));
    const near = lines.map((line) => {
      const point = line.points.reduce((best, p) => (Math.abs(p[0] - time) < Math.abs(best[0] - time) ? p : best));
      return Math.abs(point[0] - time) < gap ? `${line.name} ${unit(point[1])}` : undefined;
    }).filter(Boolean).slice(0, 8);
    content.querySelector(".at").textContent = `${new Date(time * 1000).toLocaleString()}: ${near.join(", ") || "nothing"}`;
  });
  made.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    content.querySelector(".at").textContent = "";
  });
  return made;
}

// What is 0 or 1 at each moment, a row for each series; the ones that are 0 now come first.
function lanes(title, about, expression, name, order) {
  panel("", title, about, async (content, end) => {
    const result = (await overTime(expression, end)).map(({ metric, values }) => ({
      name: name(metric), points: values.map(([time, value]) => [time, Number(value)]),
      rank: order ? order(metric) : 0,
    }));
    const latest = (lane) => lane.points[lane.points.length - 1][1];
    result.sort((a, b) => (order ? a.rank - b.rank : latest(a) - latest(b)) || (a.name < b.name ? -1 : 1));
    const shown = result.slice(0, 30);
    if (!shown.length) {
      content.replaceChildren(element("div", { class: "nothing" }, "Nothing in this time."));
      return false;
    }
    const width = Math.max(240, content.clientWidth), left = Math.min(220, width * 0.4), tall = 20;
    const made = element("svg", { viewBox: `0 0 ${width} ${shown.length * tall + 20}`, height: shown.length * tall + 20,
      role: "img", "aria-label": `${title}: ${shown.map((lane) => `${lane.name} ${latest(lane) ? "ok" : "not"}`).join(", ")}` });
    const step = Math.max(2, Math.ceil(range / 240));
    const x = (time) => left + (Math.max(0, time - end + range) / range) * (width - left);
    shown.forEach((lane, row) => {
      const label = lane.name.length > 34 ? `${lane.name.slice(0, 33)}…` : lane.name;
      made.append(element("text", { x: 0, y: row * tall + 14 }, element("title", {}, lane.name), label));
      let begin = 0;
      lane.points.forEach(([time, value], index) => {
        const next = lane.points[index + 1];
        if (next && next[1] === value && next[0] - time < 2.5 * step) return;
        made.append(element("rect", { x: x(lane.points[begin][0] - step), y: row * tall + 3, height: tall - 6,
          width: Math.max(1, x(time) - x(lane.points[begin][0] - step)),
          style: `fill:var(--${value ? "good" : "bad"})` }, element("title", {}, `${lane.name}: ${value ? "ok" : "not"}`)));
        begin = index + 1;
      });
    });
    made.append(...timeAxis(width, shown.length * tall + 14, left, end));
    content.replaceChildren(made);
    return true;
  });
}

// Links -------------------------------------------------------------------------------------------------------------

const page = (name, labels) =>
  `${name}.html?${new URLSearchParams({ ...labels, ...(range === 3600 ? {} : { range }) })}`;
const toFleet = () => page("netdrift", {});
const toHost = (instance) => ({ text: instance, href: page("netdrift-host", { instance }) });
const toNamespace = (instance, netns) => ({ text: netns, href: page("netdrift-namespace", { instance, netns }) });

// Panels that more than one page has --------------------------------------------------------------------------------

function alertTable(selector) {
  const what = (l) => [l.sysctl, l.device, l.probe && `${l.probe} ${l.target}`, l.collector, l.reason].filter(Boolean).join(" ");
  table("Alerts", "", { firing: `ALERTS{alertstate="firing",alertname=~"Netdrift.+|Netns.+"${selector}}` },
    ["alertname", "severity", "instance", "netns", "sysctl", "rule", "device", "probe", "target", "collector", "reason"], [
      ["Alert", (row) => row.labels.alertname],
      ["Severity", (row) => severity(row.labels.severity)],
      ["Host", (row) => row.labels.instance && toHost(row.labels.instance)],
      ["Namespace", (row) => row.labels.netns && toNamespace(row.labels.instance, row.labels.netns)],
      ["What", (row) => what(row.labels)],
    ], { nothing: "No alert is firing.", sort: 1, descending: false });
}

function driftTable(selector) {
  table("Drift", "What is not as it should be, from what to what, and since when.", {
    since: `netns_sysctl_drift_start_timestamp_seconds${selector}`,
    info: `netns_sysctl_drift_info${selector}`,
    drifted: `netns_sysctl_drift${selector} == 1`,
  }, ["instance", "netns", "sysctl", "rule"], [
    ["Host", (row) => toHost(row.labels.instance)],
    ["Namespace", (row) => toNamespace(row.labels.instance, row.labels.netns)],
    ["Sysctl", (row) => row.labels.sysctl],
    ["Expected", (row) => row.labels.expected],
    ["Actual", (row) => ({ text: row.labels.actual || "", mark: "bad" })],
    ["Since", (row) => moment(row.since)],
    ["Rule", (row) => `${row.labels.rule} (${row.labels.source || "unknown"})`],
    ["Severity", (row) => severity(row.labels.severity)],
  ], { nothing: "Nothing has drifted.", sort: 5 });
}

// The page ----------------------------------------------------------------------------------------------------------

const steps = ["link", "carrier", "address", "route", "gateway", "peer", "bridge", "forwarding", "rp_filter",
  "return_route", "filter", "mtu", "target"];

// Draws the page and keeps it true: what could not be asked again is said to be old.
function begin(crumbs, define) {
  document.getElementById("way").append(...crumbs.map((crumb, index) => (index === crumbs.length - 1
    ? element("span", { "aria-current": "page" }, crumb.text) : element("a", { href: crumb.href }, crumb.text))));
  document.title = crumbs[crumbs.length - 1].text + " – netdrift";
  const choice = document.getElementById("range");
  choice.append(...ranges.map(([text, seconds]) =>
    element("option", { value: seconds, selected: seconds === range ? "" : undefined }, text)));
  choice.addEventListener("change", () => {
    parameters.set("range", choice.value);
    location.search = parameters;
  });
  define();

  const status = document.getElementById("status");
  let good, running = false;
  async function refresh() {
    if (running) return;
    running = true;
    const end = Math.floor(Date.now() / 1000);
    const outcomes = await Promise.allSettled(panels.map((panel) => panel.update(end)));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    if (failed.length < outcomes.length) good = end;
    document.body.dataset.updated = good || "";
    status.className = failed.length ? "bad" : "";
    status.textContent = failed.length
      ? `${failed.length} of ${outcomes.length} could not be asked (${failed[0].reason.message}); `
        + (good ? `last answer ${new Date(good * 1000).toLocaleTimeString()}` : "no answer yet")
      : `As of ${new Date(end * 1000).toLocaleTimeString()}`;
    running = false;
  }
  refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}
