// All incidents: filtered and sorted here, acknowledged, judged and silenced from the keyboard; beside the list, where
// there is room, why the chosen one was told.
import { ask } from "./api.js";
import * as actions from "./actions.js";
import { atMostEach, eachFrame, h, name, oneAtATime, put } from "./dom.js";
import * as f from "./format.js";
import { Grid } from "./grid.js";
import { fits, load, stateOf } from "./incident_list.js";
import { button, chip, choice, refused, rules, score, shape } from "./parts.js";
import { drawn } from "./reasons.js";
import { t } from "./texts.js";

const URGENCY = { now: 3, shift: 2, digest: 1 };
const WAIT_MS = 200; // a walk through the list asks for nothing it only passes

const columns = () => [
  {
    id: "score",
    title: t("score"),
    key: r => (Object.hasOwn(URGENCY, r.urgency) ? URGENCY[r.urgency] : 0) * 1000 + r.score,
    cell: r => score(r.urgency, r.score),
  },
  { id: "who", title: t("host"), key: r => r.host || r.sight || "", cell: r => name(r.host || r.sight || "") },
  {
    id: "to",
    title: t("destination"),
    key: r => r.destination || "",
    cell: r => (r.destination ? name(r.destination) : t("none")),
  },
  { id: "rules", title: t("why"), key: r => r.rules?.[0] || "", cell: r => rules(r.rules || []) },
  { id: "out", title: t("left"), key: r => r.out_bytes || 0, cell: r => f.bytes(r.out_bytes) },
  { id: "last", title: t("last"), key: r => r.last || "", cell: r => f.moment(r.last) },
  { id: "state", title: t("state"), key: r => r.state, cell: r => stateCell(r) },
];

function stateCell(row) {
  if (row.state === "closed")
    return chip(t.or(`verdict_${row.mark.closed.verdict}`, t("state_closed")), `verdict-${row.mark.closed.verdict}`);
  return chip(t(`state_${row.state}`), row.state);
}

function filters(asked, changed) {
  const set = key => event => {
    asked[key] = key === "score" ? Number(event.target.value) || 0 : event.target.value;
    changed();
  };
  const find = h("input", {
    type: "search",
    name: "find",
    "aria-label": t("find"),
    placeholder: t("find_hint"),
    autocomplete: "off",
    spellcheck: "false",
    oninput: event => {
      asked.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      changed();
    },
  });
  const states = ["todo", "open", "acknowledged", "closed", "ended", "all"].map(v => [v, t(`state_${v}`)]);
  const urgencies = ["all", "now", "shift", "digest"].map(v => [v, t(`urgency_${v}`)]);
  const labelled = (title, control) => h("label", {}, h("span", {}, title), control);
  return {
    find,
    node: h(
      "div",
      { class: "filters", role: "search" },
      find,
      labelled(t("state"), choice("state", states, { onchange: set("state") })),
      labelled(t("urgency"), choice("urgency", urgencies, { onchange: set("urgency") })),
      labelled(
        t("min_score"),
        h("input", { type: "number", name: "score", min: 0, max: 100, value: 0, oninput: set("score") }),
      ),
    ),
  };
}

export async function open(root, words, app) {
  const asked = { words: words[0] ? [words[0].toLowerCase()] : [], state: "todo", urgency: "all", score: 0 };
  let all = [],
    total = 0, // that the sensor knows, where that is more
    timer = 0,
    previewed = null;
  const told = h("p", { class: "soft count", role: "status" });
  const side = h("aside", { class: "preview", "aria-label": t("preview") });
  const grid = new Grid({
    label: t("incidents_title"),
    columns: columns(),
    keyOf: r => r.id,
    className: "incidents",
    open: row => {
      location.hash = `#/incident/${row.id}`;
    },
    chosen: row => preview(row),
  });
  const apply = () => {
    const rows = all.filter(row => fits(row, asked));
    grid.set(rows);
    grid.empty(t(all.length ? "none_fit" : "no_incidents"));
    const more = total > all.length && h("span", { class: "mark" }, ` ${t("more_known", f.count(total))}`);
    put(told, t("of_all", f.count(rows.length), f.count(all.length)), more);
  };
  const changed = eachFrame(() => {
    apply();
    preview(grid.current);
  });
  const bar = filters(asked, changed);
  if (words[0]) bar.find.value = words[0];

  const reload = oneAtATime(async () => {
    const whole = await load(app.signal, rows => {
      all = rows;
      changed();
    });
    [all, total] = [whole.rows, whole.total];
    changed();
  });
  const acted = () =>
    reload()
      .then(() => grid.focus())
      .catch(refused);
  const act = what => () => grid.current && actions.mayAct(app.session) && what(grid.current, acted);

  function preview(row) {
    if (!row || side.clientWidth === 0 || row.id === previewed) return;
    previewed = row.id;
    clearTimeout(timer);
    timer = setTimeout(() => show(row).catch(refused), WAIT_MS);
  }

  async function show(row) {
    const body = h("div", { class: "preview-body" }, h("p", { class: "soft" }, t("loading")));
    put(
      side,
      h("h2", {}, shape(row.urgency), " ", h("a", { href: `#/incident/${row.id}` }, f.shortId(row.id))),
      h("p", {}, name(row.host || row.sight || ""), row.destination && [" → ", name(row.destination)]),
      actions.mayAct(app.session) &&
        h(
          "div",
          { class: "row" },
          button(t("ack"), act(actions.acknowledge)),
          button(t("verdict_do"), act(actions.verdict)),
          button(t("silence"), act(actions.silence)),
        ),
      body,
    );
    const whole = await ask(`/v1/incidents/${row.id}`, { signal: app.signal });
    if (previewed === row.id) put(body, drawn(whole, true));
  }

  put(
    root,
    h("div", { class: "page-head" }, h("h1", { tabindex: -1 }, t("incidents_title")), told),
    bar.node,
    h("div", { class: "split" }, grid.node, side),
  );
  grid.order("score", true);
  await reload();
  apply();
  return {
    hear: listener(() => all, atMostEach(changed, 250), reload),
    keys: {
      "/": () => bar.find.focus(),
      a: act(actions.acknowledge),
      v: act(actions.verdict),
      s: act(actions.silence),
      j: () => grid.move(grid.place),
      k: () => grid.move(grid.place),
      ArrowDown: () => grid.focus(),
      ArrowUp: () => grid.focus(),
    },
    stop: () => {
      clearTimeout(timer);
      grid.stop();
    },
  };
}

// An alert changes its incident's row here; what it does not say (people's marks) is asked for.
function listener(rows, changed, reload) {
  const soon = atMostEach(() => reload().catch(refused), 1000);
  return (kind, data) => {
    if (kind === "state" || kind === "back") soon();
    if (kind !== "alert" || !data.weir?.incident) return;
    const row = rows().find(r => r.id === data.weir.incident);
    if (!row) {
      soon();
      return;
    }
    row.score = Math.max(row.score, data.weir.score ?? 0);
    if (data.weir.out_bytes) row.out_bytes = Math.max(row.out_bytes || 0, data.weir.out_bytes.value);
    if (data["@timestamp"] > row.last) row.last = data["@timestamp"];
    row.state = stateOf(row);
    changed();
  };
}
