#!/usr/bin/env python3
"""What is installed: cmake --install below a prefix, and the Debian package that cpack makes of a build:
its files and their owners, its scripts, its unit (as systemd-analyze rates it), its configuration. What
it does when it is installed is tests/long/deb's."""

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
        self.assertEqual((field["Package"], field["Section"]), ("weir", "net"))
        needs = {word.split()[0] for word in field["Depends"].split(", ")}
        self.assertLessEqual({"adduser", "redis-server", "libc6", "libpcap0.8", "libevent-core-2.1-7"}, needs)
        self.assertEqual(weirtest.weir("version").out, f"weir {field['Version']}\n")
        with open(os.path.join(self.control, "conffiles"), encoding="ascii") as file:
            self.assertEqual(file.read(), "/etc/weir/weir.yaml\n")
        for script in ("postinst", "prerm", "postrm"):
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


if __name__ == "__main__":
    weirtest.main()
