// One destination: who sends how much there, since when it is known, and to how many.
import { ask } from "./api.js";
import { h, hostLink, name, put } from "./dom.js";
import * as f from "./format.js";
import { gravest, mostOf, repeated, usualCell } from "./page_host.js";
import { chip, panel, refused, tile } from "./parts.js";
import { table } from "./table.js";
import { t } from "./texts.js";

function hosts(rows) {
  const most = mostOf(rows);
  return table({
    caption: t("who_sends"),
    rows,
    sort: { at: 1, down: true },
    empty: t("nothing_hour"),
    columns: [
      { title: t("host"), cell: r => [hostLink(r.host), r.role === "served" && chip(t("served"))], key: r => r.host },
      { title: t("out_hour"), end: true, cell: r => f.bytes(r.out_bytes), key: r => r.out_bytes },
      {
        title: t("in_hour"),
        end: true,
        className: "wide-only",
        cell: r => f.bytes(r.in_bytes),
        key: r => r.in_bytes || 0,
      },
      { title: t("usual"), end: true, className: "wide-only", cell: r => f.range(r.expected) },
      { title: t("against_usual"), className: "bar-cell", cell: r => usualCell(r, most) },
      { title: t("how_rare"), end: true, cell: r => f.rarity(r.p), key: r => r.p ?? 1 },
      { title: t("flows"), end: true, cell: r => f.count(r.flows), key: r => r.flows || 0 },
      { title: t("incident"), cell: r => gravest(r.incident), key: r => r.incident?.score || 0 },
    ],
  }).node;
}

async function draw(root, id, app) {
  const said = await ask(`/v1/destinations/${encodeURIComponent(id)}`, { signal: app.signal });
  const list = said.hosts || [],
    sum = list.reduce((all, row) => all + (row.out_bytes || 0), 0);
  put(
    root,
    h(
      "div",
      { class: "page-head" },
      h("h1", { tabindex: -1 }, name(said.name || id)),
      said.kind && chip(t.or(`kind_${said.kind}`, said.kind)),
      said.trusted && chip(t("trusted")),
    ),
    h(
      "div",
      { class: "tiles" },
      tile(t("left_hour"), f.bytes(said.out_bytes ?? sum), t("from_hosts", f.count(said.hosts_total ?? list.length))),
      tile(
        t("first_seen"),
        said.first_seen ? f.day(said.first_seen) : t("not_known"),
        said.first_seen_why && name(said.first_seen_why),
      ),
      tile(
        t("prevalence"),
        f.known(said.prevalence) ? f.count(said.prevalence) : t("not_known"),
        t("prevalence_words"),
      ),
    ),
    panel(t("who_sends"), hosts(list)),
  );
}

export async function open(root, words, app) {
  const again = () => draw(root, words[0] || "", app).catch(refused);
  await draw(root, words[0] || "", app);
  return { stop: repeated(root, app, again) };
}
