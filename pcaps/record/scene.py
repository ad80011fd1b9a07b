"""What a scene is: two captures that look alike, one of which Weir must tell of."""

import collections

Scene = collections.namedtuple(
    "Scene",
    ("name",     # of its files: NAME.pcap, NAME.twin.pcap
     "leak",     # the functions that record them in a lab; no twin: another scene's does for both
     "twin",
     "told",     # of the leak: (rule's id, its first reason's code, source, destination), whatever is told of it
     "near",     # addresses of the end at which the tap is
     "far",      # and of the other one
     "programs", # that must be installed
     "names"),   # of Python's modules, that parts.py uses
    defaults=((),))


def tells(rule, source, other, code=None):
    """One of Scene.told."""
    return rule, code or rule, source, other


def lines_of(count, line):
    return "".join(line(number) + "\n" for number in range(count))
