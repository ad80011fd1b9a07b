// Charts drawn by us, as SVG. Each is given the width it has and draws itself again when that changes, so its letters
// stay as large as the page's. Each has a name that says what it shows, and a table beside it (its page's).
import { eachFrame, h, put, s } from "./dom.js";
import * as f from "./format.js";
import { t } from "./texts.js";

export function chart(label, draw) {
  const node = h("div", { class: "chart" });
  let width = 0;
  const again = eachFrame(() => {
    if (width > 0) put(node, draw(width, svg(label)));
  });
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width) return;
    width = now;
    again();
  }).observe(node);
  node.again = again;
  return node;
}

const svg =
  label =>
  (width, height, ...children) =>
    s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...children);

export const label = (x, y, text, props) => s("text", { x, y, ...props }, text);

// Roughly how wide a text is; enough to keep two apart.
const wide = text => 6.6 * String(text).length;

// The next of 1, 2, 5, 10, …
export function roundUp(value) {
  let step = 1;
  while (step < value) {
    if (2 * step >= value) return 2 * step;
    if (5 * step >= value) return 5 * step;
    step *= 10;
  }
  return step;
}

// --- one figure against what is usual ------------------------------------------------------------

// A bar with the expected band behind it, for a row of a table: the value stands beside it, the band where there is room.
export function bandBar(value, expected, most) {
  const x = v => (100 * Math.min(1, v / most)).toFixed(2);
  const over = expected && value > expected[1];
  return s(
    "svg",
    {
      class: "bandbar",
      viewBox: "0 0 100 12",
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": expected ? t("usually", f.range(expected)) : t("no_usual"),
    },
    s("rect", { class: "track", width: 100, height: 12 }),
    expected &&
      s("rect", { class: "band", x: x(expected[0]), width: Math.max(1, x(expected[1]) - x(expected[0])), height: 12 }),
    s("rect", { class: over ? "bar over" : "bar", y: 4, width: value > 0 ? Math.max(0.6, x(value)) : 0, height: 4 }),
  );
}

export function meter(part, words) {
  const node = h(
    "div",
    {
      class: "meter",
      role: "meter",
      "aria-label": words,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": Math.round(100 * Math.min(1, part)),
    },
    h("div"),
  );
  node.firstChild.style.width = `${Math.min(100, 100 * part)}%`;
  if (part >= 0.9) node.classList.add("full");
  return node;
}

// --- reasons: what was observed, on what was there before -----------------------------------------

const ROW = 58,
  AXIS = 26;

function logScale(low, high, left, right) {
  const a = Math.log10(low),
    b = Math.log10(high);
  return value => left + ((Math.log10(Math.max(value, low)) - a) / (b - a)) * (right - left);
}

// From a third below the least to three times the most of all that is to be seen.
function bounds(reasons, fires) {
  const all = reasons
    .flatMap(r => [r.observed, ...(r.expected || [])])
    .concat(fires)
    .filter(v => v > 0);
  return all.length ? [Math.max(0.5, Math.min(...all) / 3), Math.max(...all) * 3] : null;
}

function decades(scale, low, high, bottom, unit) {
  const ticks = [];
  let last = -Infinity;
  for (let power = Math.ceil(Math.log10(low)); 10 ** power <= high; power++) {
    const x = scale(10 ** power),
      text = f.amount(10 ** power, unit === "byte" ? unit : "");
    if (x - last < wide(text) + 14) continue;
    last = x;
    ticks.push(
      s("path", { class: "gridline", d: `M${x} 8V${bottom}` }),
      label(x, bottom + 16, text, { "text-anchor": "middle" }),
    );
  }
  return ticks;
}

function strip(reason, at, scale, width) {
  const y = at * ROW + 40,
    x = scale(reason.observed),
    over = !reason.expected || reason.observed > reason.expected[1];
  const end = x + 20 + 1.2 * wide(reason.said) > width;
  return [
    label(0, y - 18, reason.title, { class: "title" }),
    s("path", { class: "axis", d: `M0 ${y}H${width}` }),
    reason.expected &&
      s("rect", {
        class: "band",
        x: scale(reason.expected[0]),
        y: y - 9,
        rx: 3,
        height: 18,
        width: Math.max(3, scale(reason.expected[1]) - scale(reason.expected[0])),
      }),
    s("path", { class: over ? "seen over" : "seen", d: `M${x} ${y - 8}l8 8l-8 8l-8 -8z` }),
    label(end ? x - 13 : x + 13, y + 4, reason.said, { class: "said", "text-anchor": end ? "end" : "start" }),
  ];
}

// reasons: [{title, observed, said, expected}] of one unit; fires: from what on it is told.
export function reasons(list, unit, fires) {
  const span = bounds(list, fires ? [fires] : []);
  const words = list
    .map(r =>
      t(
        "strip",
        r.title,
        r.said,
        r.expected ? f.amount(r.expected[0], unit) : "–",
        r.expected ? f.amount(r.expected[1], unit) : "–",
      ),
    )
    .join("; ");
  if (!span) return null;
  return chart(words, (width, frame) => {
    const bottom = list.length * ROW + 8,
      scale = logScale(span[0], span[1], 8, width - 8);
    const x = fires ? scale(fires) : 0;
    return frame(
      width,
      bottom + AXIS,
      decades(scale, span[0], span[1], bottom, unit),
      fires && [s("path", { class: "fires", d: `M${x} 12V${bottom}` })],
      list.map((reason, at) => strip(reason, at, scale, width)),
    );
  });
}

