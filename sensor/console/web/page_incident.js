// One incident: what left, when and where to, why it was told, in drawings and in sentences; what people said of it; and
// what is to be taken along (evidence, report).
import { ask } from "./api.js";
import * as actions from "./actions.js";
import { atMostEach, destinationLink, h, hostLink, name, oneAtATime, put, visible } from "./dom.js";
import * as charts from "./charts.js";
import * as f from "./format.js";
import { stateOf } from "./incident_list.js";
import { button, chip, destinationOf, hostOf, nothing, panel, refused, score } from "./parts.js";
import { drawn, recordsOf } from "./reasons.js";
import { facts, folded, table } from "./table.js";
import { t } from "./texts.js";

// The row of the list; where the sensor sent records alone, made of its latest.
function rowOf(whole, id) {
  if (whole.incident && typeof whole.incident === "object") return whole.incident;
  const records = recordsOf(whole),
    last = records[0] || {},
    weir = last.weir || {};
  return {
    id: weir.incident || id,
    score: weir.score,
    urgency: weir.urgency,
    active: weir.state !== "close",
    host: hostOf(last),
    destination: destinationOf(last),
    first: last.event?.start,
    last: last.event?.end,
    out_bytes: weir.out_bytes?.value,
    rules: records.map(r => r.rule?.id),
    mark: whole.mark,
  };
}

const latest = records =>
  records.reduce((a, b) => ((b["@timestamp"] || "") > (a["@timestamp"] || "") ? b : a), records[0] || {});

// Alerts are told again when there is much more; what has left since the last of them, the list knows.
function volume(row, weir) {
  const out = weir.out_bytes;
  if (out && row.out_bytes > out.value)
    return [f.bytes(row.out_bytes), h("span", { class: "soft" }, ` ${t("when_told", f.bytes(out.value))}`)];
  return [
    f.bytes(out?.value ?? row.out_bytes),
    out &&
      out.low !== out.high &&
      h("span", { class: "soft" }, ` ${t("between", f.bytes(out.low), f.bytes(out.high))}`),
  ];
}

function top(row, last, acts) {
  const weir = last.weir || {},
    mark = row.mark || {},
    state = stateOf(row);
  return h(
    "div",
    { class: "incident-top" },
    h(
      "div",
      { class: "row" },
      score(row.urgency, row.score),
      h("span", { class: "mono" }, f.shortId(row.id)),
      chip(t(`state_${state}`), state),
      mark.closed && chip(t.or(`verdict_${mark.closed.verdict}`, t("state_closed")), `verdict-${mark.closed.verdict}`),
      weir.zone && chip(name(weir.zone.name)),
      weir.silenced && chip(t("is_silenced")),
    ),
    h("h1", { tabindex: -1 }, name(last.rule?.name || row.rules?.[0] || t("incident"))),
    h(
      "p",
      { class: "story" },
      row.host ? hostLink(row.host) : name(row.sight || ""),
      row.destination && [" → ", destinationLink(row.destination)],
    ),
    acts,
  );
}

function summary(row, last) {
  const weir = last.weir || {},
    net = last.network || {};
  return facts([
    [t("left"), volume(row, weir)],
    [t("first"), f.whole(row.first)],
    [t("last"), f.whole(row.last)],
    weir.initiator && [t("opened_by"), t.or(`opened_${weir.initiator}`, weir.initiator)],
    weir.flows_total && [t("flows"), f.count(weir.flows_total)],
    net.protocol && [t("protocol"), name(`${net.protocol} / ${net.transport || ""}`)],
    last.tls?.client?.server_name && [t("asked_for"), name(last.tls.client.server_name)],
    last.user_agent?.original && [t("user_agent"), name(last.user_agent.original)],
    weir.ja4 && ["JA4", h("span", { class: "mono" }, name(weir.ja4))],
    last.threat?.technique && [
      "ATT&CK",
      name([...(last.threat.technique.id || []), ...(last.threat.technique.subtechnique?.id || [])].join(", ")),
    ],
    weir.baseline && [
      t("baseline"),
      t(
        "baseline_words",
        t.or(`baseline_${weir.baseline.state}`, weir.baseline.state),
        f.count(weir.baseline.hours),
        weir.baseline.scope || "",
      ),
    ],
  ]);
}

