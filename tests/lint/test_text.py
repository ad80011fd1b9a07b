"""The tree as text: what a compiler does not see.

Checked, over what git knows or would add (without git: over every file but build/):
  - no path of somebody's machine;
  - no .c or .h above 800 lines, no trailing whitespace, no tabs in C, files end with one newline;
  - scripts ("#!" in the first line) are executable and nothing else is;
  - every fuzz target has a corpus, every corpus a target, and no corpus file is large;
  - every function in include/ that takes bytes or text from outside is called by a fuzz target, or
    stands in NOT_FUZZED with its reason;
  - .clang-tidy and the cppcheck suppressions give a reason for every exclusion.
Before it looks at the tree it proves on made-up trees that each of these can fail.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_LINES = 800
MAX_CORPUS_BYTES = 64 << 10
TEXT = {".c", ".h", ".py", ".js", ".mjs", ".css", ".html", ".md", ".txt", ".cmake", ".json", ".yaml", ".yml", ".supp", ".tsv",
        ""}
# Spelled so that this line does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.$})>/-])/(?:work|root|Users|home/[a-z]\w*)[/]")
# A public function that reads what came from outside: takes (pointer, size), and says so by name.
PARSER = re.compile(
    r"\b(\w*(?:parse|decode|unpack|validate|recognise|looks_like)\w*)\s*\(([^;{]*)\)\s*;", re.S)
POINTER = re.compile(r"\b(?:const (?:void|uint8_t|char|struct packet_raw) \*|struct cursor \*)")
NOT_FUZZED = {
    # function: why no fuzz target calls it
    "histogram_unpack": "fuzz_profile and fuzz_fleet go through it",
    "profile_unpack_of": "profile_unpack, and whose it is",
    "cusum_unpack": "fuzz_profile goes through it",
    "location_unpack": "fuzz_profile goes through it",
    "staged_unpack": "fuzz_profile goes through it",
    "networks_unpack": "fuzz_profile goes through it",
    "rhythm_unpack": "fuzz_profile goes through it",
    "ratio_unpack": "fuzz_profile goes through it",
    "novelty_unpack": "fuzz_profile goes through it",
    "counter_unpack": "fuzz_union goes through it",
    "incidents_unpack": "structs as they were in memory, of one build, behind the snapshot's checksum",
    "alert_unpack": "likewise, of one program, behind a digest; test_hunt_book cuts them",
    "config_source_unpack": "bytes of our own supervisor; test_source cuts them at every place",
}


def list_files(top):
    git = subprocess.run(
        ["git", "-C", str(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False) if shutil.which("git") and (top / ".git").exists() else None
    if git and git.returncode == 0:
        names = git.stdout.decode().split("\0")
        paths = [Path(name) for name in names if name]
    else:
        paths = [p.relative_to(top) for p in top.rglob("*")]
        skip = {"build", ".git"}
        paths = [p for p in paths if p.parts[0] not in skip and "__pycache__" not in p.parts]
    return sorted(p for p in paths if (top / p).is_file() and not (top / p).is_symlink())


def is_corpus(path):
    return path.parts[:3] == ("tests", "fuzz", "corpus")


def is_text(path, data):
    return path.suffix in TEXT and not is_corpus(path) and b"\0" not in data


def check_text(path, data):
    text = data.decode("utf-8", errors="replace")
    lines = text.split("\n")
    in_c = path.suffix in (".c", ".h")
    for number, line in enumerate(lines, 1):
        if MACHINE_PATH.search(line):
            yield f"{path}:{number}: a path of somebody's machine"
        if line != line.rstrip():
            yield f"{path}:{number}: trailing whitespace"
        if in_c and "\t" in line:
            yield f"{path}:{number}: a tab"
    if in_c and len(lines) - 1 > MAX_LINES:
        yield f"{path}: {len(lines) - 1} lines, above {MAX_LINES}: split by meaning"
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield f"{path}: does not end with one newline"


def check_mode(path, data, top):
    executable = os.access(top / path, os.X_OK)
    script = data.startswith(b"#!")
    if script and not executable:
        yield f"{path}: a script that is not executable"
    if executable and not script:
        yield f"{path}: executable, but no script"


def check_corpora(top, files):
    targets = {p.stem for p in files if p.match("tests/fuzz/*/fuzz_*.c")}
    corpora = {p.parts[3] for p in files if is_corpus(p) and len(p.parts) > 4}
    for name in sorted(targets - corpora):
        yield f"tests/fuzz/corpus/{name}: missing or empty"
    for name in sorted(corpora - targets):
        yield f"tests/fuzz/corpus/{name}: no fuzz target of that name"
    for path in files:
        if is_corpus(path) and (top / path).stat().st_size > MAX_CORPUS_BYTES:
            yield f"{path}: larger than {MAX_CORPUS_BYTES >> 10} kB"


def parsers_of(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)
    for match in PARSER.finditer(text):
        if POINTER.search(match.group(2)):
            yield match.group(1)


def check_parsers(top, files):
    called = set()
    for path in files:
        if path.match("tests/fuzz/*/*.c"):
            text = (top / path).read_text(encoding="utf-8", errors="replace")
            called |= set(re.findall(r"\b(\w+)\s*\(", text))
    declared = set()
    for path in files:
        if path.match("include/weir/*/*.h"):
            text = (top / path).read_text(encoding="utf-8", errors="replace")
            for name in parsers_of(text):
                declared.add(name)
                if name not in called and name not in NOT_FUZZED:
                    yield f"{path}: {name} is called by no fuzz target (nor in NOT_FUZZED)"
    for name in sorted(set(NOT_FUZZED) & called):
        yield f"tests/lint/test_text.py: NOT_FUZZED names {name}, which is fuzzed"


def check_exclusions(top):
    """`# -check: reason` for every -check; a comment line before every suppression."""
    for name in filter(lambda n: (top / n).is_file(), (".clang-tidy", "tests/.clang-tidy")):
        text = (top / name).read_text(encoding="utf-8")
        reasons = set(re.findall(r"^#\s+(-[a-zA-Z0-9.*-]+): \S", text, re.M))
        code = re.sub(r"^\s*#.*$", "", text, flags=re.M)
        excluded = {w for w in re.findall(r"(?:^|[\s,'\"])(-[a-z][\w.*-]+)", code)}
        for check in sorted(excluded - reasons):
            yield f"{name}: {check} has no reason"
        for check in sorted(reasons - excluded):
            yield f"{name}: a reason for {check}, which is not excluded"
    suppressions = top / "tests/lint/cppcheck.supp"
    if suppressions.is_file():
        before = ""
        for number, line in enumerate(suppressions.read_text(encoding="utf-8").split("\n"), 1):
            if line and not line.startswith("#") and not before.startswith("#"):
                yield f"tests/lint/cppcheck.supp:{number}: no reason in the line above"
            before = line


def check_tree(top):
    files = list_files(top)
    faults = []
    for path in files:
        data = (top / path).read_bytes()
        if is_text(path, data):
            faults += check_text(path, data)
        if not is_corpus(path):
            faults += check_mode(path, data, top)
    faults += check_corpora(top, files)
    faults += check_parsers(top, files)
    faults += check_exclusions(top)
    return faults, len(files)


INNOCENT = {
    "include/weir/flow/p.h": "/* x_parse(const char *text); */\nint p_parse(const char *text);\n"
                             "int q_parse(int plain);\n",
    "tests/fuzz/flow/fuzz_p.c": "void f(void)\n{\n    p_parse(d);\n}\n",
    "tests/fuzz/corpus/fuzz_p/one": "1 \n\n",
    "tests/run": "#!/bin/sh\n",
    ".clang-tidy": "# -bugprone-x: because\nChecks: 'bugprone-*,\n  -bugprone-x'\n",
    "tests/lint/cppcheck.supp": "# because\nunusedFunction\n",
    "docs/a.md": "see tests/here/x and ${root}/home/x, http://a/home/x\n",
}
OFFENCES = [
    ("docs/a.md", "in /" + "work/main\n", "a.md:1: a path of somebody's machine"),
    ("docs/a.md", "in '/" + "home/joe/x'\n", "a.md:1: a path of somebody's machine"),
    ("docs/a.md", "trailing \n", "trailing whitespace"),
    ("docs/a.md", "no newline", "one newline"),
    ("docs/a.md", "#!/bin/sh\n", "a script that is not executable"),
    ("sensor/flow/a.c", "\tint x;\n", "a tab"),
    ("sensor/flow/a.c", "x\n" * (MAX_LINES + 1), "above 800"),
    ("tests/run", "true\n", "executable, but no script"),
    ("tests/fuzz/flow/fuzz_q.c", "x();\n", "corpus/fuzz_q: missing"),
    ("tests/fuzz/corpus/fuzz_z/one", "1", "no fuzz target"),
    ("tests/fuzz/corpus/fuzz_p/two", "1" * (MAX_CORPUS_BYTES + 1), "larger than 64 kB"),
    ("include/weir/flow/r.h", "bool r_unpack(const void *data,\n    size_t size);\n",
     "r_unpack is called by no fuzz target"),
    (".clang-tidy", "Checks: 'bugprone-*,-bugprone-x'\n", "-bugprone-x has no reason"),
    (".clang-tidy", "# -bugprone-x: because\nChecks: 'bugprone-*'\n", "not excluded"),
    ("tests/.clang-tidy", "Checks: '-cert-x'\n", "tests/.clang-tidy: -cert-x has no reason"),
    ("tests/lint/cppcheck.supp", "unusedFunction\n", "no reason in the line above"),
]


def prove_it_can_fail():
    for offence in [None, *OFFENCES]:
        with tempfile.TemporaryDirectory() as folder:
            top, tree = Path(folder), dict(INNOCENT)
            if offence:
                tree[offence[0]] = offence[1]
            for name, text in tree.items():
                (top / name).parent.mkdir(parents=True, exist_ok=True)
                (top / name).write_text(text, encoding="utf-8")
            (top / "tests/run").chmod(0o755)
            faults, files = check_tree(top)
            assert files == len(tree)
            if offence:
                assert len(faults) == 1 and offence[2] in faults[0], f"{offence[0]} {offence[2]}: {faults}"
            else:
                assert faults == [], f"the innocent tree: {faults}"


def main():
    prove_it_can_fail()
    top = Path(os.environ.get("WEIR_SOURCE") or Path(__file__).resolve().parents[2])
    faults, files = check_tree(top)
    for fault in faults:
        print(fault)
    print(f"{files} files, {len(faults)} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
