// Zones as boxes on the floors of their level (Purdue's, the plant at the bottom, the outside above all), what passes
// between two of them as one line: whole where a conduit allows it, broken and marked where none does.
import { h, s, visible } from "./dom.js";
import { chart, label } from "./charts.js";
import * as f from "./format.js";
import { t } from "./texts.js";

const BOX = { width: 132, height: 44 },
  FLOOR = 108,
  LEFT = 62;

const levelOf = zone => (zone.name === "outside" ? 9 : zone.name === "inside" ? 4.25 : (zone.level ?? 4));

// Every end that a conduit names has a box, also one that is no zone.
export function zonesOf(said) {
  const zones = new Map((said.zones || []).map(zone => [zone.name, zone]));
  for (const row of said.conduits || [])
    for (const end of [row.from, row.to]) if (!zones.has(end)) zones.set(end, { name: end, level: null });
  return [...zones.values()];
}

export function pairsOf(rows) {
  const pairs = new Map();
  for (const row of rows) {
    const key = `${row.from}\u0000${row.to}`;
    const pair = pairs.get(key) || { from: row.from, to: row.to, bytes: 0, rows: 0, refused: 0, unknown: 0 };
    pair.bytes += (row.bytes || 0) + (row.bytes_back || 0);
    pair.rows++;
    pair.refused += row.allowed === false;
    pair.unknown += row.allowed !== false && row.allowed !== true;
    pairs.set(key, pair);
  }
  return [...pairs.values()];
}

function placed(zones, width) {
  const floors = [...new Set(zones.map(levelOf))].sort((a, b) => b - a),
    places = new Map();
  floors.forEach((level, row) => {
    const here = zones.filter(zone => levelOf(zone) === level),
      each = (width - LEFT) / here.length;
    // One box alone stands aside of the one below it, so that what passes both is seen.
    const aside = here.length > 1 ? 0 : (level === 4.25 ? -0.3 : row % 2 ? 0.1 : -0.04) * (width - LEFT);
    here.forEach((zone, i) =>
      places.set(zone.name, {
        x: LEFT + (i + 0.5) * each + aside,
        y: 30 + row * FLOOR,
        row,
        zone,
        wide: Math.min(BOX.width, each - 10),
      }),
    );
  });
  return { places, floors, height: 30 + (floors.length - 1) * FLOOR + BOX.height + 24 };
}

// Two ways between the same two zones run side by side.
function curve(a, b) {
  if (a === b) return `M${a.x + a.wide / 2 - 14} ${a.y}c0 -22 34 -22 14 12`;
  const down = b.y > a.y,
    side = a.x <= b.x ? 10 : -10,
    shift = down ? -10 : 10;
  if (a.y === b.y)
    return `M${a.x + side} ${a.y}C${a.x + side} ${a.y - 40} ${b.x - side} ${b.y - 40} ${b.x - side} ${b.y - 5}`;
  const y0 = down ? a.y + BOX.height : a.y,
    y1 = down ? b.y - 5 : b.y + BOX.height + 5,
    bend = (y1 - y0) / 2;
  const past = Math.abs(a.row - b.row) - 1,
    bow = past > 0 ? (a.x < b.x ? -1 : 1) * (70 + 35 * past) : 0; // around who is between
  return `M${a.x + shift} ${y0}C${a.x + shift + bow} ${y0 + bend} ${b.x + shift + bow} ${y1 - bend} ${b.x + shift} ${y1}`;
}

const kindOf = pair => (pair.refused ? "refused" : pair.unknown ? "unknown" : "allowed");

function edge(pair, places) {
  const words = t("edge", visible(pair.from), visible(pair.to), f.bytes(pair.bytes), t(`edge_${kindOf(pair)}`));
  const d = curve(places.get(pair.from), places.get(pair.to));
  const path = s(
    "path",
    { class: `edge ${kindOf(pair)}`, d, "marker-end": `url(#end-${kindOf(pair)})` },
    s("title", {}, words),
  );
  path.style.strokeWidth = `${Math.max(1.5, Math.min(7, Math.log10(1 + pair.bytes) - 3)).toFixed(1)}px`;
  return path;
}

function box(place) {
  const { x, y, wide, zone } = place,
    text = visible(zone.name);
  const short = text.length > wide / 7.5 ? `${text.slice(0, Math.floor(wide / 7.5) - 1)}…` : text;
  return s(
    "g",
    { class: `zone ${zone.state || ""}` },
    s("title", {}, text),
    s("rect", { x: x - wide / 2, y, width: wide, height: BOX.height, rx: 6 }),
    label(x, y + (f.known(zone.level) ? 19 : 27), short, { class: "zone-name", "text-anchor": "middle" }),
    f.known(zone.level) &&
      label(
        x,
        y + 34,
        [t("level", zone.level), zone.state && t.or(`zone_${zone.state}`, zone.state)].filter(Boolean).join(" · "),
        { "text-anchor": "middle" },
      ),
  );
}

const arrow = kind =>
  s(
    "marker",
    {
      id: `end-${kind}`,
      class: `arrow ${kind}`,
      viewBox: "0 0 8 8",
      refX: 6,
      refY: 4,
      markerWidth: 9,
      markerHeight: 9,
      markerUnits: "userSpaceOnUse",
      orient: "auto",
    },
    s("path", { d: "M0 0L8 4L0 8z" }),
  );

export function zoneMap(said) {
  const zones = zonesOf(said),
    pairs = pairsOf(said.conduits || []);
  return h(
    "div",
    { class: "zone-map" },
    chart(
      t("map_chart", f.count(zones.length), f.count(pairs.length), f.count(pairs.filter(p => p.refused).length)),
      (width, frame) => {
        const { places, floors, height } = placed(zones, width);
        const floor = (level, row) => [
          s("path", { class: "gridline", d: `M0 ${30 + row * FLOOR + BOX.height / 2}H${width}` }),
          label(0, 24 + row * FLOOR + BOX.height / 2, level === 9 ? "" : level === 4.25 ? "" : t("level", level)),
        ];
        return frame(
          width,
          height,
          s("defs", {}, ["allowed", "refused", "unknown"].map(arrow)),
          floors.map(floor),
          pairs.map(pair => edge(pair, places)),
          [...places.values()].map(box),
        );
      },
    ),
  );
}
