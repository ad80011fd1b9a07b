#!/usr/bin/env python3
"""What is installed: cmake --install below a prefix, and the Debian package that cpack makes of a build:
its files and their owners, its scripts, its unit (as systemd-analyze rates it), its configuration; what is
exported before an upgrade; what a bundle's installer shows apt. What it does when it is installed is tests/long/deb's."""

import os
import re
import shutil
import subprocess
import unittest

import weirtest
from weirtest import SOURCE, Case

BUILD = os.environ.get("WEIR_BUILD", "")
EXPOSURE = 2.0 # of systemd-analyze security, at most
FILES = """\
/usr/bin/weir
/etc/weir/weir.yaml
/lib/systemd/system/weir.service
/usr/share/bash-completion/completions/weir
/usr/share/doc/weir/changelog.gz
/usr/share/doc/weir/copyright
/usr/share/doc/weir/docs/operation.md
/usr/share/doc/weir/examples/laptop.yaml
/usr/share/doc/weir/examples/weir.yaml
/usr/share/man/man1/weir-alerts.1.gz
/usr/share/man/man5/weir-rules.5.gz
/usr/share/man/man5/weir.yaml.5.gz
/usr/share/man/man8/weir.8.gz
/usr/share/weir/clocks/gdpr.yaml
/usr/share/weir/grafana/weir.json
/usr/share/weir/rules/examples/office/indicators.txt
/usr/share/weir/rules/examples/office/weir.yaml
/usr/share/weir/rules/services.yaml
/usr/share/weir/rules/sites/plant.yaml
""".split()


def run(*words, **given):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **given)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


@unittest.skipUnless(BUILD and os.path.isfile(os.path.join(BUILD, "CPackConfig.cmake")), "no build folder")
@unittest.skipUnless(shutil.which("cpack") and shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps"),
                     "cpack or dpkg-dev is not installed")
