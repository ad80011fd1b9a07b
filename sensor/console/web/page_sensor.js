// The sensor itself: whether it sees, whether it keeps up, what it did not see, and how far its sinks are behind.
import { ask } from "./api.js";
import { h, name, oneAtATime, put } from "./dom.js";
import { meter } from "./charts.js";
import * as f from "./format.js";
import { repeated } from "./page_host.js";
import { chip, panel, refused, tile } from "./parts.js";
import { facts, table } from "./table.js";
import { t } from "./texts.js";

const GOOD = new Set(["at work", "running", "up", "ok", "ready", "idle", "busy"]);
const state = word => chip(t.or(`is_${word}`, word ?? t("none")), GOOD.has(word) ? "ok" : "bad");
const each = (title, key, say = f.count) => ({ title, end: true, cell: r => say(r[key]), key: r => r[key] || 0 });

const workers = rows =>
  table({
    caption: t("capture"),
    rows,
    columns: [
      { title: t("worker"), cell: r => String(r.worker) },
      {
        title: t("state"),
        cell: r => [state(r.state), r.last_death && h("span", { class: "note" }, name(r.last_death))],
      },
      each(t("packets_s"), "packets_per_s"),
      { title: t("wire"), end: true, cell: r => t("per_s", f.bytes(r.bytes_per_s)) },
      { title: t("drops"), end: true, cell: r => f.count((r.kernel_drops || 0) + (r.interface_drops || 0)) },
      {
        title: t("ring"),
        className: "bar-cell",
        cell: r => meter(r.ring?.bytes ? r.ring.used_bytes / r.ring.bytes : 0, t("ring_of", r.worker)),
      },
      { title: t("ring_lasts"), end: true, cell: r => f.lasting(r.ring?.seconds) },
      each(t("restarts"), "restarts"),
    ],
  }).node;

const sinks = rows =>
  table({
    caption: t("sinks"),
    rows,
    empty: t("no_sinks"),
    columns: [
      {
        title: t("name"),
        cell: r => [
          name(r.name),
          h("span", { class: "soft" }, ` ${r.type || ""}`),
          r.last_error && h("span", { class: "note" }, name(r.last_error)),
        ],
      },
      { title: t("state"), cell: r => state(r.state) },
      each(t("delivered"), "delivered"),
      each(t("behind"), "behind"),
      { title: t("lag"), end: true, cell: r => f.lasting(r.lag_s), key: r => r.lag_s || 0 },
      { ...each(t("retries"), "retries"), className: "wide-only" },
      each(t("refused"), "refused"),
    ],
  }).node;

const interfaces = rows =>
  table({
    caption: t("interfaces"),
    rows,
    columns: [
      { title: t("name"), cell: r => name(r.name) },
      { title: t("state"), cell: r => state(r.state) },
      { title: t("vantage"), cell: r => name(r.vantage || "") },
    ],
  }).node;

// Those that share the store, out of it alone: a sensor that is cut off is silent here, whatever it sees.
const fleet = said => [
  table({
    caption: t("fleet"),
    rows: said.sensors || [],
    empty: t("no_fleet"),
    columns: [
      {
        title: t("name"),
        cell: r => [name(r.sensor), r.self && h("span", { class: "note" }, t("this_sensor"))],
        key: r => r.sensor,
      },
      { title: t("state"), cell: r => state(r.state), key: r => r.state },
      { title: t("sign"), end: true, cell: r => f.lasting(r.silent_ms / 1000), key: r => r.silent_ms },
      each(t("hours_behind"), "hours_behind"),
      {
        title: t("clock_ahead"),
        end: true,
        cell: r => (f.known(r.clock_ahead_ms) ? t("seconds", (r.clock_ahead_ms / 1000).toFixed(1)) : "?"),
      },
    ],
  }).node,
  said.more > 0 && h("p", { class: "soft" }, t("fleet_more", f.count(said.more))),
];

const detectors = rows =>
  table({
    caption: t("alerts_by"),
    rows,
    empty: t("no_alerts"),
    columns: [
      { title: t("detector"), cell: r => name(r.detector), key: r => r.detector },
      each(t("urgency_now"), "now"),
      each(t("urgency_shift"), "shift"),
      each(t("urgency_digest"), "digest"),
    ],
  }).node;

function coverage(said) {
  const rows = Object.entries(said.coverage || {}).map(([key, value]) => ({ key, value }));
  const find = h("input", {
    type: "search",
    "aria-label": t("find_counter"),
    placeholder: t("find_counter"),
    oninput: () => fit(),
  });
  const zero = h("input", { type: "checkbox", onchange: () => fit() });
  const fit = () =>
    list.set(
      rows.filter(r => r.key.includes(find.value.toLowerCase().replaceAll(" ", "_")) && (zero.checked || r.value > 0)),
    );
  const list = table({
    caption: t("coverage"),
    rows: rows.filter(r => r.value > 0),
    empty: t("no_counters"),
    className: "low",
    columns: [
      { title: t("counter"), cell: r => name(r.key.replaceAll("_", " ")), key: r => r.key },
      {
        title: t("value"),
        end: true,
        cell: r => (r.key.endsWith("_bytes") ? f.bytes(r.value) : f.count(r.value)),
        key: r => r.value,
      },
    ],
  });
  return [h("div", { class: "row" }, find, h("label", { class: "check" }, zero, " ", t("with_zeros"))), list.node];
}

