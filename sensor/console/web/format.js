// Figures as people read them, the same as the program's own (base/figures.c).
import { visible } from "./dom.js";
import { t } from "./texts.js";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const NARROW = "\u00a0";

export const known = value => value !== null && value !== undefined && !Number.isNaN(value);

export function bytes(value) {
  if (!known(value)) return t("none");
  let at = 0;
  while (value >= 999.5 && at < UNITS.length - 1) {
    value /= 1000;
    at++;
  }
  return value.toFixed(at === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2) + NARROW + UNITS[at];
}

const COUNT = new Intl.NumberFormat("en");

export const count = value => (known(value) ? COUNT.format(Math.round(value)) : t("none"));

// Of a handful, or less than one: a small site's day is a hundredth of an alert.
export const few = value => (known(value) ? value.toFixed(value >= 10 ? 0 : value >= 1 || value === 0 ? 1 : 2) : t("none"));
export const range = pair => (pair ? t("range", bytes(pair[0]), bytes(pair[1])) : t("none"));

export const share = part =>
  known(part) ? `${(100 * part).toFixed(part < 0.1 && part > 0 ? 1 : 0)}${NARROW}%` : t("none");

// p is how often such a thing happens: said as "one of N", which people read rightly.
export const rarity = p => (p > 0 ? t("one_of", count(Math.max(1, 1 / p))) : t("none"));

export const amount = (value, unit) =>
  unit === "byte" ? bytes(value) : `${count(value)}${unit ? NARROW + unitOf(value, unit) : ""}`;

// The sensor names one of them: "flow".
const unitOf = (value, unit) => (value === 1 ? visible(unit) : t.or(`unit_${unit}`, unit));

export const shortId = id => `inc-${id.slice(0, 6)}`;

// --- times --------------------------------------------------------------------------------------

let zone = "UTC";
let form = made();

// Swedish writes times as ISO 8601 does.
function made() {
  return new Intl.DateTimeFormat("sv", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
    timeZone: zone,
  });
}

export function useZone(utc) {
  zone = utc ? "UTC" : undefined;
  form = made();
}

export const zoneName = () => (zone === "UTC" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone);

// "2026-03-02 01:14:07" in the zone that is shown; its parts are cut out of it, so all read alike.
export function whole(text) {
  const date = known(text) ? new Date(text) : null;
  return date && !Number.isNaN(date.getTime()) ? form.format(date) : t("none");
}

export const moment = text => whole(text).slice(5) || t("none");

export const day = text => whole(text).slice(0, 10);

export const clock = text => whole(text).slice(11) || t("none");

export const second = ms => whole(ms).slice(11);

export const minute = ms => whole(ms).slice(11, 16);

export function lasting(seconds) {
  if (!known(seconds)) return t("none");
  if (seconds < 120) return t("seconds", seconds < 10 ? seconds.toFixed(1) : Math.round(seconds));
  if (seconds < 7200) return t("minutes", Math.round(seconds / 60));
  return seconds < 172800 ? t("hours", Math.round(seconds / 3600)) : t("days", Math.round(seconds / 86400));
}
