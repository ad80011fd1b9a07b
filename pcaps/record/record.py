#!/usr/bin/env python3
"""Records the small captures of pcaps/recorded again, with real programs in network namespaces:

    sudo python3 pcaps/record/record.py [--out DIR] [SCENE …]     # default: all that can be recorded here

Needs root, and the programs of each scene (--list). Exit status 1: nothing was recorded. See pcaps/README.md,
"Recorded"."""

import argparse
import os
import shutil
import sys

import airport
import office
import plant
from lab import HERE, Lab, Missing, can

SITES = {"office": office.SCENES, "plant": plant.SCENES, "airport": airport.SCENES} # as in rules/examples
SCENES = {scene.name: scene for scenes in SITES.values() for scene in scenes}
SHIPPED = os.path.normpath(os.path.join(HERE, "..", "recorded"))


def record(scene, act, path):
    """One capture of a scene."""
    with Lab(scene.near, scene.far) as lab:
        act(lab)
        shutil.copyfile(lab.taken, path)


def files(scene, folder):
    """(function, file) of a scene's captures."""
    acts = [(scene.leak, f"{scene.name}.pcap")] + ([(scene.twin, f"{scene.name}.twin.pcap")] if scene.twin else [])
    return [(act, os.path.join(folder, name)) for act, name in acts]


def record_scene(scene, folder):
    """All of them; the files that were made."""
    made = []
    for act, path in files(scene, folder):
        record(scene, act, path)
        made.append(path)
    return made


def record_all(scenes, folder):
    """Whatever can be recorded here; how many scenes could."""
    os.makedirs(folder, exist_ok=True)
    recorded = 0
    for scene in scenes:
        try:
            can(scene)
            for path in record_scene(scene, folder):
                print(f"{path}: {os.path.getsize(path)} bytes")
            recorded += 1
        except Missing as reason:
            print(f"{scene.name}: not recorded: {reason}", file=sys.stderr)
    return recorded


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    words.add_argument("--out", default=SHIPPED)
    words.add_argument("--list", action="store_true")
    words.add_argument("scenes", nargs="*", metavar="SCENE")
    given = words.parse_args()
    for name in given.scenes:
        if name not in SCENES:
            sys.exit(f"record.py: no scene is called {name}: {', '.join(SCENES)}")
    scenes = [SCENES[name] for name in given.scenes or SCENES]
    if given.list:
        for scene in scenes:
            print(f"{scene.name}: {', '.join(scene.programs + scene.names)}")
        return 0
    return 0 if record_all(scenes, given.out) else 1


if __name__ == "__main__":
    sys.exit(main())
