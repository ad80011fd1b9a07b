"""The walls of the house: which file may include what.

The order of the rooms and their third-party packages are read from the weir_room(...) lines of
CMakeLists.txt; there is no second copy here. Checked:
  - weir_room names only rooms listed before it, and a package belongs to one room;
  - a file of a room includes "weir/ROOM/…" only of its own room and of those that its weir_room line
    names (tests/unit/ROOM and tests/fuzz/ROOM count as the room; main.c may include only command/);
  - any other #include "…" is a private header beside the file (tests: or of the room under test, or
    a helper in tests/unit/, which itself includes no room);
  - a third-party header is included only in the room that links its package;
  - an #include <…> that is neither the system's nor in PACKAGE_OF below is an error, so that a new
    library has to be given a room.
Before it looks at the tree it proves on made-up trees that each of these can fail.
"""
import os
import re
import sys
import tempfile
from pathlib import Path

# The C library's, the compiler's and the kernel's own headers.
SYSTEM = re.compile(
    r"(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|malloc|locale|math|setjmp|signal|"
    r"stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath|"
    r"threads|time|uchar|wchar|wctype|"
    r"byteswap|dirent|endian|err|fcntl|fnmatch|fts|ftw|getopt|glob|grp|ifaddrs|immintrin|langinfo|libgen|malloc|netdb|"
    r"paths|poll|pthread|pwd|regex|sched|search|semaphore|spawn|strings|sysexits|syslog|termios|"
    r"unistd|utime|wordexp|(sys|net|netinet|linux|asm|sanitizer)/[a-z0-9_/]+|arpa/inet)\.h$"
)
# header → the name that links it: a PKG of weir_room, or a word of target_link_libraries(weir_ROOM …).
PACKAGE_OF = [
    (re.compile(r"xxh(ash|_x86dispatch)\.h$"), "libxxhash"),
    (re.compile(r"yaml\.h$"), "yaml-0.1"),
    (re.compile(r"jansson\.h$"), "jansson"),
    (re.compile(r"openssl/"), "libcrypto"),
    (re.compile(r"libpsl\.h$"), "libpsl"),
    (re.compile(r"zlib\.h$"), "zlib"),
    (re.compile(r"zstd(_errors)?\.h$"), "libzstd"),
    (re.compile(r"lz4frame\.h$"), "liblz4"),
    (re.compile(r"lzma\.h$"), "liblzma"),
    (re.compile(r"brotli/"), "libbrotlidec"),
    (re.compile(r"nghttp2/"), "libnghttp2"),
    (re.compile(r"pcap(/[a-z]+)?\.h$|pcap-[a-z]+\.h$"), "libpcap"),
    (re.compile(r"seccomp\.h$"), "libseccomp"),
    (re.compile(r"nids\.h$"), "${NIDS_LIBRARY}"),
    (re.compile(r"ndpi_api\.h$"), "libndpi"),
    (re.compile(r"resolv\.h$|arpa/nameser(_compat)?\.h$"), "resolv"),
    (re.compile(r"pcre2\.h$"), "libpcre2-8"),
    (re.compile(r"hs\.h$"), "PkgConfig::HS"),
    (re.compile(r"maxminddb\.h$"), "PkgConfig::MAXMINDDB"),
    (re.compile(r"hiredis/"), "hiredis"),
    (re.compile(r"event2/thread\.h$"), "libevent_pthreads"),
    (re.compile(r"event2/"), "libevent_core"),
    (re.compile(r"curl/"), "libcurl"),
    (re.compile(r"librdkafka/"), "rdkafka"),
    (re.compile(r"(n?curses|term)\.h$"), "ncursesw"),
]
# Tests of any room pack what that room is to unpack.
TEST_ONLY = re.compile(r"(cmocka|zlib|zstd)\.h$|brotli/encode\.h$")
# One test alone: it stands in front of a function of a library, and hands on to that one.
ALONE = {"dlfcn.h": "tests/unit/content/test_application.c"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


class Room:
    def __init__(self, name, rooms, packages):
        self.name, self.rooms, self.packages = name, rooms, packages


def read_rooms(cmake):
    """The rooms in order, from the text of CMakeLists.txt."""
    text = re.sub(r"#.*", "", cmake)
    text = re.sub(r"function\(weir_room.*?endfunction\(\)", "", text, flags=re.S)
    rooms = {}
    for body in re.findall(r"\bweir_room\(([^)]*)\)", text):
        words, key = body.split(), "ROOMS"
        lists = {"ROOMS": [], "PKG": []}
        for word in words[1:]:
            if word in lists:
                key = word
            else:
                lists[key].append(word)
        rooms[words[0]] = Room(words[0], lists["ROOMS"], lists["PKG"])
    for name, body in re.findall(r"\btarget_link_libraries\(weir_(\w+)([^)]*)\)", text):
        if name in rooms:
            words = [w for w in body.split() if w not in ("PUBLIC", "PRIVATE", "INTERFACE")]
            rooms[name].packages += [w for w in words if not w.startswith("weir_")]
    return rooms


def check_order(rooms):
    faults, above, owner = [], [], {}
    for room in rooms.values():
        for lower in room.rooms:
            if lower not in above:
                faults.append(f"CMakeLists.txt: {room.name} links {lower}, which is not below it")
        for package in room.packages:
            if package in owner:
                faults.append(
                    f"CMakeLists.txt: {package} belongs to {owner[package]}, {room.name} links it too")
            owner[package] = room.name
        above.append(room.name)
    return faults


def room_of(path, rooms):
    """(room or None, is a test) of a file, by its path relative to the top."""
    parts = path.parts
    if parts[:2] == ("include", "weir") and len(parts) == 4:
        return parts[2], False
    if parts[0] == "sensor" and len(parts) == 3:
        return parts[1], False
    if parts[0] == "tests" and parts[1] in ("unit", "fuzz") and len(parts) == 4:
        return parts[2], True
    return None, parts[0] == "tests"


def check_own(path, header, room, top, is_test):
    """An #include "…" that is not a public header."""
    beside = (top / path).parent / header
    if "/" not in header and beside.is_file():
        return None
    if is_test and room:
        target = Path(os.path.normpath(beside))
        private = top / "sensor" / room.name / header
        if target.parent in (top / "sensor" / room.name, top / "tests/unit") and target.is_file():
            return None
        if "/" not in header and private.is_file():
            return None
    return f'includes "{header}", which is not a private header of its own room'


def check_third_party(header, room, rooms, is_test):
    if SYSTEM.match(header) or (is_test and TEST_ONLY.match(header)):
        return None
    for pattern, package in PACKAGE_OF:
        if pattern.match(header):
            if room and package in room.packages:
                return None
            owners = [r.name for r in rooms.values() if package in r.packages]
            return f"includes <{header}>, which lives in {', '.join(owners) or 'no room'}"
    if header.startswith("weir/"):
        return f'includes <{header}> in angle brackets: a header of ours is "{header}"'
    return f"includes <{header}>: whose is it? (tests/lint/test_rooms.py: PACKAGE_OF)"


def check_public(header, room, allowed):
    target = header.split("/")[1]
    if target in allowed:
        return None
    return f'includes "{header}": {room} may include {", ".join(sorted(allowed)) or "nothing"}'


def check_file(path, top, rooms):
    name, is_test = room_of(path, rooms)
    room = rooms.get(name)
    if name and not room:
        return [f"{path}: {name} is not a room of CMakeLists.txt"]
    allowed = {room.name, *room.rooms} if room else set()
    if path.parts == ("sensor", "main.c"):
        allowed = {"command"}
    text = (top / path).read_text(encoding="utf-8", errors="replace")
    faults = []
    for match in INCLUDE.finditer(text):
        quote, header = match.groups()
        if ALONE.get(header) == path.as_posix():
            fault = None
        elif quote == "<":
            fault = check_third_party(header, room, rooms, is_test)
        elif header.startswith("weir/"):
            fault = check_public(header, name or path.name, allowed)
        else:
            fault = check_own(path, header, room, top, is_test)
        if fault:
            line = text.count("\n", 0, match.start(2)) + 1
            faults.append(f"{path}:{line}: {fault}")
    return faults


def check_tree(top):
    rooms = read_rooms((top / "CMakeLists.txt").read_text(encoding="utf-8"))
    faults = [] if rooms else ["CMakeLists.txt: no weir_room lines"]
    faults += check_order(rooms)
    files = 0
    for folder in ("include", "sensor", "tests"):
        for path in sorted((top / folder).rglob("*.[ch]")):
            if path.parent in (top / "tests/bench", top / "tests/golden"): # any room, from within
                continue
            faults += check_file(path.relative_to(top), top, rooms)
            files += 1
    return faults, files


MADE_UP_CMAKE = """
function(weir_room name)
  target_link_libraries(weir_${name} PUBLIC weir_flags)
endfunction()
weir_room(base    PKG libxxhash)
weir_room(flow    ROOMS base)   # a comment: weir_room(ghost)
weir_room(content ROOMS base flow
                  PKG libpsl)
weir_room(command ROOMS base flow content)
target_link_libraries(weir_content PRIVATE ${NIDS_LIBRARY} resolv)
"""
MADE_UP_TREE = {
    "include/weir/base/a.h": "#include <stdint.h>\n",
    "include/weir/flow/t.h": '#include "weir/base/a.h"\n',
    "include/weir/command/c.h": "",
    "sensor/base/a.c": '#include "weir/base/a.h"\n#include <sys/types.h>\n#include <xxhash.h>\n',
    "sensor/content/p.h": '#include "weir/flow/t.h"\n',
    "sensor/content/p.c": '#include "p.h"\n#include <arpa/nameser.h>\n#include <nids.h>\n',
    "sensor/main.c": '#include "weir/command/c.h"\n',
    "tests/unit/content/test_p.c": '#include "../../../sensor/content/p.h"\n#include <cmocka.h>\n',
    "tests/unit/content/test_application.c": "#include <dlfcn.h>\n",
    "tests/unit/content/test_q.c": '#include "../folder.h"\n',
    "tests/unit/folder.h": "#include <cmocka.h>\n#include <stdlib.h>\n",
}
# (file, its text or an edit of CMakeLists.txt, a piece of the one complaint expected)
OFFENCES = [
    ("sensor/base/a.c", '#include "weir/flow/t.h"\n', "sensor/base/a.c:1: includes \"weir/flow/t.h\""),
    ("include/weir/base/a.h", '\n# include "weir/flow/t.h"\n', "a.h:2: includes \"weir/flow/t.h\""),
    ("sensor/flow/t.c", '#include "weir/content/x.h"\n', "flow may include base, flow"),
    ("sensor/flow/t.c", "#include <weir/base/a.h>\n", "angle brackets"),
    ("sensor/flow/t.c", '#include "p.h"\n', "not a private header"),
    ("sensor/flow/t.c", '#include "../content/p.h"\n', "not a private header"),
    ("sensor/flow/t.c", '#include "sensor/content/p.h"\n', "not a private header"),
    ("sensor/flow/t.c", "#include <nids.h>\n", "which lives in content"),
    ("sensor/flow/t.c", "#include <xxhash.h>\n", "which lives in base"),
    ("sensor/flow/t.c", "#include <arpa/nameser.h>\n", "which lives in content"),
    ("sensor/flow/t.c", "#include <cmocka.h>\n", "whose is it?"),
    ("sensor/flow/t.c", "#include <dlfcn.h>\n", "whose is it?"),
    ("tests/unit/content/test_q.c", "#include <dlfcn.h>\n", "whose is it?"),
    ("sensor/content/q.c", "#include <pcap/pcap.h>\n", "which lives in no room"),
    ("sensor/content/q.c", "#include <unheard_of.h>\n", "whose is it?"),
    ("sensor/main.c", '#include "weir/base/a.h"\n', "main.c may include command"),
    ("sensor/cellar/x.c", "", "cellar is not a room"),
    ("tests/unit/flow/test_t.c", '#include "weir/content/p.h"\n', "flow may include base, flow"),
    ("tests/unit/flow/test_t.c", '#include "../../../sensor/content/p.h"\n', "not a private header"),
    ("tests/unit/folder.h", '#include "weir/base/a.h"\n', "folder.h may include nothing"),
    ("tests/fuzz/flow/fuzz_t.c", "#include <nids.h>\n", "which lives in content"),
    ("CMakeLists.txt", ("flow    ROOMS base", "flow    ROOMS base content"), "flow links content"),
    ("CMakeLists.txt", ("PKG libpsl", "PKG libpsl libxxhash"), "content links it too"),
]


def make_up(top, change=None):
    tree = {"CMakeLists.txt": MADE_UP_CMAKE, **MADE_UP_TREE}
    if change:
        name, text = change
        tree[name] = text if isinstance(text, str) else tree[name].replace(*text)
    for name, text in tree.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def prove_it_can_fail():
    with tempfile.TemporaryDirectory() as folder:
        make_up(Path(folder))
        faults, files = check_tree(Path(folder))
        assert faults == [], f"the innocent tree: {faults}"
        assert files == len(MADE_UP_TREE)
    for name, text, expected in OFFENCES:
        with tempfile.TemporaryDirectory() as folder:
            make_up(Path(folder), (name, text))
            faults, _ = check_tree(Path(folder))
            assert len(faults) == 1 and expected in faults[0], f"{name} {text!r}: {faults}"


def main():
    prove_it_can_fail()
    top = Path(os.environ.get("WEIR_SOURCE") or Path(__file__).resolve().parents[2])
    faults, files = check_tree(top)
    for fault in faults:
        print(fault)
    print(f"{files} files, {len(faults)} forbidden includes")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
