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
import unittest

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


def sensor_words():
    """The program's text: the words it says of states and kinds are in it."""
    folders = (os.path.join(SOURCE, "sensor"), os.path.join(SOURCE, "include"))
    return "".join(text_of(os.path.join(place, name)) for folder in folders for place, _, names in os.walk(folder)
                   for name in names if name.endswith((".c", ".h")))


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


def begin_stub(words):
    stub = subprocess.Popen([sys.executable, os.path.join(PARTS, "stub.py"), *words], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return stub, stub.stdout.readline().strip()


def end_stub(stub):
    stub.stdin.close()
    stub.stdout.close()
    stub.terminate()
    stub.wait()


def drive(modules, parts, shots="", timeout=120):
    """Lines of pages.mjs, one browser for all: of each part (words, checks) the checks against a stub of these words."""
    stubs = [begin_stub(words) for words, _ in parts]
    asked = [word for (_, address), (_, checks) in zip(stubs, parts) for word in (address, *checks)]
    try:
        done = subprocess.run(["node", os.path.join(PARTS, "pages.mjs"), BROWSER, *asked], capture_output=True,
                              text=True, timeout=timeout, check=False,
                              env=dict(os.environ, NODE_PATH=modules, WEIR_SHOTS=shots))
        return [line for line in done.stdout.splitlines() if line] or [done.stderr]
    finally:
        for stub, _ in stubs:
            end_stub(stub)


def drive_live(case, space, modules, check, token, act, shots=""):
    """One check against a running sensor, from within `space`; what it says is to happen, `act` makes happen and answers.
    → its last line, which says that it is well."""
    drive = space.start("node", os.path.join(PARTS, "pages.mjs"), BROWSER, "http://127.0.0.1:8477", check,
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None,
                        env=dict(os.environ, NODE_PATH=modules, WEIR_TOKEN=token, **({"WEIR_SHOTS": shots} if shots else {})))
    case.addCleanup(drive.stdout.close)
    last = ""
    for line in drive.stdout:
        last = line.decode().strip()
        if last.startswith("do "):
            drive.stdin.write(act(last[3:]).encode() + b"\n")
            drive.stdin.flush()
    drive.stdin.close()
    case.assertEqual(drive.wait(60), 0, last)
    case.assertTrue(last.startswith(f"ok {check}"), last)
    return last


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
        made = [re.escape(part).replace("\0", r"(\w+)") for part in
                (re.sub(r"\$\{[^}]*\}", "\0", text) for text in re.findall(r"\bt(?:\.or)?\(`([^`]+)`", code))]
        said = set(re.findall(r"\"(\w+)\"", code + sensor_words())) # what may be put into these
        left = [key for key in keys if key not in used and f'"{key}"' not in code
                and not any(found[1] in said for found in (re.fullmatch(part, key) for part in made) if found)]
        self.assertEqual(left, [])

    def test_each_text_is_put_as_many_words_as_it_takes(self):
        texts = dict(re.findall(r"^  (\w+):\s*\"(.*)\",$", read("texts.en.js"), re.M))
        self.assertEqual({key for key, text in texts.items() if "{" in re.sub(r"\{\d\}", "", text)}, set())
        for name in os.listdir(WEB):
            for key in re.findall(r"\bt\(\"(\w+)\"\)", read(name)) if name.endswith(".js") else ():
                self.assertNotIn("{", texts[key], f"{name}: t(\"{key}\")")


class Pages(Case):
    @unittest.skipUnless(shutil.which("node"), "no node (deploy/packages-long)")
    def test_what_drives_the_browser_can_be_read(self):
        done = subprocess.run(["node", "--check", os.path.join(PARTS, "pages.mjs")], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_in_a_browser(self):
        modules, why = install()
        if why:
            self.skipTest(why)
        parts = [([], ["pages", "alert", "filters", "keyboard", "orders", "people"]), (["--hostile"], ["hostile"])]
        lines = drive(modules, parts)
        self.assertEqual([line.split()[:2] for line in lines], [["ok", name] for _, checks in parts for name in checks],
                         "\n".join(lines))


if __name__ == "__main__":
    weirtest.main()
