// The console: one document, a page for each hash (#/now, #/incident/ID, …). It begins with who looks, keeps one line of
// events from the sensor, and hands each event to the page that is shown. A page is a module with
// open(root, words, app) → {hear(kind, data), keys, stop()}, all of it optional.
import { Events, session, signOut, whenSignedOut } from "./api.js";
import { h, put, s, visible } from "./dom.js";
import * as f from "./format.js";
import { failure, notice, noticeBoard, told } from "./parts.js";
import { t } from "./texts.js";
import * as now from "./page_now.js";
import * as incidents from "./page_incidents.js";
import * as incident from "./page_incident.js";
import * as host from "./page_host.js";
import * as destination from "./page_destination.js";
import * as map from "./page_map.js";
import * as sensor from "./page_sensor.js";
import * as login from "./page_login.js";

const PAGES = { now, incidents, incident, host, destination, map, sensor };
const NAV = [
  ["now", "M2 12h4l3-8 5 16 3-8h5"],
  ["incidents", "M12 3 22 20H2zM12 10v4M12 16.5v.5"],
  ["map", "M4 5h6v5H4zM14 14h6v5h-6zM10 7.5h7V14"],
  ["sensor", "M12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M5 5a10 10 0 0 0 0 14M19 5a10 10 0 0 1 0 14"],
];
const OF = { incident: "incidents" };

const app = { session: null, now: null, live: false, stop: null };
const root = document.getElementById("app");
const main = h("main", { id: "main", tabindex: -1 });
const shown = { page: null, words: [], handle: null };

// --- what the browser remembers: looks, nothing of the network ------------------------------------

const kept = key => {
  try {
    return localStorage.getItem(`weir.${key}`);
  } catch {
    return null;
  }
};
const keep = (key, value) => {
  try {
    localStorage.setItem(`weir.${key}`, value);
  } catch {
    /* then it is forgotten with the page */
  }
};

function useTheme(theme) {
  document.documentElement.dataset.theme = theme;
  keep("theme", theme);
}

function turnTheme() {
  const order = ["auto", "light", "dark"],
    at = order.indexOf(document.documentElement.dataset.theme);
  useTheme(order[(at + 1) % 3]);
  notice(t("theme_is", t(`theme_${document.documentElement.dataset.theme}`)));
}

function turnZone() {
  const utc = f.zoneName() !== "UTC";
  f.useZone(utc);
  keep("zone", utc ? "utc" : "local");
  notice(t("zone_is", f.zoneName()));
  head();
  show();
}

// --- the frame ------------------------------------------------------------------------------------

const icon = d => s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d }));
const clockNode = h("span", { class: "clock figure" });
const liveNode = h("span", { class: "live" });
const sensorNode = h("span", { class: "sensor-name" });
const links = NAV.map(([page, d]) =>
  h("a", { href: `#/${page}`, "data-page": page }, icon(d), h("span", {}, t(`page_${page}`))),
);

const tool = (text, d, act) =>
  h("button", { type: "button", class: "tool", title: text, "aria-label": text, onclick: act }, icon(d));

function frame() {
  put(
    root,
    h(
      "a",
      {
        class: "skip",
        href: "#main",
        onclick: event => {
          event.preventDefault();
          main.focus();
        },
      },
      t("skip"),
    ),
    h(
      "header",
      { class: "top" },
      h(
        "a",
        { class: "brand", href: "#/now", "aria-label": t("brand") },
        icon("M3 9h7c3 0 3 8 6 8h5M3 13h5c3 0 3 7 6 7h7M3 5h9c4 0 4 8 7 8h2"),
        "Weir",
      ),
      sensorNode,
      h("span", { class: "grow" }),
      liveNode,
      clockNode,
      tool(t("turn_zone"), "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7v5l3 3", turnZone),
      tool(t("turn_theme"), "M12 3a9 9 0 1 0 9 9a7 7 0 0 1-9-9", turnTheme),
      tool(t("keys"), "M9 9a3 3 0 1 1 4 2.8c-.8.4-1 1-1 2.2M12 17.5v.5", keys),
      tool(t("sign_out"), "M10 4H4v16h6M14 8l4 4-4 4M18 12H9", leave),
    ),
    h("nav", { class: "side", "aria-label": t("pages") }, links),
    main,
    noticeBoard(),
  );
}

function head() {
  put(sensorNode, app.session?.sensor || app.now?.sensor || "");
  put(liveNode, h("i", { "aria-hidden": "true" }), t(app.live ? "live" : "not_live"));
  liveNode.classList.toggle("on", app.live);
  put(clockNode, app.now?.at ? f.clock(app.now.at) : "", h("span", { class: "soft" }, ` ${f.zoneName()}`));
}

