// One inside host: this hour and its week against what it usually sends, to whom, and what the sensor has learned.
import { ask } from "./api.js";
import * as actions from "./actions.js";
import { destinationLink, h, name, put } from "./dom.js";
import * as charts from "./charts.js";
import * as f from "./format.js";
import { button, chip, nothing, panel, refused, score, tile } from "./parts.js";
import { folded, table } from "./table.js";
import { t } from "./texts.js";

const REFRESH_MS = 15000;

export const gravest = incident =>
  incident &&
  h("a", { href: `#/incident/${incident.id}` }, score(incident.urgency, incident.score), " ", f.shortId(incident.id));

export function usualCell(row, most) {
  const over = row.expected && row.out_bytes > row.expected[1];
  return [charts.bandBar(row.out_bytes, row.expected, most), over && h("span", { class: "mark" }, t("above_usual"))];
}

export const mostOf = rows => Math.max(1, ...rows.flatMap(r => [r.out_bytes, r.expected?.[1] || 0]));

function destinations(rows) {
  const most = mostOf(rows);
  return table({
    caption: t("destinations"),
    rows,
    sort: { at: 1, down: true },
    empty: t("nothing_hour"),
    columns: [
      {
        title: t("destination"),
        cell: r => [
          destinationLink(r.name),
          r.role === "served" && chip(t("served")),
          r.met === false && chip(t("new"), "new"),
        ],
        key: r => r.name,
      },
      { title: t("out_hour"), end: true, cell: r => f.bytes(r.out_bytes), key: r => r.out_bytes },
      { title: t("usual"), end: true, className: "wide-only", cell: r => f.range(r.expected) },
      { title: t("against_usual"), className: "bar-cell", cell: r => usualCell(r, most) },
      { title: t("how_rare"), end: true, cell: r => f.rarity(r.p), key: r => r.p ?? 1 },
      { title: t("flows"), end: true, cell: r => f.count(r.flows), key: r => r.flows || 0 },
      {
        title: t("first_seen"),
        cell: r => (r.first_seen ? f.day(r.first_seen) : t(r.met === false ? "this_hour" : "none")),
        key: r => r.first_seen || "",
      },
      { title: t("prevalence"), end: true, cell: r => f.count(r.prevalence), key: r => r.prevalence || 0 },
      { title: t("incident"), cell: r => gravest(r.incident), key: r => r.incident?.score || 0 },
    ],
  }).node;
}

// Of the site's week: Monday is its first day.
function hourOfWeek(now, zone) {
  const parts = new Intl.DateTimeFormat("en", {
    weekday: "short",
    hour: "2-digit",
    hour12: false,
    timeZone: zone || "UTC",
  }).formatToParts(new Date(now));
  const get = kind => parts.find(p => p.type === kind).value;
  return ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(get("weekday")) * 24 + (Number(get("hour")) % 24);
}

function week(said) {
  const w = said.week;
  if (!w?.share?.some(f.known)) return nothing(said.week_why ? t("not_known_why", said.week_why) : t("no_week"));
  const days = t("days_short").split(" ");
  const rows = days.map((day, d) => ({ day, hours: w.share.slice(24 * d, 24 * d + 24) }));
  const columns = [
    { title: t("day"), cell: r => r.day },
    ...[...Array(24).keys()].map(i => ({
      title: String(i).padStart(2, "0"),
      end: true,
      cell: r => f.share(r.hours[i]),
    })),
  ];
  return [
    charts.week(w.share, said.now ? hourOfWeek(said.now, w.zone) : null, days, t("week_chart")),
    h(
      "p",
      { class: "chart-key" },
      t("less"),
      h(
        "span",
        { class: "heat-key", "aria-hidden": "true" },
        [0, 1, 2, 3, 4, 5].map(i => h("i", { class: `k${i}` })),
      ),
      t("more"),
      h("span", { class: "soft" }, ` · ${w.zone || "UTC"}`),
    ),
    folded(t("as_table"), columns, rows, t("week_chart")),
  ];
}

