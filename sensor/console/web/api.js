// The sensor's API (docs/api.md) as the pages ask it. Every error is a Refused with the one line that the sensor said.
import { t } from "./texts.js";

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

let csrf = null;
let onSignedOut = () => {};

export const whenSignedOut = call => {
  onSignedOut = call;
};

async function read(reply) {
  const text = await reply.text();
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return { error: { text: t("not_json", reply.status) } };
  }
}

// The reply of who did not refuse.
async function fetched(path, { method = "GET", body, signal } = {}) {
  const headers = {};
  if (method !== "GET" && csrf) headers["X-Weir-CSRF"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let reply;
  try {
    reply = await fetch(path, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, t("no_answer"));
  }
  if (reply.status === 401 && !path.startsWith("/v1/session")) onSignedOut();
  if (!reply.ok) throw new Refused(reply.status, (await read(reply)).error?.text || t("status", reply.status));
  return reply;
}

export const ask = async (path, options) => read(await fetched(path, options));

export const send = (path, body = {}, method = "POST") => ask(path, { method, body });

// A file that only who may act is given: its bytes.
export async function fileOf(path, body) {
  const reply = await fetched(path, { method: "POST", body });
  try {
    return await reply.blob();
  } catch {
    throw new Refused(0, t("no_answer"));
  }
}

// --- who looks ----------------------------------------------------------------------------------

function taken(session) {
  csrf = session.csrf;
  return session;
}

// The cookie is not ours to see; that there was one is remembered, so that who never signed in is not asked about.
const MARK = "weir.session";

function remember(is) {
  try {
    if (is) localStorage.setItem(MARK, "1");
    else localStorage.removeItem(MARK);
  } catch {
    /* then the sensor is asked */
  }
}

function remembered() {
  try {
    return localStorage.getItem(MARK) !== null;
  } catch {
    return true;
  }
}

// null: nobody is signed in.
export async function session() {
  if (!remembered()) return null;
  try {
    return taken(await ask("/v1/session"));
  } catch (error) {
    if (error.status !== 401) throw error;
    remember(false);
    return null;
  }
}

export async function signIn(body) {
  const who = taken(await send("/v1/session", body));
  remember(true);
  return who;
}

export async function signOut() {
  await send("/v1/session", undefined, "DELETE");
  csrf = null;
  remember(false);
}

// --- what happens -------------------------------------------------------------------------------

const AGAIN_MS = [1000, 2000, 5000, 15000];

// Events of the sensor: `hear(kind, data)` for alert, now, state and gap (more was missed than can be
// told again); `say(live)` when the line comes or goes. The browser
// connects again by itself and says where it stood; where it gave up (the sensor restarted) we do.
export class Events {
  constructor(hear, say) {
    this.hear = hear;
    this.say = say;
    this.failed = 0;
    this.open();
  }

  open() {
    this.source = new EventSource("/v1/events");
    this.source.onopen = () => {
      this.failed = 0;
      this.say(true);
    };
    this.source.onerror = () => this.lost();
    for (const kind of ["alert", "now", "state", "gap"])
      this.source.addEventListener(kind, event => this.take(kind, event.data));
  }

  take(kind, text) {
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return; // half a line is no news
    }
    this.hear(kind, data);
  }

  lost() {
    this.say(false);
    if (this.source.readyState !== EventSource.CLOSED) return;
    const wait = AGAIN_MS[Math.min(this.failed++, AGAIN_MS.length - 1)];
    this.timer = setTimeout(() => this.again(), wait);
  }

  async again() {
    try {
      if (await session()) this.open();
      else onSignedOut();
    } catch {
      this.lost();
    }
  }

  close() {
    clearTimeout(this.timer);
    this.source.close();
  }
}
