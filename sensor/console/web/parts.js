// What several pages show: urgency by shape as well as colour, panels, dialogs, notices.
import { add, h, name, put, s } from "./dom.js";
import * as f from "./format.js";
import { t } from "./texts.js";

// Shape first, then colour (ISA-18.2): who sees no colour reads the shape, who sees neither the word.
const SHAPE = {
  now: "M8 1.5 15 14H1z",
  shift: "M8 1l7 7-7 7-7-7z",
  digest: "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z",
};

const known = urgency => (Object.hasOwn(SHAPE, urgency) ? urgency : "digest");

export const shape = urgency =>
  s(
    "svg",
    {
      class: `shape ${known(urgency)}`,
      viewBox: "0 0 16 16",
      role: "img",
      "aria-label": t.or(`urgency_${urgency}`, urgency),
    },
    s("path", { d: SHAPE[known(urgency)] }),
  );

export const score = (urgency, value) =>
  h(
    "span",
    { class: `score ${urgency}` },
    shape(urgency),
    h("span", { class: "figure", title: t("score_of_100") }, value),
  );

export const chip = (text, kind) => h("span", { class: `chip ${kind || ""}` }, text);

export function panel(title, ...children) {
  const id = `p-${++panels}`;
  return h("section", { class: "panel", "aria-labelledby": id }, h("h2", { id }, title), ...children);
}
let panels = 0;

export const tile = (title, value, note, props) =>
  h(
    "div",
    { class: "tile", ...props },
    h("div", { class: "tile-title" }, title),
    h("div", { class: "tile-value" }, value),
    note && h("div", { class: "tile-note" }, note),
  );

export const nothing = text => h("p", { class: "nothing" }, text);

export const rules = list => list.map((rule, i) => [i ? ", " : "", name(rule)]);

export const button = (text, act, props) =>
  h("button", { type: "button", class: "button", onclick: act, ...props }, text);

// --- words that come and go -------------------------------------------------------------------------

const notices = h("div", { class: "notices", role: "status", "aria-live": "polite" });
export const noticeBoard = () => notices;

export function notice(text, grave) {
  const node = h(
    "div",
    { class: grave ? "notice grave" : "notice", role: grave ? "alert" : null },
    text,
    h("button", { type: "button", class: "close", "aria-label": t("close"), onclick: () => node.remove() }, "×"),
  );
  while (notices.children.length >= 3) notices.firstChild.remove();
  notices.append(node);
  setTimeout(() => node.remove(), grave ? 15000 : 5000);
}

export const refused = error => {
  if (error.name !== "AbortError") notice(error.message, true);
};

export function failure(root, error) {
  if (error.name === "AbortError") return;
  put(
    root,
    h("h1", { tabindex: -1 }, t("page_failed")),
    h("p", { class: "failure", role: "alert" }, error.message),
    h("p", {}, h("a", { href: "#/now" }, t("to_now"))),
  );
}

// --- dialogs ------------------------------------------------------------------------------------

let fields = 0;

export function field(title, control, note) {
  const id = `f-${++fields}`;
  control.id = id;
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, title),
    control,
    note && h("div", { class: "note" }, note),
  );
}

export const text = (key, props) =>
  h("input", { type: "text", name: key, autocomplete: "off", spellcheck: "false", ...props });

export const choice = (key, rows, props) =>
  h(
    "select",
    { name: key, ...props },
    rows.map(([value, title]) => h("option", { value }, title)),
  );

export function radios(title, key, rows) {
  return h(
    "fieldset",
    { class: "radios" },
    h("legend", {}, title),
    rows.map(([value, words, note], i) =>
      h(
        "label",
        {},
        h("input", { type: "radio", name: key, value, checked: i === 0 }),
        h("span", {}, words, note && h("span", { class: "note" }, note)),
      ),
    ),
  );
}

// Asks, and does `act(values)`; what the sensor refuses is said in the dialog, which stays.
export function dialog({ title, intro, body, yes, act }) {
  const wrong = h("p", { class: "failure", role: "alert", hidden: true });
  const go = h("button", { type: "submit", class: "button main" }, yes);
  const form = h(
    "form",
    {},
    h("h2", { id: "dialog-title" }, title),
    intro && h("p", { class: "soft" }, intro),
    body,
    wrong,
    h(
      "div",
      { class: "row end" },
      button(t("cancel"), () => node.close()),
      go,
    ),
  );
  const node = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  const back = document.activeElement;
  form.addEventListener("submit", async event => {
    event.preventDefault();
    go.disabled = true;
    try {
      await act(Object.fromEntries(new FormData(form)), form);
      node.close();
    } catch (error) {
      wrong.hidden = false;
      put(wrong, error.message);
      go.disabled = false;
    }
  });
  node.addEventListener("close", () => {
    node.remove();
    if (back?.isConnected) back.focus();
  });
  document.body.append(node);
  node.showModal();
  return node;
}

export function told(title, body) {
  const node = h(
    "dialog",
    { "aria-labelledby": "dialog-title", class: "wide" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "dialog-title" }, title),
      body,
      h("div", { class: "row end" }, h("button", { class: "button main" }, t("close"))),
    ),
  );
  const back = document.activeElement;
  node.addEventListener("close", () => {
    node.remove();
    back?.focus();
  });
  document.body.append(node);
  node.showModal();
}

// --- an alert as one line -------------------------------------------------------------------------

export const hostOf = record =>
  record.source?.address || record.host?.id || record.source?.ip || record.weir?.sight || "";
export const destinationOf = record =>
  record.destination?.domain || record.destination?.address || record.destination?.ip || "";

export function alertLine(record) {
  const weir = record.weir || {};
  const reason = weir.reasons?.[0]?.text || record.message || record.rule?.name || "";
  return h(
    "a",
    { class: "alert-line", href: weir.incident ? `#/incident/${weir.incident}` : "#/incidents" },
    score(weir.urgency, weir.score ?? record.event?.severity ?? ""),
    h("span", { class: "when" }, f.moment(record["@timestamp"])),
    h("span", { class: "who" }, name(hostOf(record)), destinationOf(record) && [" → ", name(destinationOf(record))]),
    h("span", { class: "figure out" }, weir.out_bytes ? f.bytes(weir.out_bytes.value) : ""),
    h(
      "span",
      { class: "why" },
      add(h("span", { class: "rule" }, name(record.rule?.name || record.rule?.id || "")), []),
      " ",
      name(reason),
    ),
  );
}
