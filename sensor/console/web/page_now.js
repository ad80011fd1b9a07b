// What is leaving, now: the present hour by zone and destination against what is usual, rates, drops, what of the alert
// budget is spent, and alerts as they are told.
import { ask } from "./api.js";
import { atMostEach, destinationLink, eachFrame, h, name, put } from "./dom.js";
import * as charts from "./charts.js";
import * as f from "./format.js";
import { alertLine, chip, nothing, panel, refused, tile } from "./parts.js";
import { table } from "./table.js";
import { t } from "./texts.js";

const RATES = 150; // of 2 s each: five minutes
const ALERTS = 20;
const SEEN = 1000; // of alerts' ids; what is told twice is told soon

const bandColumns = (title, nameOf, most, least) => [
  { title, cell: nameOf, key: row => row.zone || row.destination || "" },
  { title: t("out_hour"), end: true, cell: row => f.bytes(row.out_bytes_hour), key: row => row.out_bytes_hour || 0 },
  { title: t("usual"), end: true, className: "wide-only", cell: row => f.range(bandOf(row)) },
  {
    title: t("against_usual"),
    className: "bar-cell",
    cell: row => [charts.bandBar(row.out_bytes_hour || 0, bandOf(row), most()), unusual(row), later(row, least())],
  },
];

const bandOf = row =>
  f.known(row.expected_low) && f.known(row.expected_high) ? [row.expected_low, row.expected_high] : null;

// Without a band: how far it is from one.
const later = (row, least) =>
  !bandOf(row) &&
  f.known(row.expected_hours) &&
  f.known(least) &&
  h("span", { class: "soft" }, t("usual_later", f.count(row.expected_hours), f.count(least)));

// Said by a word as well as by a colour.
const unusual = row =>
  bandOf(row) && row.out_bytes_hour > row.expected_high && h("span", { class: "mark" }, t("above_usual"));

function mostOf(rows) {
  return Math.max(1, ...rows.flatMap(row => [row.out_bytes_hour || 0, row.expected_high || 0]));
}

function why(what, key) {
  const words = what?.[`${key}_why`];
  return words ? t("not_known_why", words) : t("not_known");
}

