"""What callgrind counted, by file and library."""

import re

OPTIONS = ["--tool=callgrind", "--dump-line=no"]
NAMED = re.compile(r"(c?f[ile]|c?ob|c?fn|calls)=(?:\((\d+)\))?\s*(.*)")


def by_place(text):
    """(file, library) → instructions that are there, without what is called from there. A name is written once, as
    "fl=(1) name", and then as "fl=(1)"; behind "calls=" stands a line of what was called."""
    names, found = {"file": {}, "ob": {}}, {}
    file = library = ""
    called = False
    for line in text.splitlines():
        name = NAMED.match(line)
        if name:
            what, number, word = name.groups()
            table = names["ob" if what.endswith("ob") else "file"]
            if what == "calls":
                called = True
            elif not what.endswith("fn"):
                if word and number:
                    table[number] = word
                if what == "ob":
                    library = table.get(number, word)
                elif not what.startswith("c"):
                    file = table.get(number, word)
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            if not called:
                place = (file, library)
                found[place] = found.get(place, 0) + int(line.split()[1])
            called = False
    return found