function engine(said) {
  const e = said.engine || {},
    c = e.checkpoint || {};
  return facts([
    [t("records"), f.count(e.records)],
    [t("records_late"), f.count(e.records_late)],
    [t("waiting"), f.count(e.waiting_records)],
    [t("open_flows"), f.count(e.open_flows)],
    [t("hosts"), t("hosts_words", f.count(e.hosts), f.count(e.hosts_ready), f.count(e.hosts_learning))],
    [t("open_incidents"), f.count(e.incidents_open)],
    [t("checkpoint"), t("checkpoint_words", f.lasting(c.age_s), f.bytes(c.bytes))],
    [t("restarts"), f.count(e.restarts)],
  ]);
}

function stores(said) {
  const r = said.redis || {},
    j = said.journal || {};
  return facts([
    ["Redis", [state(r.state), r.why && h("span", { class: "note" }, name(r.why))]],
    [t("pending"), f.count(r.pending)],
    [t("absences"), f.count(r.absences)],
    [t("journal"), j.trouble ? chip(t("trouble"), "bad") : chip(t("is_ok"), "ok")],
    [t("journal_at"), t("journal_words", f.count(j.last), f.count(j.durable))],
    [t("journal_size"), f.bytes(j.bytes)],
    said.courier && [t("courier"), state(said.courier.state)],
    said.evidence && [
      t("evidence"),
      t("evidence_words", f.count(said.evidence.incidents), f.bytes(said.evidence.bytes)),
    ],
  ]);
}

const sum = (rows, key) => (rows || []).reduce((all, row) => all + (row[key] || 0), 0);

// Of the store, which may be away: the page does not wait for it, and keeps what was said before until it answers. One
// question at a time (`open`), so that no late answer takes the place of a newer one.
const askFleet = (sensors, app) =>
  ask("/v1/fleet", { signal: app.signal }).then(fleet).then(
    said => put(sensors, said),
    () => app.signal.aborted || put(sensors, h("p", { class: "note" }, t("fleet_unknown"))),
  );

async function draw(root, sensors, fleetAgain, app) {
  const said = await ask("/v1/status", { signal: app.signal });
  fleetAgain();
  const drops = sum(said.capture, "kernel_drops") + sum(said.capture, "interface_drops"),
    b = said.budget,
    blind = said.blind || [];
  put(
    root,
    h(
      "div",
      { class: "page-head" },
      h("h1", { tabindex: -1 }, t("sensor_title", said.sensor || "")),
      state(said.state),
      h("span", { class: "soft" }, t("version", said.version || "")),
    ),
    h(
      "div",
      { class: blind.length ? "blind" : "blind none", role: blind.length ? "alert" : null },
      h("strong", {}, t(blind.length ? "blind_now" : "blind_none")),
      blind.length > 0 &&
        h(
          "ul",
          {},
          blind.map(line => h("li", {}, name(line))),
        ),
    ),
    h(
      "div",
      { class: "tiles" },
      tile(t("judged_to"), f.clock(said.now), f.day(said.now)),
      tile(
        t("wire"),
        t("per_s", f.bytes(sum(said.capture, "bytes_per_s"))),
        t("packets_rate", f.count(sum(said.capture, "packets_per_s"))),
      ),
      tile(t("drops"), f.count(drops), t(drops ? "drops_some" : "drops_none"), { class: drops ? "tile loud" : "tile" }),
      tile(t("lag"), f.lasting(Math.max(0, ...(said.sinks || []).map(s => s.lag_s || 0))), t("lag_words")),
      b &&
        tile(
          t("budget"),
          b.day_alerts > 0 ? f.share(b.day_spent / b.day_alerts) : "0",
          t("budget_day", b.alerts_per_host_day, b.day_spent.toFixed(1)),
        ),
    ),
    panel(t("capture"), workers(said.capture || [])),
    panel(t("fleet"), sensors),
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        {},
        panel(t("sinks"), sinks(said.sinks || [])),
        panel(t("interfaces"), interfaces(said.interfaces || [])),
        panel(t("alerts_by"), detectors(said.alerts || [])),
      ),
      h(
        "div",
        {},
        panel(t("engine"), engine(said)),
        panel(t("stores"), stores(said)),
        panel(t("coverage"), coverage(said)),
      ),
    ),
  );
}

export async function open(root, words, app) {
  const sensors = h("div", {}, h("p", { class: "soft" }, t("loading")));
  const fleetAgain = oneAtATime(() => askFleet(sensors, app));
  const again = () => draw(root, sensors, fleetAgain, app).catch(refused);
  await draw(root, sensors, fleetAgain, app);
  return { stop: repeated(root, app, again) };
}
