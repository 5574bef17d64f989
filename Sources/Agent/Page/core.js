// What every part of the page builds with. All that comes from the host is somebody else's text: it goes into text nodes
// and attributes by these functions alone, never through a parser.

/** Characters that show nothing, or turn the direction of what follows: written out, so that a name cannot hide in them. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** A text as it may be shown. */
function shown(text) {
  return String(text).replace(UNSEEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** An element. `props` are attributes, but for `on`, which has handlers; children are nodes or texts. */
function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An element of SVG. */
function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else {
      node.setAttribute(name, value === true ? "" : shown(value));
    }
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : shown(child));
  }
}

/** Puts other children into an element. */
function replace(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/** Sets a text where it is another: what is not touched keeps its selection. */
function setText(node, text) {
  const value = shown(text);
  if (node.textContent !== value) node.textContent = value;
}

/** Sets or removes an attribute. */
function setAttribute(node, name, value) {
  if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/**
 * Makes the children of `parent` those of `items`, in their order. A child stays the same element as long as its item
 * keeps its key, so that focus and selection survive an update. `update` is called where the item is another.
 */
function reconcile(parent, items, key, make, update) {
  const known = new Map();
  for (const child of [...parent.children]) {
    if (child.reconcileKey === undefined || known.has(child.reconcileKey)) child.remove();
    else known.set(child.reconcileKey, child);
  }
  const used = new Set();
  let next = parent.firstElementChild;
  for (const item of items) {
    let name = String(key(item));
    // Two may look alike: what a name holds is not ours to say.
    while (used.has(name)) name += "\u0001";
    used.add(name);
    let child = known.get(name);
    if (child) known.delete(name);
    else {
      child = make(item);
      child.reconcileKey = name;
    }
    const signature = JSON.stringify(item);
    if (child.reconcileSignature !== signature) {
      child.reconcileSignature = signature;
      update(child, item);
    }
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const child of known.values()) child.remove();
}

// Numbers and times.

const NUMBER = new Intl.NumberFormat("en");

/** 12,345 */
function count(number) {
  return NUMBER.format(number);
}

/** `1 namespace`, `2 namespaces` */
function counted(number, word, many = `${word}s`) {
  return `${count(number)} ${number === 1 ? word : many}`;
}

/** A number with a unit and its multiples by a thousand: 12.3 kB/s. */
function scaled(number, unit) {
  for (const [factor, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(number) >= factor) return `${(number / factor).toPrecision(3)} ${prefix}${unit}`;
  }
  return `${number >= 100 || Number.isInteger(number) ? Math.round(number) : number.toPrecision(2)} ${unit}`;
}

/** A round-trip time: 83 µs, 1.24 ms. */
function roundTrip(seconds) {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toPrecision(3)} ms`;
  return `${seconds.toPrecision(3)} s`;
}

/** A length of time in its largest unit: 4 min. */
function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  for (const [length, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (whole >= 2 * length || (whole >= length && length > 60)) return `${Math.floor(whole / length)} ${unit}`;
  }
  return `${whole} s`;
}

/** A moment of the host's clock, seconds since the epoch, and how long ago it was by that clock. */
function moment(seconds) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return el("span", {}, "unknown");
  return el("time", { datetime: date.toISOString(), title: date.toISOString() },
    `${date.toLocaleString()} (`, el("span", { "data-since": seconds }, duration(hostTime() - seconds)), " ago)");
}

/** Keeps what `moment` shows true while time goes by. */
function updateMoments() {
  for (const node of document.querySelectorAll("[data-since]")) setText(node, duration(hostTime() - Number(node.dataset.since)));
}

// Parts that come again.

const SEVERITIES = ["critical", "warning", "info"];

/** A word with a colour and a sign: colour alone says nothing. */
function badge(kind, text, title) {
  return el("span", { class: `badge ${kind}`, title }, text);
}

/** A value of a sysctl; that it is empty is said. */
function value(text) {
  return text === "" ? el("span", { class: "dim" }, "empty") : name(text, "code");
}

/** A text of the host's, kept apart from what is around it, whatever its direction. */
function name(text, kind = "bdi") {
  return el(kind, { class: "name" }, text);
}

/** A link within the page. */
function link(target, ...children) {
  return el("a", { href: target }, ...children);
}

/** The fragment of a namespace's view. */
function namespaceFragment(netns) {
  return `#/ns/${encodeURIComponent(netns)}`;
}

/** A button that puts a text into the clipboard, and says so. */
function copyButton(text, what) {
  const button = el("button", { type: "button", class: "copy", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copy(text);
    button.textContent = done ? "Copied" : "Select it";
    announce(done ? `Copied ${what}` : "It could not be copied: select the text");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

async function copy(text) {
  try {
    // Only where the page is from this machine, or by TLS.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "hidden", "aria-hidden": "true" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}

/** Tells those who listen to the page. */
function announce(text) {
  setText(document.getElementById("status"), text);
}

/** How to mend something, of the form that the API has: `now: COMMAND`, `note: TEXT`, `for good: TEXT`, each a line. */
function remedy(text) {
  const parts = [];
  for (const line of String(text).split("\n")) {
    const found = /^(now|note|for good): (.*)$/.exec(line);
    if (found) parts.push({ kind: found[1], text: found[2] });
    else if (parts.length) parts[parts.length - 1].text += `\n${line}`;
    else parts.push({ kind: "now", text: line });
  }
  const titles = { now: "Mend it now", note: "Note", "for good": "Mend it for good" };
  return el("dl", { class: "remedy" }, parts.map((part) => [
    el("dt", {}, titles[part.kind]),
    el("dd", {}, part.kind === "note" ? part.text : [
      el("code", { class: "command name" }, part.text),
      copyButton(part.text, part.kind === "now" ? "the command" : "what to set"),
    ]),
  ]));
}
