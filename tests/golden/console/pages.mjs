// Drives the console's pages in a browser against stub.py, as people do: mouse, keyboard, nothing else.
//   node pages.mjs BROWSER URL CHECK… [URL CHECK…]    NODE_PATH names the folder with playwright-core and axe-core
// A line for each check: "ok NAME figures", or "not ok NAME why". Exit status 1 if any failed.
// WEIR_SHOTS=FOLDER: the check "shots" leaves its pictures there.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";

const require = createRequire(path.join(process.env.NODE_PATH, "/"));
const { chromium } = require("playwright-core");
const [browserPath, ...wanted] = process.argv.slice(2);
let base = ""; // of the checks behind it
const INCIDENT = "8123cac11ed351a4e425cd2a9d2496bb";
const PAGES = [
  "now",
  "incidents",
  `incident/${INCIDENT}`,
  "host/10.4.0.17",
  "destination/example5.co.jp",
  "map",
  "sensor",
];

const shortId = id => `inc-${id.slice(0, 6)}`;

function must(is, words) {
  if (!is) throw new Error(words);
}

// What the browser complained of; a page that is well says nothing.
function listen(page, said) {
  page.on("console", m => ["error", "warning"].includes(m.type()) && said.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", error => said.push(`thrown: ${error.message}`));
  page.on("dialog", dialog => {
    said.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
}

const shown = page =>
  page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main[aria-busy]"));

async function go(page, hash) {
  await page.evaluate(to => {
    location.hash = to;
  }, `#/${hash}`);
  await page.waitForFunction(to => decodeURIComponent(location.hash) === decodeURIComponent(to), `#/${hash}`);
  await shown(page);
}

// A browser of its own, signed in; `close` asserts that it said nothing.
async function enter(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage(),
    said = [];
  listen(page, said);
  await page.addInitScript(() => {
    window.long = [];
    new PerformanceObserver(list => window.long.push(...list.getEntries().map(e => Math.round(e.duration)))).observe({
      type: "longtask",
      buffered: true,
    });
  });
  await page.goto(`${base}/#/login?token=${process.env.WEIR_TOKEN || "stub-token"}`);
  await shown(page);
  await page.waitForSelector(".live.on");
  must(!page.url().includes("token"), "the token stays in the address");
  return {
    page,
    said,
    close: async () => {
      await context.close();
      must(said.length === 0, `the browser says: ${said.join(" | ").slice(0, 500)}`);
    },
  };
}

// Until there are rows, and this cell of each has the text.
const rowsSay = (page, cell, text) =>
  page.waitForFunction(
    ([selector, words]) => {
      const cells = [...document.querySelectorAll(`.grid-row ${selector}`)];
      return cells.length > 0 && cells.every(e => e.textContent.includes(words));
    },
    [cell, text],
  );

// Whatever names say, they are text.
async function inert(page, hash) {
  must(await page.evaluate(() => window.pwned === undefined), `${hash}: it ran`);
  const odd = await page.evaluate(() =>
    [...document.querySelectorAll("main *, .notices *")]
      .filter(
        e =>
          /^(script|img|iframe|object|embed|link|style|base|meta)$/i.test(e.tagName) ||
          [...e.attributes].some(a => /^on/i.test(a.name)) ||
          /^(javascript|data|https?):/i.test(e.getAttribute("href") || ""),
      )
      .map(e => e.outerHTML.slice(0, 200)),
  );
  must(odd.length === 0, `${hash}: ${odd[0]}`);
  must(
    !(await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069]/.test(document.body.textContent))),
    `${hash}: turns the reading around`,
  );
}

const post = async to => (await fetch(base + to, { method: "POST", body: "{}" })).text();
const texts = (page, selector) => page.locator(selector).allTextContents();

// The live test's part: says what is to happen, and waits for word of it.
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function stage(words) {
  console.log(`do ${words}`);
  return (await answers.next()).value;
}

// Zones and destinations against what is usual, in figures and drawn; without a band how far they are from one.
async function bands(page) {
  await go(page, "now");
  const row = name => page.locator("main tbody tr", { hasText: name });
  const drawn = async name => row(name).locator(".bandbar .band").count();
  must((await row("office").textContent()).includes("8.00"), `office: ${await row("office").textContent()}`);
  const said = await row("office").locator(".bandbar").getAttribute("aria-label");
  must(/^usually 8\.00\sMB \S+ 41\.0\sMB$/.test(said), `office's bar is called ${said}`);
  must((await row("servers").textContent()).includes("above usual"), "servers are not said to be above");
  must((await drawn("office")) === 1 && (await drawn("update.example.net")) === 1, "no band is drawn");
  must((await drawn("198.51.100.0/24")) === 0, "a band is drawn that is not known");
  must((await row("198.51.100.0/24").textContent()).includes("7 of 20 hours known"), "nobody says why there is none");
  const words = await page.textContent("main");
  must(words.includes("two hours before and after work. This hour is 13 min old"), "which hours these are is not said");
  must(words.includes("No band: fewer than 20"), "why there is no band is not said");
}

async function picture(page, name) {
  if (process.env.WEIR_SHOTS)
    await page.screenshot({ path: path.join(process.env.WEIR_SHOTS, `${name}.png`), fullPage: true });
}

// By keyboard: acknowledged, and malicious.
async function judge(page, id) {
  await go(page, `incident/${id}`);
  await page.keyboard.press("a");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".chip.acknowledged");
  await page.keyboard.press("v");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".chip.verdict-malicious");
}

