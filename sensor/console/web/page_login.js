// Who looks: the token that the sensor printed at its start (in the link's fragment, which no server is told), or a user
// and a password.
import { signIn } from "./api.js";
import { h, put } from "./dom.js";
import { field, text } from "./parts.js";
import { t } from "./texts.js";

function tokenInLink() {
  const found = /^#\/login\?token=([\w-]+)/.exec(location.hash);
  if (found) history.replaceState(null, "", "#/now"); // it stays in no history
  return found?.[1];
}

// `why`: what is to be said of what was before.
export function open(root, entered, why) {
  const left = new AbortController();
  const wrong = h("p", { class: "failure", role: "alert", hidden: !why }, why);
  const user = text("user", { autocomplete: "username", autocapitalize: "none" });
  const password = h("input", { type: "password", name: "password", autocomplete: "current-password" });
  const token = text("token", { class: "mono" });
  const form = h(
    "form",
    { class: "login", onsubmit: event => go(event) },
    h("h1", { tabindex: -1 }, t("login_title")),
    h("p", { class: "soft" }, t("login_intro")),
    wrong,
    field(t("user"), user),
    field(t("password"), password),
    h("details", {}, h("summary", {}, t("by_token")), field(t("token"), token, t("token_note"))),
    h("button", { type: "submit", class: "button main" }, t("sign_in")),
  );

  async function attempt(body) {
    form.setAttribute("aria-busy", "true");
    try {
      const who = await signIn(body);
      left.abort();
      entered(who);
    } catch (error) {
      wrong.hidden = false;
      put(wrong, error.message);
      password.value = "";
      user.focus();
    } finally {
      form.removeAttribute("aria-busy");
    }
  }

  function go(event) {
    event.preventDefault();
    attempt(token.value ? { token: token.value.trim() } : { user: user.value, password: password.value });
  }

  document.title = `${t("login_title")} · Weir`;
  put(root, h("main", { class: "login-page" }, form));
  // The sensor's link, followed while this page is open, loads nothing anew.
  const byLink = () => {
    const given = tokenInLink();
    if (given) attempt({ token: given });
    return given;
  };
  addEventListener("hashchange", byLink, { signal: left.signal });
  if (!byLink()) user.focus();
}