// The present hour and day on the band of those that it was active in.
function against(host, usualDay) {
  const rows = [
    { title: t("this_hour"), out_bytes: host.out_bytes, expected: host.expected },
    { title: t("today"), out_bytes: host.day_out_bytes, expected: usualDay },
  ];
  const cell = row => usualCell(row, mostOf([row]));
  return [
    table({
      caption: t("against_usual"),
      rows,
      columns: [
        { title: t("time"), cell: r => r.title },
        { title: t("left"), end: true, cell: r => f.bytes(r.out_bytes) },
        { title: t("usual"), end: true, className: "wide-only", cell: r => f.range(r.expected) },
        { title: t("against_usual"), className: "bar-cell", cell },
      ],
    }).node,
    h(
      "p",
      { class: "chart-key" },
      h("span", { class: "key-band" }, t("key_band")),
      h("span", { class: "key-bar" }, t("key_bar")),
      h("span", { class: "key-over" }, t("key_over")),
    ),
  ];
}

function learning(host) {
  if (!host.baseline) return tile(t("baseline"), t("unknown_yet"), t("no_past_here"));
  return tile(t("baseline"), t.or(`baseline_${host.baseline}`, host.baseline), t("hours_learned", f.count(host.hours)));
}

function tiles(host, usualDay) {
  const over = host.expected && host.out_bytes > host.expected[1];
  return h(
    "div",
    { class: "tiles" },
    tile(
      t("left_hour"),
      f.bytes(host.out_bytes),
      host.expected ? t("usually", f.range(host.expected)) : t("no_usual"),
      { class: over ? "tile loud" : "tile" },
    ),
    tile(t("how_rare"), f.rarity(host.p), t("single_look")),
    tile(
      t("today"),
      [host.past_known === false && "≥ ", f.bytes(host.day_out_bytes)],
      [usualDay && `${t("usually", f.range(usualDay))} · `, t("came_in", f.bytes(host.in_bytes))],
    ),
    tile(t("destinations"), f.count(host.destinations), t("this_hour")),
    learning(host),
    host.incident && tile(t("incident"), gravest(host.incident), name(host.incident.rule || "")),
  );
}

// Who may only look is told what there is. While nobody knows whether it is frozen, both are there.
function govern(host, mayAct, again) {
  const freezing = host.baseline ? [host.baseline === "frozen" ? "thaw" : "freeze"] : ["freeze", "thaw"];
  const verbs = [...freezing, "reset"];
  const act = verb => button(t(verb), () => actions.govern(host.host, verb, again), { "data-act": verb });
  return h(
    "dl",
    { class: "facts" },
    verbs.map(verb =>
      h(
        "div",
        {},
        h("dt", {}, mayAct ? act(verb) : t(verb)),
        h("dd", { class: "soft" }, t(`${verb}_intro`)),
      ),
    ),
  );
}

async function draw(root, id, app) {
  const said = await ask(`/v1/hosts/${encodeURIComponent(id)}`, { signal: app.signal });
  const host = said.host || {},
    usualDay = said.week?.day_expected;
  put(
    root,
    h(
      "div",
      { class: "page-head" },
      h("h1", { tabindex: -1 }, name(host.host || id)),
    ),
    tiles(host, usualDay),
    h("div", { class: "columns" }, panel(t("week_title"), week(said)), panel(t("against_usual"), against(host, usualDay))),
    panel(
      t("destinations_hour"),
      said.total > (said.destinations || []).length &&
        h("p", { class: "soft" }, t("of_all", f.count(said.destinations.length), f.count(said.total))),
      destinations(said.destinations || []),
    ),
    panel(t("govern_title"), govern(host, actions.mayAct(app.session), () => draw(root, id, app).catch(refused))),
  );
}

// Drawn again while nobody is in the middle of it.
export function repeated(root, app, again) {
  const timer = setInterval(() => {
    const busy =
      document.hidden ||
      document.querySelector("dialog[open]") ||
      root.querySelector("details[open]") ||
      (root.contains(document.activeElement) && document.activeElement.tagName !== "H1");
    if (!busy) again();
  }, REFRESH_MS);
  return () => clearInterval(timer);
}

export async function open(root, words, app) {
  const id = words[0] || "";
  const again = () => draw(root, id, app).catch(refused);
  await draw(root, id, app);
  return { stop: repeated(root, app, again) };
}
