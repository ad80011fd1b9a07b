// Elements are made here and nowhere else. What came from the wire is a text node or an attribute of a fixed name:
// no markup is ever made of text (no innerHTML anywhere; the test looks for it, and so does Trusted Types).
const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  add(node, children);
  return node;
}

export function add(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

export function put(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

// What nobody would see, or what turns the direction of reading, stands there by its number, as in the report.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export const visible = text =>
  String(text).replace(UNSEEN, c => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

// A name that strangers chose: held apart from the direction of what surrounds it.
export const name = (text, props) => h("bdi", props, visible(text));

export const link = (href, text, props) => h("a", { href, ...props }, name(text));

export const hostLink = host => link(`#/host/${encodeURIComponent(host)}`, host);

export const destinationLink = destination => link(`#/destination/${encodeURIComponent(destination)}`, destination);

// The browser asks where to, or keeps it where it keeps such things.
export function save(bytes, as) {
  const href = URL.createObjectURL(bytes);
  h("a", { href, download: as }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}

// What is shown is replaced at most once a frame, however often it is asked for.
export function eachFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

// Likewise at most once in `ms`, for what the sensor tells in bursts.
export function atMostEach(draw, ms) {
  let timer = 0;
  return () => {
    timer =
      timer ||
      setTimeout(() => {
        timer = 0;
        draw();
      }, ms);
  };
}

// Never twice at a time: what is asked for meanwhile is done once more afterwards, however often it was asked for.
export function oneAtATime(act) {
  let running = null,
    next = null;
  const begin = () => {
    next = null;
    running = act().finally(() => {
      running = null;
    });
    return running;
  };
  return () => (running ? (next ??= running.then(begin, begin)) : begin());
}
