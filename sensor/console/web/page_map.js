// What passes between the zones of the site, and whether a conduit allows it.
import { ask } from "./api.js";
import { h, name, put } from "./dom.js";
import * as f from "./format.js";
import { repeated } from "./page_host.js";
import { chip, nothing, panel, refused } from "./parts.js";
import { table } from "./table.js";
import { t } from "./texts.js";
import { zoneMap } from "./zone_map.js";

const drifts = row => (row.functions || []).some(one => one.new);

const allowed = row =>
  row.allowed === true
    ? chip(t(drifts(row) ? "new_function" : "allowed"), drifts(row) ? "" : "ok")
    : row.allowed === false
      ? chip(t("not_allowed"), "bad")
      : chip(t("not_judged"));

const columns = () => [
  { title: t("from"), cell: r => name(r.from), key: r => r.from },
  { title: t("to"), cell: r => name(r.to), key: r => r.to },
  { title: t("allowed_title"), cell: allowed, key: r => (r.allowed === false ? 2 : r.allowed === true && !drifts(r) ? 0 : 1) },
  {
    title: t("protocol"),
    cell: r => name(`${r.service || r.proto || ""}${r.port ? ` : ${r.port}` : ""}`),
    key: r => r.service || "",
  },
  { title: t("bytes"), end: true, cell: r => f.bytes(r.bytes), key: r => r.bytes || 0 },
  { title: t("bytes_back"), end: true, cell: r => f.bytes(r.bytes_back), key: r => r.bytes_back || 0 },
  { title: t("flows"), end: true, cell: r => f.count(r.flows), key: r => r.flows || 0 },
  {
    title: t("reads_writes"),
    end: true,
    cell: r => `${f.count(r.reads)} / ${f.count(r.writes)}`,
    key: r => r.writes || 0,
  },
  { title: t("last"), cell: r => f.whole(r.last), key: r => r.last || "" },
];

async function draw(root, app) {
  const said = await ask("/v1/map", { signal: app.signal });
  if (!said.zones) {
    put(
      root,
      h("h1", { tabindex: -1 }, t("map_title")),
      panel(
        t("no_zones"),
        nothing(name(said.zones_why || "")),
        h("p", {}, t("no_zones_how"), " ", h("code", {}, "weir zones propose -c weir.yaml")),
      ),
    );
    return;
  }
  const rows = said.conduits || [],
    bad = rows.filter(r => r.allowed === false).length,
    whole = !said.unkept && rows.every(r => r.allowed === true);
  const only = h("input", {
    type: "checkbox",
    onchange: () => list.set(only.checked ? rows.filter(r => r.allowed === false) : rows),
  });
  const list = table({
    caption: t("conduits"),
    columns: columns(),
    rows,
    sort: { at: 2, down: true },
    empty: t("no_conduits"),
  });
  put(
    root,
    h(
      "div",
      { class: "page-head" },
      h("h1", { tabindex: -1 }, t("map_title")),
      bad > 0 ? chip(t("refused_count", f.count(bad)), "bad") : whole && chip(t("all_allowed"), "ok"),
    ),
    said.unkept > 0 && h("p", { class: "mark" }, t("conduits_unkept", f.count(said.unkept))),
    panel(
      t("map_panel"),
      zoneMap(said),
      h(
        "p",
        { class: "chart-key" },
        h("span", { class: "key-allowed" }, t("allowed")),
        h("span", { class: "key-refused" }, t("not_allowed")),
        h("span", { class: "key-unknown" }, t("not_judged")),
      ),
    ),
    panel(t("conduits"), h("label", { class: "check" }, only, " ", t("only_refused")), list.node),
  );
}

export async function open(root, words, app) {
  const again = () => draw(root, app).catch(refused);
  await draw(root, app);
  return { stop: repeated(root, app, again) };
}
