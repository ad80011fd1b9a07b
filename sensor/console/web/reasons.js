// Why an incident was told, drawn: each figure on what was there before, the host's own past and its peers apart, and
// below what it would not have been told.
import { h, name, visible } from "./dom.js";
import * as charts from "./charts.js";
import * as f from "./format.js";
import { folded } from "./table.js";
import { t } from "./texts.js";

const OTHERS = /peers|absolute|^destination\.(new|rare)|fleet/;

const against = code => t(OTHERS.test(code) ? "against_peers" : "against_own");

// "volume.served.new_network_hour" of the row volume.served: "new network hour".
const finer = (code, rule) =>
  code.startsWith(`${rule}.`) ? ` · ${visible(code.slice(rule.length + 1).replaceAll(/[._]/g, " "))}` : "";

// Figures can be drawn only beside others of their unit; a port is a name, and no figure. Who saw it is no bound.
function byUnit(reasons) {
  const units = new Map();
  for (const reason of reasons)
    if (f.known(reason.observed) && reason.unit !== "port" && reason.code !== "fleet.shares")
      units.set(reason.unit || "", [...(units.get(reason.unit || "") || []), reason]);
  return [...units];
}

const columns = () => [
  { title: t("reason"), cell: r => name(r.code), className: "mono" },
  { title: t("observed"), end: true, cell: r => f.amount(r.observed, r.unit) },
  {
    title: t("usual"),
    end: true,
    cell: r =>
      r.expected
        ? t("range", f.amount(r.expected[0], r.unit), f.amount(r.expected[1], r.unit))
        : t(r.weight > 0 ? "fixed_bound" : "none"),
  },
  { title: t("how_rare"), end: true, cell: r => (r.p > 0 ? f.rarity(r.p) : t("none")) },
  { title: t("samples"), end: true, cell: r => f.count(r.samples) },
  { title: t("weight"), end: true, cell: r => f.share(r.weight) },
];

function sentence(reason) {
  const words = [
    r => r.p > 0 && t("rare_words", f.rarity(r.p)),
    r => r.samples > 0 && t("samples_words", f.count(r.samples)),
    r => r.weight > 0 && t("weight_words", f.share(r.weight)),
  ];
  return h(
    "li",
    {},
    name(reason.text || reason.code),
    h(
      "span",
      { class: "soft" },
      " · ",
      words
        .map(w => w(reason))
        .filter(Boolean)
        .join(" · "),
    ),
  );
}

function one(record, brief) {
  const weir = record.weir || {},
    list = weir.reasons || [],
    fires = weir.would_not_fire_below;
  const strips = byUnit(list).map(([unit, rows]) =>
    charts.reasons(
      rows.map(r => ({
        ...r,
        title: (r.expected ? against(r.code) : t("against_bound")) + finer(r.code, record.rule?.id || ""),
        said: f.amount(r.observed, unit),
      })),
      unit,
      fires && fires.unit === unit ? fires.value : null,
    ),
  );
  return h(
    "div",
    { class: "reason" },
    h(
      "h3",
      {},
      name(record.rule?.name || record.rule?.id || ""),
      " ",
      h("span", { class: "mono soft" }, name(record.rule?.id || "")),
    ),
    h("ul", { class: "sentences" }, list.map(sentence)),
    strips,
    fires &&
      f.known(fires.value) &&
      h("p", { class: "counterfactual" }, t("would_not", f.amount(fires.value, fires.unit))),
    !brief && list.length > 0 && folded(t("as_table"), columns(), list, t("reasons_table", record.rule?.id || "")),
  );
}

export const recordsOf = incident => (incident.alerts || []).map(alert => alert.record || alert);

export const drawn = (incident, brief) => {
  const records = recordsOf(incident);
  return records.length ? records.map(record => one(record, brief)) : h("p", { class: "nothing" }, t("no_reasons"));
};