export async function open(root, words, app) {
  const state = { now: await ask("/v1/now", { signal: app.signal }), alerts: [], rates: [], seen: new Set() };
  const zoneMost = { value: 1 },
    destinationMost = { value: 1 },
    least = () => state.now.expected_hours_least;
  const zones = table({
    caption: t("zones_now"),
    empty: t("nothing_hour"),
    rows: [],
    columns: bandColumns(
      t("zone"),
      row => name(row.zone),
      () => zoneMost.value,
      least,
    ),
  });
  const columns = bandColumns(
    t("destination"),
    row => [destinationLink(row.destination), row.trusted && chip(t("trusted"))],
    () => destinationMost.value,
    least,
  );
  columns.splice(1, 0, { title: t("hosts"), end: true, cell: row => f.count(row.hosts), key: row => row.hosts || 0 });
  const destinations = table({ caption: t("destinations_now"), empty: t("nothing_hour"), rows: [], columns });
  const tiles = h("div", { class: "tiles" });
  const log = h("ol", { class: "alert-log" });
  const bandless = h("p", { class: "soft", hidden: true });
  const hourWords = h("p", { class: "soft", hidden: true });
  const blind = h("div", { class: "blind", hidden: true });
  const rate = charts.rate(() => state.rates, RATES, t("rate_chart"));
  const rateWords = h("p", { class: "soft figure" });

  function drawTiles() {
    const n = state.now,
      spent = n.budget && n.budget.of > 0 ? n.budget.spent / n.budget.of : null;
    put(
      tiles,
      tile(
        t("out_rate"),
        f.known(n.bytes_s) ? t("per_s", f.bytes(n.bytes_s)) : why(n, "bytes_s"),
        t("packets_rate", f.count(n.packets_s)),
      ),
      f.known(n.out_bytes_hour) &&
        tile(t("left_hour"), f.bytes(n.out_bytes_hour), n.hour && t("until", f.clock(n.hour.ends))),
      f.known(n.incidents_open) &&
        tile(t("open_incidents"), h("a", { href: "#/incidents" }, f.count(n.incidents_open)), t("to_look_at")),
      tile(
        t("drops"),
        f.known(n.drops) ? f.count(n.drops) : why(n, "drops"),
        n.drops > 0 ? t("drops_some") : t("drops_none"),
        { class: n.drops > 0 ? "tile loud" : "tile" },
      ),
      tile(
        t("budget"),
        spent === null ? why(n, "budget") : f.share(spent),
        spent === null
          ? null
          : [
              charts.meter(spent, t("budget_spent")),
              t("budget_words", f.few(n.budget.spent), f.few(n.budget.of)),
            ],
      ),
    );
  }

  function drawTables() {
    zoneMost.value = mostOf(state.now.zones || []);
    destinationMost.value = mostOf(state.now.destinations || []);
    zones.set(state.now.zones || []);
    destinations.set(state.now.destinations || []);
    const n = state.now,
      listed = (n.destinations || []).length;
    bandless.hidden = !n.expected_why && !(n.destinations_total > listed);
    put(
      bandless,
      n.destinations_total > listed && [t("of_all", f.count(listed), f.count(n.destinations_total)), ". "],
      n.expected_why && t("band_why", n.expected_why),
    );
    hourWords.hidden = !(n.hour && n.hour_class);
    if (!hourWords.hidden) put(hourWords, t("usual_of", t.or(`class_${n.hour_class}`, n.hour_class), gone(n)));
    blind.hidden = !(state.now.blind?.length > 0);
    put(
      blind,
      h("strong", {}, t("blind_now")),
      " ",
      (state.now.blind || []).map((line, i) => [i ? "; " : "", name(line)]),
    );
  }

  function drawRate() {
    if (f.known(state.now.bytes_s)) state.rates.push(state.now.bytes_s);
    if (state.rates.length > RATES) state.rates.shift();
    put(rateWords, t("rate_words", f.bytes(Math.max(0, ...state.rates)), f.lasting(2 * state.rates.length)));
    rate.again();
  }

  // A line told twice is shown once: event.id says so.
  function take(list) {
    for (const record of list) {
      const id = record.event?.id;
      if (id && state.seen.has(id)) continue;
      if (id) state.seen.add(id);
      if (state.seen.size > SEEN) state.seen.delete(state.seen.values().next().value);
      state.alerts.push(record);
    }
    state.alerts.sort((a, b) => (a["@timestamp"] < b["@timestamp"] ? 1 : -1));
    state.alerts.length = Math.min(state.alerts.length, ALERTS);
  }

  function drawAlerts() {
    put(
      log,
      state.alerts.length ? state.alerts.map(r => h("li", {}, alertLine(r))) : h("li", {}, nothing(t("no_alerts"))),
    );
  }

  const draw = eachFrame(() => {
    drawTiles();
    drawTables();
    drawRate();
  });
  put(
    root,
    h("h1", { tabindex: -1 }, t("now_title")),
    blind,
    tiles,
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        {},
        panel(t("latest_alerts"), h("div", { "aria-live": "polite", "aria-relevant": "additions" }, log)),
        panel(t("rate_title"), rate, rateWords),
      ),
      h(
        "div",
        {},
        panel(t("zones_now"), state.now.zones ? [zones.node, key(), hourWords] : nothing(why(state.now, "zones"))),
        panel(t("destinations_now"), destinations.node, !state.now.zones && hourWords, bandless),
      ),
    ),
  );
  take(state.now.alerts || []);
  drawAlerts();
  drawTiles();
  drawTables();
  drawRate();
  const alerts = atMostEach(drawAlerts, 250);
  return {
    hear(kind, data) {
      if (kind === "alert") take([data]);
      if (kind === "now") state.now = data;
      if (kind === "back")
        ask("/v1/now", { signal: app.signal }).then(said => {
          take(said.alerts || []);
          alerts();
        }, refused);
      if (kind === "now") draw();
      else alerts();
    },
  };
}

// How much of the hour is over, by packet time.
const gone = n => f.lasting(Math.max(0, (Date.parse(n.at) - Date.parse(n.hour.starts)) / 1000));

const key = () =>
  h(
    "p",
    { class: "chart-key" },
    h("span", { class: "key-band" }, t("key_band")),
    h("span", { class: "key-bar" }, t("key_bar")),
    h("span", { class: "key-over" }, t("key_over")),
  );