// --- over time ---------------------------------------------------------------------------------

function rulers(width, left, top, down, most, say) {
  return [0, 1, 2, 3, 4].map(i => {
    const y = top + down - (down * i) / 4;
    return [
      s("path", { class: "gridline", d: `M${left} ${y}H${width}` }),
      label(left - 8, y + 4, say((most * i) / 4), { "text-anchor": "end" }),
    ];
  });
}

function hoursBelow(begin, end, x, y, width) {
  const count = Math.max(2, Math.floor(width / 120)),
    marks = [],
    say = end - begin < 1200000 ? f.second : f.minute;
  let day = "";
  for (let i = 0; i <= count; i++) {
    const at = begin + ((end - begin) * i) / count,
      today = f.day(at);
    const text = today === day ? say(at) : `${today.slice(5)} ${say(at)}`;
    const edge = i === 0 ? "start" : i === count ? "end" : "middle";
    day = today;
    marks.push(
      s("path", { class: "axis", d: `M${x(at)} ${y}v5` }),
      label(x(at), y + 18, text, { "text-anchor": edge }),
    );
  }
  return marks;
}

// points: [{ms, value, mark, words}] of a figure that only grows; mark: urgency.
export function story(points, words) {
  const LEFT = 66,
    TOP = 22,
    DOWN = 170;
  const begin = points[0].ms,
    end = Math.max(points.at(-1).ms, begin + 1000);
  const most = roundUp(Math.max(1, ...points.map(p => p.value)));
  return chart(words, (width, frame) => {
    const x = ms => LEFT + ((ms - begin) / (end - begin)) * (width - LEFT - 10);
    const y = value => TOP + DOWN - (value / most) * DOWN;
    const line = points
      .map((p, i) => (i ? `H${x(p.ms).toFixed(1)}V${y(p.value).toFixed(1)}` : `M${x(p.ms)} ${y(p.value).toFixed(1)}`))
      .join("");
    return frame(
      width,
      TOP + DOWN + 30,
      rulers(width, LEFT, TOP, DOWN, most, f.bytes),
      s("path", { class: "area", d: `${line}V${TOP + DOWN}H${x(begin)}z` }),
      s("path", { class: "line", d: line }),
      points.map(p =>
        s("circle", { class: `dot ${p.mark}`, cx: x(p.ms), cy: y(p.value), r: 4.5 }, s("title", {}, p.words)),
      ),
      hoursBelow(begin, end, x, TOP + DOWN, width - LEFT),
    );
  });
}

// The last minutes of a rate, newest at the right.
export function rate(values, room, words) {
  const DOWN = 64;
  return chart(words, (width, frame) => {
    const list = values(),
      most = roundUp(Math.max(1, ...list)),
      step = width / Math.max(1, room - 1);
    const points = list.map(
      (v, i) => `${(width - (list.length - 1 - i) * step).toFixed(1)} ${(DOWN - (v / most) * (DOWN - 6)).toFixed(1)}`,
    );
    const first = (width - (list.length - 1) * step).toFixed(1);
    return frame(
      width,
      DOWN + 2,
      s("path", { class: "axis", d: `M0 ${DOWN}H${width}` }),
      list.length > 1 && [
        s("path", { class: "area", d: `M${first} ${DOWN}L${points.join("L")}V${DOWN}z` }),
        s("path", { class: "line", d: `M${points.join("L")}` }),
      ],
    );
  });
}

// --- the week ------------------------------------------------------------------------------------

const STEPS = 6;

// 168 shares from Monday 00:00 on, the darker the more often.
export function week(shares, now, days, words) {
  const step = v => (v < 0.05 ? 0 : 1 + Math.min(STEPS - 2, Math.floor(v * (STEPS - 1))));
  return chart(words, (width, frame) => {
    const LEFT = 40,
      TOP = 18,
      each = (width - LEFT) / 24,
      high = Math.max(15, Math.min(26, each));
    const cell = (v, i) => {
      const x = LEFT + (i % 24) * each,
        y = TOP + Math.floor(i / 24) * high;
      return s(
        "rect",
        {
          class: `heat ${f.known(v) ? `heat${step(v)}` : "heatnone"}${i === now ? " heatnow" : ""}`,
          x: x + 1,
          y: y + 1,
          rx: 2,
          width: Math.max(1, each - 2),
          height: high - 2,
        },
        s("title", {}, `${days[Math.floor(i / 24)]} ${String(i % 24).padStart(2, "0")}:00  ${f.share(v)}`),
      );
    };
    const every = each < 20 ? 6 : 3;
    return frame(
      width,
      TOP + 7 * high + 2,
      days.map((d, i) => label(0, TOP + i * high + high / 2 + 4, d)),
      [...Array(24 / every).keys()].map(i =>
        label(LEFT + i * every * each, 12, `${String(i * every).padStart(2, "0")}`),
      ),
      shares.map(cell),
      f.known(now) &&
        s("rect", {
          class: "nowbox",
          x: LEFT + (now % 24) * each,
          y: TOP + Math.floor(now / 24) * high,
          width: each,
          height: high,
          rx: 3,
        }),
    );
  });
}