function timeline(history) {
  const points = (history || [])
    .filter(p => f.known(p.out_bytes))
    .map(p => ({
      ms: Date.parse(p.time),
      value: p.out_bytes,
      mark: p.urgency,
      words: `${f.moment(p.time)} · ${visible(p.rule)} · ${p.score} · ${f.bytes(p.out_bytes)}`,
    }));
  if (points.length === 0) return nothing(t("no_history"));
  const columns = [
    { title: t("time"), cell: p => f.whole(p.time) },
    { title: t("state"), cell: p => t.or(`raise_${p.state}`, p.state) },
    { title: t("score"), end: true, cell: p => score(p.urgency, p.score) },
    { title: t("why"), cell: p => name(p.rule) },
    { title: t("left"), end: true, cell: p => f.bytes(p.out_bytes) },
  ];
  if (points.length === 1) return table({ caption: t("timeline"), columns, rows: history }).node;
  return [
    charts.story(points, t("story_chart", f.count(points.length), f.bytes(points.at(-1).value))),
    folded(t("as_table"), columns, history, t("timeline")),
  ];
}

function services(weir) {
  const rows = Object.entries(weir.services || {}).sort((a, b) => b[1].value - a[1].value),
    most = Math.max(1, ...rows.map(r => r[1].value));
  return (
    rows.length > 0 &&
    table({
      caption: t("by_protocol"),
      rows,
      columns: [
        { title: t("protocol"), cell: r => name(r[0]) },
        { title: t("left"), end: true, cell: r => f.bytes(r[1].value) },
        { title: t("share"), className: "bar-cell", cell: r => charts.bandBar(r[1].value, null, most) },
      ],
    }).node
  );
}

function content(weir) {
  const rows = Object.entries(weir.content || {}).filter(([, v]) => f.known(v?.value));
  const labels = v =>
    Object.entries(v.labels || {})
      .slice(0, 8)
      .map(([k, n], i) => [i ? ", " : "", name(k), ` ${f.count(n)}`]);
  return (
    rows.length > 0 &&
    table({
      caption: t("counted"),
      rows,
      columns: [
        { title: t("kind"), cell: r => t.or(`content_${r[0]}`, r[0]) },
        {
          title: t("distinct"),
          end: true,
          cell: r => [f.count(r[1].value), r[1].error > 0 && ` ±${f.share(r[1].error)}`],
        },
        { title: t("labels"), cell: r => labels(r[1]) },
      ],
    }).node
  );
}

function flows(weir) {
  const rows = weir.flows || [];
  if (rows.length === 0) return nothing(t("no_flows"));
  return [
    weir.flows_total > rows.length &&
      h("p", { class: "soft" }, t("flows_largest", f.count(rows.length), f.count(weir.flows_total))),
    table({
      caption: t("flows"),
      rows,
      columns: [
        { title: "Community ID", className: "mono", cell: r => name(r.community_id || t("none")) },
        { title: t("first"), cell: r => f.whole(r.start), key: r => r.start },
        { title: t("service"), cell: r => name(r.service || ""), key: r => r.service || "" },
        { title: t("left"), end: true, cell: r => f.bytes(r.out_bytes), key: r => r.out_bytes },
      ],
    }).node,
  ];
}

const FULL = 87; // columns of a line of weir explain

// The sensor's own sentences (weir explain): a line without an indent is the head of those below it, which are its
// paragraphs. What stands above the first of them is above on the page, too.
function explained(whole) {
  const all = (whole.sentences || []).filter(line => line.trim());
  const lines = all.slice(Math.max(0, all.findIndex(line => /^\s/.test(line)) - 1));
  if (lines.length === 0)
    return recordsOf(whole).flatMap(r => (r.weir?.reasons || []).map(x => h("p", {}, name(x.text || ""))));
  const out = [];
  let text = [],
    before = 0;
  const end = () => {
    if (text.length) out.push(h("p", {}, name(text.join(" "))));
    text = [];
  };
  for (const line of lines) {
    const said = line.trim();
    if (!/^\s/.test(line) || /^(-|\d+\.|flow \d) /.test(said) || before + said.split(" ")[0].length < FULL) end();
    before = line.length; // one with room for the next word ended its paragraph
    if (!said || /^-{5,}$/.test(said)) continue;
    if (/^\s/.test(line)) text.push(said.replace(/^- /, ""));
    else out.push(h("h3", {}, name(said)));
  }
  end();
  return out;
}

// What stands here is made of the lines in the sensor's memory, which may be not all of them.
function unknown(whole, id) {
  if (whole.told_here !== false && whole.complete !== false) return null;
  const words = t(whole.told_here === false ? "not_told_here" : "not_complete");
  return h("p", { class: "mark" }, words, " ", h("code", {}, `weir explain ${f.shortId(id)}`));
}