// On how many of all pages a name is that was planted on the wire; on none does it run.
async function names(page, id) {
  const [hosts, places] = await page.evaluate(async () => [
    (await (await fetch("/v1/hosts")).json()).hosts.map(row => `host/${encodeURIComponent(row.host)}`),
    (await (await fetch("/v1/now")).json()).destinations.map(row => `destination/${encodeURIComponent(row.destination)}`),
  ]);
  let planted = 0;
  for (const hash of ["incidents", `incident/${id}`, "map", "sensor", ...hosts, ...places, "now"]) {
    await go(page, hash);
    await inert(page, hash);
    planted += (await page.textContent("main")).includes("onerror=pwned=1");
    must(!(await page.locator("main .failure").count()), `${hash}: ${await page.textContent("main")}`);
    await picture(page, `live-${hash.split("/")[0]}`);
  }
  return planted;
}

async function staysJudged(browser, id) {
  process.env.WEIR_TOKEN = await stage("restart");
  const again = await enter(browser); // the first page may say that nobody answers
  await go(again.page, `incident/${id}`);
  await again.page.waitForSelector(".chip.verdict-malicious");
  await again.close();
}

const checks = {
  // Against a running sensor: an alert from the wire, with names that would run; marks outlive a restart.
  async live(browser) {
    const { page, said, close } = await enter(browser);
    await page.evaluate(() => {
      window.sameDocument = true;
    });
    await stage("knock");
    await page.waitForSelector(".alert-log .alert-line", { timeout: 30000 });
    must(await page.evaluate(() => window.sameDocument), "the page was loaded anew");
    const id = (await page.getAttribute(".alert-log .alert-line", "href")).split("/").pop();
    let planted = 0;
    // An alert comes with a flow's first packets, names with its report, seconds later.
    for (const end = Date.now() + 30000; planted === 0 && Date.now() < end; ) planted = await names(page, id);
    must(planted > 0, "no name from the wire was shown at all");
    await judge(page, id);
    must(await page.evaluate(() => window.pwned === undefined), "a name from the wire ran");
    must(said.length === 0, `the browser says: ${said.join(" | ")}`);
    await staysJudged(browser, id);
    await page.context().close();
  },

  // The shipped incident on the wire: told while it goes on, found by filters, judged; and so after a restart.
  async incident(browser) {
    const { page, said } = await enter(browser);
    await page.evaluate(() => {
      window.sameDocument = true;
    });
    await stage("theft");
    const begun = Date.now(),
      line = page.locator(".alert-log .alert-line", { hasText: "203.0.113" }).first();
    await line.waitFor({ timeout: 120000 });
    const took = Date.now() - begun;
    const id = (await line.getAttribute("href")).split("/").pop();
    await page.waitForSelector(".notice");
    await stage("end");
    must(await page.evaluate(() => window.sameDocument), "the page was loaded anew");
    await go(page, "incidents");
    await page.fill("[name=find]", "203.0.113");
    await page.selectOption("[name=urgency]", "now");
    await rowsSay(page, ".c-to", "203.0.113");
    const hashes = ["now", "incidents", `incident/${id}`, "host/10.4.0.17", "destination/203.0.113.0%2F24", "map", "sensor"];
    for (const hash of hashes) {
      await go(page, hash);
      must(!(await page.locator("main .failure").count()), `${hash}: ${await page.textContent("main")}`);
      await picture(page, `incident-${hash.split("/")[0]}`);
    }
    let words = "";
    for (let tries = 0; tries < 30 && !/Left4\.22\sMB/.test(words); tries++) {
      await go(page, "now"); // the last flows are still to be reported
      await go(page, `incident/${id}`);
      words = await page.textContent("main");
      await page.waitForTimeout(1000);
    }
    must(/Left4\.22\sMB/.test(words), `not all that left is shown: ${words.slice(0, 300)}`);
    must(/e-mail addresses76,1\d\d/.test(words), `addresses: ${words.match(/Counted.{0,200}/g)}`);
    await judge(page, id);
    must(said.length === 0, `the browser says: ${said.join(" | ")}`);
    await staysJudged(browser, id);
    await page.context().close();
    return `told on the page after ${(took / 1000).toFixed(1)} s`;
  },

  async pages(browser) {
    const { page, said } = await enter(browser);
    for (const hash of PAGES) {
      await go(page, hash);
      must((await page.textContent("main h1")).trim(), `${hash}: no title`);
      must(!(await page.locator("main .failure").count()), `${hash}: ${await page.textContent("main")}`);
      must((await page.title()).endsWith("· Weir"), `${hash}: ${await page.title()}`);
    }
    await bands(page);
    let answer;
    const held = new Promise(resolve => (answer = resolve));
    await page.route("**/v1/fleet", route => held.then(() => route.continue()));
    await go(page, "sensor"); // which is there before the store answers
    must((await page.textContent("main")).includes("Asking the sensor"), "the store has answered already");
    answer();
    const fleet = await page.textContent('[aria-label="Sensors that share the store"]');
    for (const one of ["this oneat work1.2 s", "north-2silent15 min", "south-1behind2.5 s", "7230.5 s"])
      must(fleet.replaceAll("\u00a0", " ").includes(one), `${one} is not in ${fleet}`);
    must(said.length === 0, `the browser says: ${said.join(" | ")}`);
    await go(page, `incident/${"0".repeat(32)}`); // the browser reports the 404
    await page.waitForSelector("main .failure");
    await page.context().close();
    return `${PAGES.length} pages`;
  },

  async alert(browser) {
    const { page, close } = await enter(browser);
    await page.evaluate(() => {
      window.sameDocument = true;
    });
    const before = await page.locator(".alert-log li").count();
    const begun = Date.now();
    await post("/stub/alert");
    await page.waitForFunction(n => document.querySelectorAll(".alert-log li").length > n, before);
    const took = Date.now() - begun;
    must(await page.evaluate(() => window.sameDocument), "the page was loaded anew");
    must((await texts(page, ".alert-log li"))[0].includes("03-02 06:01"), "the newest is not the first");
    await page.waitForSelector(".notice");
    await close();
    return `after ${took} ms`;
  },

  async filters(browser) {
    const { page, close } = await enter(browser);
    await go(page, "incidents");
    await page.fill("[name=find]", "files6");
    await rowsSay(page, ".c-to", "files6");
    await page.fill("[name=find]", "");
    await page.selectOption("[name=urgency]", "now");
    await page.waitForFunction(
      () => document.querySelector(".grid-row .shape.now") && !document.querySelector(".grid-row .shape:not(.now)"),
    );
    await page.selectOption("[name=urgency]", "all");
    await page.fill("[name=score]", "80");
    await page.waitForFunction(() => {
      const scores = [...document.querySelectorAll(".grid-row .figure")];
      return scores.length > 0 && scores.every(e => Number(e.textContent) >= 80);
    });
    await page.fill("[name=score]", "0");
    await page.click(".grid-head .c-who button");
    await page.waitForSelector(".grid-head .c-who[aria-sort=descending]");
    const hosts = await texts(page, ".grid-row .c-who");
    must(hosts.length > 3 && hosts.every((host, i) => i === 0 || host <= hosts[i - 1]), `not sorted: ${hosts}`);
    await page.fill("[name=find]", "nothing is called so");
    await page.waitForSelector(".grid-empty");
    await page.fill("[name=find]", "");
    await page.waitForSelector(".grid-row");
    await close();
  },

  // From the address to a verdict without a mouse, and the mark is still there when the page is loaded anew.
  async keyboard(browser) {
    const { page, close } = await enter(browser);
    const key = k => page.keyboard.press(k),
      focus = () =>
        page.evaluate(
          () => document.activeElement.className || document.activeElement.id || document.activeElement.tagName,
        );
    await page.evaluate(() => document.activeElement.blur());
    await key("Tab");
    must((await focus()) === "skip", `the first stop is ${await focus()}`);
    await key("Enter");
    must((await page.evaluate(() => document.activeElement.id)) === "main", "the skip link skips nothing");
    await key("g");
    await key("i");
    await page.waitForSelector(".grid-row");
    await key("/");
    await page.keyboard.type("files3");
    await rowsSay(page, ".c-to", "files3");
    await key("Escape");
    await key("ArrowDown");
    must((await focus()).includes("grid-row"), `arrows go to ${await focus()}`);
    const second = await page.locator(".grid-row").nth(1).getAttribute("data-key");
    await key("ArrowDown");
    must((await page.evaluate(() => document.activeElement.dataset.key)) === second, "arrow down stays");
    await key("a");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.type("looking at it");
    await key("Enter");
    await page.waitForFunction(
      id => !document.querySelector("dialog") && !document.querySelector(`[data-key="${id}"]`),
      second,
    ); // no longer to do
    await page.evaluate(id => {
      location.hash = `#/incident/${id}`;
    }, second);
    await page.waitForSelector(".incident-top .chip.acknowledged");
    await key("v");
    await page.waitForSelector("dialog[open]");
    await key("ArrowDown");
    await key("Enter");
    await page.waitForSelector(".chip.verdict-malicious");
    await page.reload();
    await page.waitForSelector(".chip.verdict-malicious");
    await key("?");
    await page.waitForSelector("dialog .keys");
    await key("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    await close();
  },

  async orders(browser) {
    const { page, close } = await enter(browser);
    await go(page, `incident/${INCIDENT}`);
    await page.click("[data-act=silence]");
    await page.click("dialog .main"); // without a reason it is not sent
    must((await page.locator("dialog[open]").count()) === 1, "a silence without a reason");
    await page.fill("dialog [name=reason]", "patch day");
    await page.click("dialog .main");
    await page.waitForSelector(".notice");
    const [kept] = await Promise.all([page.waitForEvent("download"), page.click("text=packets-1.pcapng")]);
    must(kept.suggestedFilename() === `${shortId(INCIDENT)}-packets-1.pcapng`, kept.suggestedFilename());
    must(fs.readFileSync(await kept.path(), "utf8") === "of packets-1.pcapng", "another file");
    const [report] = await Promise.all([page.waitForEvent("download"), page.click("text=Report")]);
    must(report.url().endsWith(`/v1/incidents/${INCIDENT}/report`), report.url());
    const second = await page.evaluate(async () => (await (await fetch("/v1/incidents")).json()).incidents[1].id);
    await go(page, `incident/${second}`);
    must((await page.textContent("main")).includes("none are sealed yet"), "packets that are kept are denied");
    await go(page, "host/10.4.0.17");
    for (const [verb, next] of [
      ["freeze", "thaw"],
      ["thaw", "freeze"],
    ]) {
      await page.click(`[data-act=${verb}]`);
      await page.fill("dialog [name=reason]", "moved");
      await page.click("dialog .main");
      await page.waitForSelector(`[data-act=${next}]`);
    }
    must((await page.locator(".chip.new").count()) > 0, "nothing is new there");
    await go(page, "host/10.4.0.18"); // whose past is not in memory
    const acts = await page.locator("[data-act]").evaluateAll(all => all.map(e => e.dataset.act).join());
    must(acts === "freeze,thaw,reset", `of an unknown state: ${acts}`);
    must((await page.textContent("main .tiles")).includes("unknown yet"), "its state is said to be known");
    must(!(await page.locator(".chip.new").count()), "what nobody knows is said to be new");
    await page.click("[data-act=reset]");
    await page.click("dialog .main"); // without a reason it is not sent
    must((await page.locator("dialog[open]").count()) === 1, "a reset without a reason");
    await page.keyboard.press("Escape");
    await close();
  },

  // Who may only look is offered nothing to do; who is signed out sees nothing more.
  async people(browser) {
    const context = await browser.newContext(),
      page = await context.newPage();
    await page.goto(`${base}/`);
    await page.fill("[name=user]", "bob");
    await page.fill("[name=password]", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".login .failure:not([hidden])");
    must((await page.inputValue("[name=password]")) === "", "a wrong password is left standing");
    await page.fill("[name=user]", "bob");
    await page.fill("[name=password]", "secret");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".live.on");
    await go(page, `incident/${INCIDENT}`);
    must((await page.locator(".acts").count()) === 0, "a viewer is offered orders");
    await go(page, "host/10.4.0.17");
    must((await page.locator("[data-act]").count()) === 0, "a viewer is offered to freeze");
    await context.clearCookies();
    await page.evaluate(() => {
      location.hash = "#/map";
    });
    await page.waitForSelector(".login");
    must(!(await page.locator(".panel").count()), "the page is left standing");
    await context.close();
  },

  // Against stub.py --hostile: each odd name is a host or a destination; at length both.
  async hostile(browser, whole) {
    const { page, close } = await enter(browser);
    const names = [
      "<img src=x onerror=window.pwned=1>",
      "javascript:window.pwned=1",
      '"><script>window.pwned=1</script>',
      "a\u202egnp.exe",
      "__proto__",
    ];
    const of = (kind, odd) =>
      names.filter((_, i) => whole || i % 2 === odd).map(n => `${kind}/${encodeURIComponent(n)}`);
    for (const hash of [...PAGES, ...of("host", 0), ...of("destination", 1)]) {
      await go(page, hash);
      await page.waitForTimeout(50);
      await inert(page, hash);
      must(
        await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
        `${hash}: wider than the window`,
      );
    }
    await go(page, "now");
    await post("/stub/alert");
    await page.waitForSelector(".notice");
    must(await page.evaluate(() => window.pwned === undefined), "an alert ran");
    await close();
  },

  hostileAtLength: browser => checks.hostile(browser, true),

  // Against stub.py --incidents 1000. Others on the machine only ever make it slower: the best of three.
  async many(browser) {
    for (let left = 2; ; left--) {
      try {
        return await checks.manyOnce(browser);
      } catch (error) {
        if (left === 0 || !error.message.startsWith("a task")) throw error;
      }
    }
  },

  async manyOnce(browser) {
    const { page, close } = await enter(browser);
    await page.evaluate(() => window.long.splice(0)); // what the browser did to begin is not the list
    await go(page, "incidents");
    await page.waitForFunction(() => Number(document.querySelector(".grid").getAttribute("aria-rowcount")) > 1000);
    await page.focus(".grid-row[tabindex='0']");
    for (let i = 0; i < 60; i++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    await page.keyboard.press("Home");
    for (let i = 0; i < 40; i++) {
      await page.evaluate(y => {
        document.querySelector(".grid-scroll").scrollTop = y;
      }, 1000 * i);
      await page.waitForTimeout(16);
    }
    for (const letters of ["10.4.1", "files", "volume"]) {
      await page.fill("[name=find]", "");
      await page.locator("[name=find]").pressSequentially(letters);
    }
    await page.fill("[name=find]", "");
    for (const id of ["out", "last", "who", "score"]) await page.click(`.grid-head .c-${id} button`);
    await Promise.all([...Array(100).keys()].map(() => post("/stub/alert")));
    await page.waitForTimeout(1500);
    const nodes = await page.locator(".grid-row").count(),
      long = await page.evaluate(() => window.long);
    must(nodes < 100, `${nodes} rows stand there`);
    const most = Math.max(0, ...long);
    must(most < 100, `a task of ${most} ms`);
    await close();
    return `${nodes} rows of 1,003 stand there; longest task ${most ? `${most} ms` : "below 50 ms"}`;
  },

  async axe(browser) {
    const source = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
    let rules = 0;
    for (const [colorScheme, width] of [
      ["light", 1440],
      ["dark", 1440],
      ["light", 390],
    ]) {
      const { page, close } = await enter(browser, { colorScheme, viewport: { width, height: 900 } });
      await page.evaluate(source);
      for (const hash of [...PAGES, "dialog"]) {
        if (hash === "dialog") {
          await go(page, `incident/${INCIDENT}`);
          await page.keyboard.press("v");
          await page.waitForSelector("dialog[open]");
        } else await go(page, hash);
        await page.waitForTimeout(300);
        const found = await page.evaluate(() => axe.run(document));
        rules = Math.max(rules, found.passes.length);
        const grave = found.violations.filter(v => ["serious", "critical", "moderate"].includes(v.impact));
        must(
          grave.length === 0,
          `${hash}, ${colorScheme}, ${width}: ${grave
            .map(v => `${v.id} ${v.nodes[0].html.slice(0, 160)} ${v.nodes[0].failureSummary}`)
            .join(" | ")
            .slice(0, 900)}`,
        );
      }
      await close();
    }
    return `no finding from moderate on; ${rules} rules passed`;
  },

  async shots(browser) {
    const folder = process.env.WEIR_SHOTS;
    for (const [label, width, height, colorScheme] of [
      ["small", 320, 640, "light"],
      ["phone", 390, 844, "light"],
      ["desk", 1280, 800, "dark"],
      ["wall", 3840, 2160, "dark"],
    ]) {
      const { page, close } = await enter(browser, { viewport: { width, height }, colorScheme });
      for (const hash of PAGES) {
        await go(page, hash);
        await page.waitForTimeout(400);
        must(
          await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
          `${hash} at ${width}: wider than the window`,
        );
        if (folder) await page.screenshot({ path: path.join(folder, `${label}-${hash.split("/")[0]}.png`) });
      }
      await close();
    }
  },
};

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--disable-gpu"] });
let failed = 0;
for (const name of wanted) {
  if (name.startsWith("http:")) {
    base = name;
    continue;
  }
  const begun = Date.now();
  try {
    const figures = await checks[name](browser);
    console.log(`ok ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s) ${figures || ""}`);
  } catch (error) {
    failed++;
    console.log(
      `not ok ${name} ${error.message.replaceAll("\n", " ")} ${(error.stack || "").split("\n").find(l => l.includes("pages.mjs")) || ""}`,
    );
  }
}
answers.return?.();
await browser.close();
process.exit(failed ? 1 : 0);
