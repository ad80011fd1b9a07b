// What people do about an incident or a host: each is one request of the API, and the sensor has the last word.
import { fileOf, send } from "./api.js";
import { h, save } from "./dom.js";
import * as f from "./format.js";
import { choice, dialog, field, notice, radios, text } from "./parts.js";
import { t } from "./texts.js";

const stated = values => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
const note = () => field(t("note"), text("note", { maxlength: 511 }), t("note_note"));

export const mayAct = session => session?.role !== "viewer";

export function acknowledge(incident, then) {
  dialog({
    title: t("ack_title", f.shortId(incident.id)),
    intro: t("ack_intro"),
    yes: t("ack"),
    body: note(),
    act: async values => {
      await send(`/v1/incidents/${incident.id}/ack`, stated(values));
      notice(t("acked", f.shortId(incident.id)));
      then();
    },
  });
}

export function verdict(incident, then) {
  const kinds = ["benign", "malicious", "unknown"].map(v => [v, t(`verdict_${v}`), t(`verdict_${v}_note`)]);
  dialog({
    title: t("verdict_title", f.shortId(incident.id)),
    yes: t("verdict_yes"),
    body: [radios(t("verdict_is"), "verdict", kinds), field(t("ticket"), text("ticket", { maxlength: 95 })), note()],
    act: async values => {
      await send(`/v1/incidents/${incident.id}/close`, stated(values));
      notice(t("judged", f.shortId(incident.id), t(`verdict_${values.verdict}`)));
      then();
    },
  });
}

export function reopen(incident, then) {
  dialog({
    title: t("reopen_title", f.shortId(incident.id)),
    yes: t("reopen"),
    body: note(),
    act: async values => {
      await send(`/v1/incidents/${incident.id}/reopen`, stated(values));
      notice(t("reopened", f.shortId(incident.id)));
      then();
    },
  });
}

// Of an incident's evidence.
export async function take(incident, file) {
  save(await fileOf(`/v1/evidence/${incident.id}/take`, { file }), `${f.shortId(incident.id)}-${file}`);
  notice(t("taken", file));
}

// The scope of a silence: what of the incident it goes by. Narrow first: all that is known of it.
function scopeOf(incident) {
  const rule = incident.rules?.[0];
  return [
    ["host", incident.host],
    ["destination", incident.destination],
    ["rule", rule],
  ].filter(([, value]) => value);
}

function scopeField(incident) {
  return h(
    "fieldset",
    { class: "radios" },
    h("legend", {}, t("silence_scope")),
    scopeOf(incident).map(([key, value]) =>
      h(
        "label",
        {},
        h("input", { type: "checkbox", name: `scope_${key}`, value, checked: true }),
        h("span", {}, t(`scope_${key}`), " ", h("bdi", { class: "mono" }, value)),
      ),
    ),
  );
}

export function silence(incident, then) {
  const spans = [
    [3600, t("hours", 1)],
    [28800, t("hours", 8)],
    [86400, t("hours", 24)],
    [604800, t("days", 7)],
    [2592000, t("days", 30)],
  ];
  dialog({
    title: t("silence_title"),
    intro: t("silence_intro"),
    yes: t("silence"),
    body: [
      field(t("reason"), text("reason", { required: true, maxlength: 511 })),
      field(t("silence_for"), choice("for_s", spans)),
      scopeField(incident),
    ],
    act: async values => {
      const scope = {};
      for (const [key, value] of scopeOf(incident)) if (values[`scope_${key}`]) scope[key] = value;
      const made = await send("/v1/silences", { reason: values.reason, for_s: Number(values.for_s), scope });
      notice(t("silenced", made.id || ""));
      then();
    },
  });
}

// What is learned of a host: "freeze", "thaw", "reset".
export function govern(host, verb, then) {
  dialog({
    title: t(`${verb}_title`, host),
    intro: t(`${verb}_intro`),
    yes: t(verb),
    body: field(t("reason"), text("reason", { maxlength: 255, required: verb === "reset" })),
    act: async values => {
      const said = await send(`/v1/hosts/${encodeURIComponent(host)}/${verb}`, stated(values));
      notice(said.changed === false ? t("governed_same", host) : t(`${verb}_done`, host));
      then();
    },
  });
}