function people(list) {
  return list?.length
    ? h(
        "ol",
        { class: "people" },
        list.map(p =>
          h(
            "li",
            {},
            h("span", { class: "soft figure" }, f.whole(p.time)),
            " ",
            h("strong", {}, name(p.user || "")),
            " ",
            name(p.message || p.action || ""),
          ),
        ),
      )
    : nothing(t("nobody_yet"));
}

function fileRow(one, row, mayTake) {
  const about = ` ${f.bytes(one.bytes)}${f.known(one.packets) ? ` · ${t("packets", f.count(one.packets))}` : ""}${one.held ? ` · ${t("held")}` : ""}`;
  return h(
    "li",
    {},
    mayTake ? button(name(one.name), () => actions.take(row, one.name).catch(refused)) : name(one.name),
    h("span", { class: "soft" }, about),
  );
}

// Nothing is kept of it (null), or nothing of that is sealed yet ([]).
function taken(whole, row, mayTake) {
  const files = whole.evidence || [];
  return [
    files.length
      ? h(
          "ul",
          { class: "files" },
          files.map(one => fileRow(one, row, mayTake)),
        )
      : nothing(t(whole.evidence ? "not_sealed" : "no_evidence")),
    whole.report
      ? h("p", {}, h("a", { href: local(whole.report), class: "button", download: "" }, t("report")))
      : h(
          "p",
          { class: "soft" },
          t("report_command"),
          " ",
          h("code", {}, `weir report ${f.shortId(row.id)} -o incident.html`),
        ),
  ];
}

// Only what this sensor serves is linked to.
const local = href => (String(href).startsWith("/v1/") ? String(href) : "#/incidents");

export async function open(root, words, app) {
  const id = words[0] || "";
  const parts = { root, app, id };
  await draw(parts);
  const drawAgain = oneAtATime(() => draw(parts));
  const again = atMostEach(() => drawAgain().catch(refused), 300); // however many are told without a pause
  return {
    hear(kind, data) {
      if (
        kind === "now" ||
        (kind === "alert" && data.weir?.incident !== parts.row.id) ||
        (kind === "state" && data.incident && data.incident !== parts.row.id)
      )
        return;
      again();
    },
    keys: actions.mayAct(app.session)
      ? {
          a: () => actions.acknowledge(parts.row, parts.redraw),
          v: () => actions.verdict(parts.row, parts.redraw),
          s: () => actions.silence(parts.row, parts.redraw),
        }
      : {},
  };
}

async function draw(parts) {
  const whole = await ask(`/v1/incidents/${encodeURIComponent(parts.id)}`, { signal: parts.app.signal });
  const row = rowOf(whole, parts.id),
    last = latest(recordsOf(whole)),
    weir = last.weir || {};
  parts.row = row;
  parts.redraw = () => draw(parts).catch(refused);
  const closed = Boolean(row.mark?.closed),
    held = parts.root.contains(document.activeElement) && document.activeElement.dataset?.act;
  const act = (key, what, props) => button(t(key), () => what(row, parts.redraw), { "data-act": key, ...props });
  const acts =
    actions.mayAct(parts.app.session) &&
    h(
      "div",
      { class: "row acts" },
      closed
        ? act("reopen", actions.reopen)
        : [
            !row.mark?.acknowledged && act("ack", actions.acknowledge),
            act("verdict_do", actions.verdict, { class: "button main" }),
          ],
      act("silence", actions.silence),
    );
  put(
    parts.root,
    top(row, last, acts),
    unknown(whole, row.id),
    panel(t("what_happened"), summary(row, last)),
    panel(t("why_told"), drawn(whole)),
    panel(t("timeline"), timeline(whole.history)),
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        {},
        panel(
          t("what_left"),
          services(weir),
          content(weir),
          !weir.services && !weir.content && nothing(t("not_known")),
        ),
        panel(t("flows"), flows(weir)),
      ),
      h(
        "div",
        {},
        panel(
          t("explained"),
          h("div", { class: "explained", tabindex: 0, role: "group", "aria-label": t("explained") }, explained(whole)),
        ),
        panel(t("people"), people(whole.people)),
        panel(t("take_along"), taken(whole, row, actions.mayAct(parts.app.session))),
      ),
    ),
  );
  if (held) parts.root.querySelector(`[data-act="${held}"], [data-act]`)?.focus();
}
