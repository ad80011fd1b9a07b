#!/usr/bin/env python3
"""The man pages are what the program does: weir(8) has each command's own help word for word,
weir.yaml(5) each key of the configuration with what `weir check` prints for it, and every key of every
type of sinks; the completion offers just the commands there are; man finds nothing to complain of.

    test_man.py --write    renews what weir(8) says of commands
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

import weirtest
from weirtest import SOURCE, Case, weir

MAN = os.path.join(SOURCE, "deploy", "man")
PAGE = os.path.join(MAN, "weir.8")
BEGIN = '.\\" From here to the next mark: what the program says. tests/golden/test_man.py --write renews it.\n'
END = '.\\" End of what the program says.\n'


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def commands():
    """The commands of `weir help`, in its order."""
    return re.findall(r"^(?:usage:|      ) weir ([\w-]+)", weir("help").out, re.M)


def roff(text):
    """Text as it stands: nothing in it is an order to roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text.replace("^", "\\(ha").replace("~", "\\(ti"))


def said_of_commands():
    parts = []
    for command in commands():
        if command == "version":
            continue
        help_text = weir(command, "--help")
        assert help_text.status == 0, help_text
        parts.append(f".SS weir {command}\n.nf\n{roff(help_text.out)}.fi\n")
    return "".join(parts)


def between(page):
    head, rest = page.split(BEGIN)
    body, tail = rest.split(END)
    return head, body, tail


def keys_of_page():
    """[(key, default)]; the default of a key that another one stands for is None."""
    rows = []
    for line in read(os.path.join(MAN, "weir.yaml.5")).split(".SH SINKS")[0].split("\n"):
        one = re.fullmatch(r'\.BI "([a-z_.0-9]+): " "(.*)"|\.B "([a-z_.0-9]+):"', line)
        if one:
            rows.append((one.group(1) or one.group(3),
                         None if one.group(3) else one.group(2).replace('""', '"').replace("\\-", "-")))
    return rows


def keys_of_program():
    """What `weir check` prints without a configuration."""
    rows, section = [], ""
    for line in weir("check").out.split("\n"):
        one = re.fullmatch(r"( *)([a-z_0-9]+):(?: (.*))?", line)
        if one and not one.group(1):
            section = one.group(2)
        if one and (one.group(1) or one.group(3) is not None):
            rows.append((f"{section}.{one.group(2)}" if one.group(1) else section, one.group(3)))
    return rows


def sinks_of_page():
    """{type: the set of its keys}, of every one's under ""."""
    found = {}
    for part in read(os.path.join(MAN, "weir.yaml.5")).split(".SH SINKS")[1].split(".SH EXAMPLE")[0].split('.SS "')[1:]:
        title = part.split('"')[0].removeprefix("type: ").replace("every sink", "")
        found[title] = {key for line in re.findall(r'^\.B "(.*)"$', part, re.M) for key in line.split(", ")}
    return found


class Man(Case):
    def test_every_command_is_there_as_it_says_itself(self):
        self.assertEqual(between(read(PAGE))[1], said_of_commands(), "test_man.py --write renews weir(8)")

    def test_every_key_is_there_with_what_holds_without_it(self):
        page = [(key, default) for key, default in keys_of_page() if default is not None]
        self.assertGreater(len(page), 30)
        self.assertEqual(page, keys_of_program())
        # Keys that are not shown until they are given: no key of the page is unknown.
        for key, default in keys_of_page():
            if default is None:
                self.assertIn("expected", weir("check", "--set", f"{key}=nonsense").err)
                self.assertNotIn("unknown", weir("check", "--set", f"{key}=nonsense").err)

    def test_no_key_is_left_out(self):
        """The program names all its sections and keys to whoever misspells one."""
        keys = {key for key, _ in keys_of_page()}
        run = weir("check", "-c", self.write("wrong.yaml", "nonsense: 1\n"))
        for section in re.search(r"expected one of: (.*)", run.err).group(1).split(", "):
            run = weir("check", "-c", self.write("wrong.yaml", f"{section}: {{nonsense: 1}}\n"))
            named = re.search(r"expected one of: (.*)", run.err)
            for key in named.group(1).split(", ") if named else []:
                self.assertIn(f"{section}.{key}", keys)

    def test_every_sink_is_there_with_its_keys(self):
        run = weir("check", "--set", "alerts.sinks=[{type: nonsense}]")
        types = re.search(r"type: one of (.*)", run.err).group(1).split(", ")
        page = sinks_of_page()
        self.assertEqual(set(types), set(page) - {""})
        for sink in types:
            run = weir("check", "--set", f"alerts.sinks=[{{type: {sink}, nonsense: 1}}]")
            keys = set(re.search(r"has: (.*)", run.err).group(1).split(", "))
            self.assertEqual(keys - page[""], page[sink] - page[""], sink)
            self.assertLessEqual(page[""], keys, sink)

    def test_what_completes_is_what_there_is(self):
        folder = os.path.dirname(weirtest.binary())
        script = (f'PATH="{folder}:$PATH"; . "{SOURCE}/deploy/completion/weir.bash"; '
                  'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; echo "${COMPREPLY[*]}"; }; '
                  'ask weir ""; ask weir incident cl; ask weir replay --exit; ask weir digest --lang ""; '
                  "ask weir nonsense --")
        run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        words, verbs, options, values, none = run.stdout.split("\n")[:5]
        self.assertEqual(set(words.split()), set(commands()) | {"help"})
        self.assertEqual((verbs, options, values, none), ("close", "--exit-alerts", "en ja", ""))
        self.assertEqual(run.stderr, "")

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_the_pages_are_well_formed(self):
        for page in sorted(os.listdir(MAN)):
            run = subprocess.run(["man", "--warnings", "-l", os.path.join(MAN, page)], text=True,
                                 capture_output=True, check=False,
                                 env={**os.environ, "MANWIDTH": "120", "LC_ALL": "C.UTF-8", "PAGER": "cat"})
            self.assertEqual((run.returncode, run.stderr), (0, ""), page)
            self.assertIn("SEE ALSO", run.stdout, page)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        head, _, tail = between(read(PAGE))
        text = head + BEGIN + said_of_commands() + END + tail
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        weirtest.main()
