"""The console's pages. Their files: no markup is made of text, nothing is from elsewhere, every text is in the
catalogue. In a browser, against a stub of the sensor (console/stub.py): every page without a complaint, an alert
without reloading, filters, the keyboard alone, orders, and names that would run if they could.

The browser's part needs chromium, node and npm (deploy/packages-long), and once a network for what
console/package-lock.json pins; the rest of it (1,000 incidents, axe, sizes) is tests/long/console_pages.
"""
import os
import re
import shutil
import subprocess
import sys

import weirtest
from weirtest import SOURCE, Case

WEB = os.path.join(SOURCE, "sensor", "console", "web")
PARTS = os.path.join(SOURCE, "tests", "golden", "console")
MODULES = os.path.join(os.environ.get("WEIR_BUILD", "/tmp"), "tests", "console")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
# What makes markup or code of text.
SINKS = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser|"
                   r"createContextualFragment|setTimeout\(\s*[\"'`]|javascript:")


def read(name):
    with open(os.path.join(WEB, name), encoding="utf-8") as file:
        return file.read()


def text_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def install():
    """The folder with what drives the browser, as it is pinned; or why it cannot be had."""
    if not (BROWSER and shutil.which("node") and shutil.which("npm")):
        return None, "no chromium, node or npm (deploy/packages-long)"
    os.makedirs(MODULES, exist_ok=True)
    with open(os.path.join(PARTS, "package-lock.json"), encoding="utf-8") as file:
        pinned = file.read()
    mark = os.path.join(MODULES, "installed")
    if text_of(mark) != pinned:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(PARTS, name), MODULES)
        try:
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=MODULES,
                                  capture_output=True, text=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return None, "npm brings nothing within 60 s"
        if done.returncode != 0:
            return None, "npm brings nothing: " + (done.stderr.strip().splitlines() or ["?"])[0]
        with open(mark, "w", encoding="utf-8") as file:
            file.write(pinned)
    return MODULES, None


def drive(modules, words, checks, shots="", timeout=120):
    """Lines of pages.mjs, of these checks against a stub that was started with `words`."""
    stub = subprocess.Popen([sys.executable, os.path.join(PARTS, "stub.py"), *words], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = stub.stdout.readline().strip()
        done = subprocess.run(["node", os.path.join(PARTS, "pages.mjs"), BROWSER, address, *checks], capture_output=True,
                              text=True, timeout=timeout, check=False,
                              env=dict(os.environ, NODE_PATH=modules, WEIR_SHOTS=shots))
        return [line for line in done.stdout.splitlines() if line] or [done.stderr]
    finally:
        stub.stdin.close()
        stub.stdout.close()
        stub.terminate()
        stub.wait()


class Files(Case):
    def test_no_markup_is_made_of_text(self):
        for name in os.listdir(WEB):
            text = re.sub(r"^\s*//.*$", "", read(name), flags=re.M)
            self.assertIsNone(SINKS.search(text), name)
            outside = [url for url in re.findall(r"\bhttps?://[^\"' )]+", text) if url != "http://www.w3.org/2000/svg"]
            self.assertEqual(outside, [], name)

    def test_the_document_has_no_script_and_no_style_of_its_own(self):
        page = read("index.html")
        self.assertEqual(re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), [])
        for name in re.findall(r"(?:src|href)=\"([^\"]+)\"", page):
            self.assertTrue(os.path.exists(os.path.join(WEB, name)), name)

    def test_modules_ask_for_what_is_there(self):
        for name in os.listdir(WEB):
            for names, other in re.findall(r"^import (.*?) from \"\./([\w.]+)\";", read(name) if name.endswith(".js") else "", re.M):
                exported = set(re.findall(r"^export (?:const|let|function|async function|class) (\w+)", read(other), re.M))
                wanted = set(re.findall(r"\w+", names)) if names.startswith("{") else set()
                self.assertLessEqual(wanted, exported, f"{name} from {other}")

    def test_every_text_is_in_the_catalogue_and_used(self):
        keys = re.findall(r"^  (\w+):\s*\"", read("texts.en.js"), re.M)
        self.assertEqual(len(keys), len(set(keys)))
        code = "".join(read(name) for name in os.listdir(WEB) if name.endswith(".js") and not name.startswith("texts."))
        used = set(re.findall(r"\bt\(\s*\"(\w+)\"", code)) | set(re.findall(r"\bt\([^()\"]*\? \"(\w+)\" : \"\w+\"", code)) \
            | set(re.findall(r"\bt\([^()\"]*\? \"\w+\" : \"(\w+)\"", code))
        self.assertEqual(sorted(used - set(keys)), [])
        made = [re.escape(part).replace("\0", r"\w+") for part in
                (re.sub(r"\$\{[^}]*\}", "\0", text) for text in re.findall(r"\bt(?:\.or)?\(`([^`]+)`", code))]
        left = [key for key in keys if key not in used and not any(re.fullmatch(part, key) for part in made)
                and f'"{key}"' not in code]
        self.assertEqual(left, [])


class Pages(Case):
    def drive(self, words, checks):
        modules, why = install()
        if why:
            self.skipTest(why)
        lines = drive(modules, words, checks)
        self.assertEqual([line.split()[:2] for line in lines], [["ok", name] for name in checks], "\n".join(lines))

    def test_as_people_use_them(self):
        self.drive([], ["pages", "alert", "filters", "keyboard", "orders", "people"])

    def test_names_that_would_run(self):
        self.drive(["--hostile"], ["hostile"])


if __name__ == "__main__":
    weirtest.main()