class Package(Case):
    @classmethod
    def setUpClass(cls):
        """Of the build as it is; packed lightly, since nobody keeps it."""
        cls.made = os.path.realpath(weirtest.tempfile.mkdtemp(prefix="weir-test-deb-"))
        cls.addClassCleanup(shutil.rmtree, cls.made)
        run("cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", cls.made,
            "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", cwd=cls.made)
        cls.deb = os.path.join(cls.made, next(name for name in os.listdir(cls.made) if name.endswith(".deb")))
        cls.root, cls.control = os.path.join(cls.made, "root"), os.path.join(cls.made, "control")
        run("dpkg-deb", "-x", cls.deb, cls.root)
        run("dpkg-deb", "-e", cls.deb, cls.control)

    def inside(self, *names):
        return os.path.join(self.root, *names)

    def test_its_files(self):
        rows = [re.fullmatch(r"(\S+) (\S+) +\d+ \S+ \S+ \./?(.*)", line).groups()
                for line in run("dpkg-deb", "-c", self.deb).splitlines()]
        names = {"/" + name for _, _, name in rows}
        for name in FILES:
            self.assertIn(name, names)
        for mode, owner, name in rows:
            self.assertEqual(owner, "root/root", name)
            expected = "drwxr-xr-x" if mode[0] == "d" else "-rwxr-xr-x" if name == "usr/bin/weir" else "-rw-r--r--"
            self.assertEqual(mode, expected, name)

    def test_its_control(self):
        field = dict(re.findall(r"^ (\S+): (.*)", run("dpkg-deb", "-I", self.deb), re.M))
        name = "weir" if {"webhook", "kafka"} <= weirtest.sinks() else "weir-minimal"
        self.assertEqual((field["Package"], field["Section"]), (name, "net"))
        needs = {word.split()[0] for word in field["Depends"].split(", ")}
        self.assertLessEqual({"adduser", "redis-server", "libc6", "libpcap0.8", "libevent-core-2.1-7"}, needs)
        self.assertEqual(weirtest.weir("version").out, f"weir {field['Version']}\n")
        with open(os.path.join(self.control, "conffiles"), encoding="ascii") as file:
            self.assertEqual(file.read(), "/etc/weir/weir.yaml\n")
        for script in ("preinst", "postinst", "prerm", "postrm"):
            path = os.path.join(self.control, script)
            self.assertTrue(os.access(path, os.X_OK), script)
            run("sh", "-n", path)

    def test_its_configuration_is_one(self):
        path = self.inside("etc/weir/weir.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn('"/usr/share/weir/rules/*.yaml"', text)
        self.assertNotIn("@", text)
        rules = text.replace("/usr/share", self.inside("usr/share"))
        # As it is, and with what it proposes: "#" without a blank, or with two, is no remark.
        proposed = re.sub(r"(?m)^#(?=\w|  )", "", rules).replace("sinks: []", "sinks:")
        for name, content in (("as.yaml", rules), ("proposed.yaml", proposed)):
            done = weirtest.weir("check", "-c", self.write(name, content))
            self.assertEqual((done.status, done.err), (0, ""), content)
        self.assertIn('name: "span0"', done.out)
        self.assertIn("type: syslog", done.out)

    def test_its_examples_are_configurations(self):
        folder = self.inside("usr/share/doc/weir/examples")
        names = set(os.listdir(folder)) - {"weir.yaml"}
        self.assertEqual(names, {"airport-ot.yaml", "laptop.yaml", "span.yaml", "tap-pair.yaml"})
        with open(self.inside("usr/share/doc/weir/docs/examples.md"), encoding="utf-8") as file:
            page = file.read()
        for name in sorted(names):
            self.assertIn(f"`{name}`", page)
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read().replace("/usr/share", self.inside("usr/share"))
            done = weirtest.weir("check", "-c", self.write(name, text))
            self.assertEqual((done.status, done.err), (0, ""), name)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_its_unit(self):
        unit = self.inside("lib/systemd/system/weir.service")
        with open(unit, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("ExecStart=/usr/bin/weir run -c /etc/weir/weir.yaml\n", text)
        self.assertIn("Type=notify\n", text)
        rated = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                               capture_output=True, text=True, check=False)
        found = re.search(r"Overall exposure level for weir.service: ([0-9.]+)", rated.stdout)
        if not found: # systemd before 250
            self.skipTest(f"systemd-analyze does not rate a file: {rated.stderr.strip()}")
        self.assertLessEqual(float(found.group(1)), EXPOSURE, rated.stdout)
        self.assertEqual(rated.stderr, "") # it knows every line of the unit

    def test_below_another_prefix_all_is_below_it(self):
        run("cmake", "--install", BUILD, "--prefix", "/opt/weir", env={**os.environ, "DESTDIR": self.path("to")})
        found = {os.path.relpath(os.path.join(folder, name), self.path("to"))
                 for folder, _, names in os.walk(self.path("to")) for name in names}
        self.assertTrue(all(name.startswith("opt/weir/") for name in found), found)
        self.assertLessEqual({"opt/weir/bin/weir", "opt/weir/etc/weir/weir.yaml",
                              "opt/weir/lib/systemd/system/weir.service"}, found)
        with open(self.path("to/opt/weir/lib/systemd/system/weir.service"), encoding="utf-8") as file:
            self.assertIn("ExecStart=/opt/weir/bin/weir run -c /opt/weir/etc/weir/weir.yaml\n", file.read())


WEIR_STUB = """#!/bin/sh
case $1 in
check) printf '  state_dir: "%s"\\n' "$STATE" ;;
baseline)
    if [ "$*" = "baseline import --dry-run before-upgrade.new/learned.base" ]; then
        echo "$HOSTS hosts could be imported; nothing was"
        exit
    fi
    [ "$*" = "baseline export -c ETC/weir.yaml before-upgrade.new/learned.base" ] || exit 2
    [ -z "$EXPORTS" ] || echo "$EXPORTS" >"$5"
    [ -z "$COMPLAINT" ] || { echo "$COMPLAINT" >&2; exit 1; } ;;
esac
"""


@unittest.skipUnless(shutil.which("dpkg"), "dpkg, which compares versions, is not there")
class BeforeAnUpgrade(Case):
    """deploy/debian/preinst as dpkg calls it, over folders of the test's, with a weir that exports as it is told."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("lib/before-upgrade"))
        os.mkdir(self.path("bin"))
        self.write("lib/before-upgrade/learned.base", "earlier\n")
        self.write("lib/state.version", "1\n")
        self.write("lib/sensor.id", "an id")
        self.write("lib/site.key", "a key")
        self.program("weir", WEIR_STUB.replace("ETC", self.path("etc")))
        self.program("runuser", '#!/bin/sh\nshift 3\nexec "$@"\n') # of "-u weir --"
        with open(os.path.join(SOURCE, "deploy", "debian", "preinst"), encoding="utf-8") as file:
            self.script = file.read().replace("/var/lib/weir", self.path("lib")).replace("/etc/weir", self.path("etc"))

    def program(self, name, text):
        os.chmod(self.write(os.path.join("bin", name), text), 0o755)

    def preinst(self, *words, exports="later", complaint="", state=None, hosts=17):
        done = subprocess.run(["sh", self.write("preinst", self.script), *words], capture_output=True, text=True, check=False,
                              env={"PATH": f"{self.path('bin')}:{os.environ['PATH']}", "EXPORTS": exports,
                                   "COMPLAINT": complaint, "STATE": state or self.path("lib"),
                                   "HOSTS": str(hosts)})
        self.assertEqual(done.returncode, 0, done.stderr) # whatever comes of it
        for left in ("new", "old"): # they have copies of keys
            self.assertFalse(os.path.exists(self.path(f"lib/before-upgrade.{left}")))
        return done

    def assert_kept(self, said, part):
        self.assertEqual(os.listdir(self.path("lib/before-upgrade")), ["learned.base"])
        with open(self.path("lib/before-upgrade/learned.base"), encoding="ascii") as file:
            self.assertEqual(file.read(), "earlier\n")
        self.assertIn(part, said)

    def assert_exported(self, versioned=frozenset({"state.version"})):
        self.assertEqual(set(os.listdir(self.path("lib/before-upgrade"))), {"learned.base", "site.key", "sensor.id"} | versioned)
        with open(self.path("lib/before-upgrade/learned.base"), encoding="ascii") as file:
            self.assertEqual(file.read(), "later\n")

    def test_an_upgrade_exports(self):
        done = self.preinst("upgrade", "0.9.0", "0.10.0", state=self.path("lib/"))
        self.assert_exported()
        self.assertIn("what version 0.9.0 had learned is in", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_what_is_older_than_state_version_is_exported(self):
        os.unlink(self.path("lib/state.version"))
        self.preinst("upgrade", "0.9.0", "0.10.0")
        self.assert_exported(frozenset())

    def test_a_way_back_keeps_what_it_goes_back_to(self):
        for old, new in (("0.10.0", "0.9.0"), ("0.9.0", "0.9.0")):
            self.assert_kept(self.preinst("upgrade", old, new).stdout, f"from {old} to {new} is no upgrade")
        self.assert_kept(self.preinst("upgrade", "0.9.0").stdout, "to an unknown version is no upgrade")

    def test_no_export_no_change(self):
        done = self.preinst("upgrade", "0.9.0", "0.10.0", exports="", complaint="the store is away", hosts=0)
        self.assert_kept(done.stderr, "could not be exported; the upgrade goes on")
        self.assertIn("the store is away\n", done.stderr)

    def test_what_a_damaged_profile_leaves_is_exported(self):
        done = self.preinst("upgrade", "0.9.0", "0.10.0", complaint="1 damaged blobs left out")
        self.assert_exported()
        self.assertIn("what version 0.9.0 had learned is in", done.stdout)
        self.assertEqual(done.stderr, "1 damaged blobs left out\n")

    def test_of_a_store_that_cannot_be_read_nothing_is(self):
        done = self.preinst("upgrade", "0.9.0", "0.10.0", hosts=0, complaint="the store is away")
        self.assert_kept(done.stderr, "could not be exported")

    def test_however_it_ends_one_of_both_is_there(self):
        """It is told to end when the earlier one has just gone from its place."""
        for name, first in (("rm", "-rf"), ("mv", "")):
            self.program(name, f'#!/bin/sh\n{shutil.which(name)} "$@"\n'
                         f'case "$*" in "{first} before-upgrade"|"before-upgrade before-upgrade.old") kill -TERM $PPID;; esac\n')
        self.assert_kept(self.preinst("upgrade", "0.9.0", "0.10.0").stderr, "could not be exported")

    def test_what_an_end_in_between_left_is_put_back(self):
        os.rename(self.path("lib/before-upgrade"), self.path("lib/before-upgrade.old"))
        self.assert_kept(self.preinst("upgrade", "0.9.0", "0.10.0", exports="", complaint="the store is away", hosts=0).stderr,
                         "could not be exported")

    def test_and_before_a_way_back(self):
        os.rename(self.path("lib/before-upgrade"), self.path("lib/before-upgrade.old"))
        self.assert_kept(self.preinst("upgrade", "0.10.0", "0.9.0").stdout, "is no upgrade")

    def test_what_was_imported_before_a_sensor_ran_is_exported(self):
        os.unlink(self.path("lib/sensor.id"))
        self.assertIn("is in ", self.preinst("upgrade", "0.9.0", "0.10.0").stdout)
        with open(self.path("lib/before-upgrade/learned.base"), encoding="ascii") as file:
            self.assertEqual(file.read(), "later\n")

    def test_where_there_is_none_it_says_so(self):
        self.assert_kept(self.preinst("upgrade", "0.9.0", "0.10.0", state="/srv/weir").stdout, "the state is in /srv/weir, not")
        os.unlink(self.path("lib/sensor.id"))
        os.unlink(self.path("lib/state.version"))
        self.assert_kept(self.preinst("upgrade", "0.9.0", "0.10.0").stdout, "nothing to export")
        self.assertEqual(self.preinst("install").stdout, "")


APT_STUB = """#!/bin/sh
case $* in *update)
    folder=$(sed 's,.*file:,,; s, ./$,,' "${2#*=}")
    ls "$folder" >>OUT
    cat "$folder/Packages" >>OUT ;;
*) echo "$*" | sed 's/.* install /install /' >>OUT
esac
"""


@unittest.skipUnless(shutil.which("sha256sum"), "no sha256sum")
class Bundle(Case):
    """The installer of deploy/bundle over a folder that somebody else may have written to, with an apt-get that
    says what it was given."""

    def setUp(self):
        super().setUp()
        for folder in ("bin", "bundle", "tmp"):
            os.mkdir(self.path(folder))
        with open(os.path.join(SOURCE, "deploy", "bundle-install"), encoding="utf-8") as file:
            self.write("bundle/install", file.read().replace("@PACKAGE@", "weir"))
        os.chmod(self.write("bin/apt-get", APT_STUB.replace("OUT", self.path("given.txt"))), 0o755)
        self.write("bundle/Packages", "as signed\n")
        self.write("bundle/weir_1%3a0.1.0+b1~x_amd64.deb", "weir")
        self.names = ["weir_1%3a0.1.0+b1~x_amd64.deb", "Packages", "install"]
        self.sums = run("sha256sum", "--", *self.names, cwd=self.path("bundle"))
        self.write("bundle/SHA256SUMS", self.sums)

    def install(self):
        done = subprocess.run(["sh", self.path("bundle/install"), "-y"], capture_output=True, text=True, check=False,
                              env={"PATH": f"{self.path('bin')}:{os.environ['PATH']}", "TMPDIR": self.path("tmp")})
        self.assertEqual(os.listdir(self.path("tmp")), [])
        return done

    def given(self):
        with open(self.path("given.txt"), encoding="utf-8") as file:
            return file.read().splitlines()

    def assert_refused(self, part):
        done = self.install()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(part, done.stdout + done.stderr)
        self.assertFalse(os.path.exists(self.path("given.txt"))) # apt was not asked

    def test_apt_sees_what_the_sums_name_and_nothing_else(self):
        self.write("bundle/Packages.xz", "as somebody else has it")
        self.write("bundle/weir_9_amd64.deb", "somebody else's")
        done = self.install()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        *names, packages, asked = self.given()
        self.assertEqual(set(names), {*self.names, "SHA256SUMS"})
        self.assertEqual((packages, asked), ("as signed", "install --no-install-recommends -y weir"))

    def test_what_was_changed_is_refused(self):
        self.write("bundle/" + self.names[0], "another")
        self.assert_refused(self.names[0] + ": FAILED")

    def test_what_lacks_is_refused(self):
        os.unlink(self.path("bundle", self.names[0]))
        self.assert_refused(self.names[0])

    def test_names_elsewhere_are_refused(self):
        self.write("weir.deb", "elsewhere")
        for name in ("../weir.deb", "./Packages", self.path("weir.deb"), "-t", ".", "a b"):
            self.write("bundle/SHA256SUMS", f"{self.sums}{'0' * 64}  {name}\n")
            self.assert_refused(f"4:{'0' * 64}  {name}\ninstall: SHA256SUMS: ")
        self.write("bundle/SHA256SUMS", "")
        self.assert_refused("SHA256SUMS")


if __name__ == "__main__":
    weirtest.main()
