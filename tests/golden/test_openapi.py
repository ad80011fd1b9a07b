#!/usr/bin/env python3
"""docs/openapi.json and the program's tables of routes name the same routes, on the same listeners; what it refers to
is there."""

import json
import os
import re
import unittest

TOP = os.environ.get("WEIR_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TABLES = {"routes": "control", "console_routes": "console", "metrics_routes": "metrics"}
OWN = {("GET", "/v1/session"), ("POST", "/v1/session"), ("DELETE", "/v1/session")} # of the console's guard


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def served():
    """{(method, path with *): listeners}, as sensor/role/engine_api.c has them."""
    found, text = {}, read("sensor", "role", "engine_api.c")
    for table, listener in TABLES.items():
        body = re.search(r"struct api_route " + table + r"\[\] = \{(.*?)\};", text, re.S).group(1)
        for method, path in re.findall(r'\{"([A-Z]+)", "([^"]+)",', body):
            found.setdefault((method, path), set()).add(listener)
    for route in OWN:
        found[route] = {"console"}
    return found


def described(document):
    return {(method.upper(), re.sub(r"\{\w+\}", "*", path)): set(what["x-weir-listeners"])
            for path, methods in document["paths"].items() for method, what in methods.items()}


def each(value, key=None):
    """Every (key, value) within."""
    yield key, value
    if isinstance(value, dict):
        for name, below in value.items():
            yield from each(below, name)
    elif isinstance(value, list):
        for below in value:
            yield from each(below)


def nulls():
    """Fields that a route may say are not known: {name: file}."""
    folder = os.path.join(TOP, "sensor", "role")
    return {name: file for file in sorted(os.listdir(folder)) if file.endswith("_api.c")
            for name in re.findall(r'json_none\(json, "(\w+)"\)', read("sensor", "role", file))}


class Described(unittest.TestCase):
    def setUp(self):
        self.document = json.loads(read("docs", "openapi.json"))

    def test_routes(self):
        self.assertGreater(len(served()), 20)
        self.assertEqual(described(self.document), served())

    def test_references(self):
        for key, value in each(self.document):
            if key != "$ref":
                continue
            at = self.document
            for part in value.removeprefix("#/").split("/"):
                self.assertIn(part, at, value)
                at = at[part]

    def test_what_may_be_null(self):
        allowed = {name for key, value in each(self.document) if key == "properties"
                   for name, what in value.items() if "null" in re.findall(r"\w+", json.dumps(what))}
        self.assertIn("allowed", nulls())
        self.assertEqual({name: file for name, file in nulls().items() if name not in allowed}, {})

    def test_parameters_of_paths(self):
        for path, methods in self.document["paths"].items():
            for method, what in methods.items():
                named = [one["name"] for one in what.get("parameters", []) if one["in"] == "path"]
                self.assertEqual(named, re.findall(r"\{(\w+)\}", path), (method, path))

    def test_operations_are_told_apart(self):
        names = [what["operationId"] for methods in self.document["paths"].values() for what in methods.values()]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