// --- pages ----------------------------------------------------------------------------------------

const decoded = word => {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
};

function asked() {
  const [page, ...words] = location.hash.replace(/^#\/?/, "").split("?")[0].split("/");
  return { page: Object.hasOwn(PAGES, page) ? page : "now", words: words.map(decoded) };
}

function leavePage() {
  shown.abort?.abort();
  shown.handle?.stop?.();
  shown.handle = null;
}

async function show() {
  if (!app.session) return;
  if (location.hash.startsWith("#/login")) history.replaceState(null, "", "#/now"); // a token stays in no history
  const { page, words } = asked();
  const again = shown.page === page && shown.words.join("/") === words.join("/"),
    first = !shown.page;
  leavePage();
  const abort = new AbortController();
  Object.assign(shown, { page, words, abort });
  for (const a of links) {
    if (a.dataset.page === (OF[page] || page)) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  main.className = `page-${page}`;
  main.setAttribute("aria-busy", "true");
  try {
    const handle = await PAGES[page].open(main, words, { ...app, signal: abort.signal, again: show, app });
    if (abort.signal.aborted) handle?.stop?.();
    else shown.handle = handle;
  } catch (error) {
    if (!abort.signal.aborted) failure(main, error);
  }
  if (abort.signal.aborted) return;
  main.removeAttribute("aria-busy");
  const title = main.querySelector("h1");
  document.title = `${title?.textContent || t(`page_${page}`)} · Weir`;
  if (!again) {
    window.scrollTo(0, 0);
    if (!first && !main.contains(document.activeElement)) title?.focus({ preventScroll: true });
  }
}

// --- events and keys -----------------------------------------------------------------------------------

function hear(kind, data) {
  if (kind === "now") app.now = data;
  if (kind === "alert" && data.weir?.urgency === "now")
    notice(`${visible(data.rule?.name || "")} · ${f.shortId(data.weir.incident || "")}`);
  if (kind === "now") head();
  shown.handle?.hear?.(kind === "gap" ? "back" : kind, data);
}

function keys() {
  const rows = ["g_n", "g_i", "g_m", "g_s", "slash", "arrows", "enter", "a", "v", "s", "t", "u", "help", "esc"];
  told(
    t("keys"),
    h(
      "dl",
      { class: "keys" },
      rows.map(row =>
        h(
          "div",
          {},
          h(
            "dt",
            {},
            t(`key_${row}`)
              .split(" ")
              .map(k => h("kbd", {}, k)),
          ),
          h("dd", {}, t(`does_${row}`)),
        ),
      ),
    ),
  );
}

const GO = { n: "now", i: "incidents", m: "map", s: "sensor" };
let went = 0;

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || !app.session) return;
  if (event.target.closest?.("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const second = Date.now() - went < 1500;
  went = 0;
  if (second && Object.hasOwn(GO, event.key)) location.hash = `#/${GO[event.key]}`;
  else if (event.key === "g") went = Date.now();
  else if (event.key === "?") keys();
  else if (event.key === "t") turnTheme();
  else if (event.key === "u") turnZone();
  else if (Object.hasOwn(shown.handle?.keys || {}, event.key)) shown.handle.keys[event.key]();
  else return;
  event.preventDefault();
}

// --- coming and going ----------------------------------------------------------------------------------

let events = null;

function entered(who) {
  app.session = who;
  frame();
  head();
  events = new Events(hear, live => {
    const back = live && !app.live && app.was;
    app.live = live;
    app.was = app.was || live;
    head();
    if (back) shown.handle?.hear?.("back", null); // what was told meanwhile is asked for
  });
  if (asked().page === "now" && !location.hash.startsWith("#/now")) history.replaceState(null, "", "#/now");
  show();
}

function gone(why) {
  events?.close();
  events = null;
  leavePage();
  shown.page = null;
  Object.assign(app, { session: null, live: false, was: false });
  login.open(root, entered, why);
}

async function leave() {
  let why;
  try {
    await signOut();
  } catch (error) {
    if (error.status !== 401) why = t("sign_out_failed", error.message); // else nobody was signed in any more
  }
  gone(why);
}

async function begin() {
  useTheme(kept("theme") || "auto");
  f.useZone(kept("zone") !== "local");
  whenSignedOut(() => app.session && gone());
  addEventListener("hashchange", show);
  document.addEventListener("keydown", onKey);
  try {
    const who = await session();
    if (who) entered(who);
    else gone();
  } catch (error) {
    put(root, main);
    failure(main, error);
  }
}

begin();
