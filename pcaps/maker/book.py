"""The maker's own account of what left: the truth that a sensor's figures are held against.

Payload bytes of TCP and UDP sent by an inside host to an outside one, each sequence byte once
(a retransmission is not entered), at the time its packet passes the sensor.
"""

import collections
import ipaddress

from . import clock


def network_of(address):
    prefix = 24 if ipaddress.ip_address(address).version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


class Book:
    def __init__(self):
        self.entries = []  # (time, inside host, outside network, opener, service port, bytes)
        self.connections = []  # Conversation objects, in the order they were made

    def left(self, time, host, remote, opener, port, size):
        self.entries.append((time, host, network_of(remote), opener, port, size))

    def confine(self, begin, end):
        self.entries = [entry for entry in self.entries if begin <= entry[0] < end]
        self.connections = [each for each in self.connections
                            if each.last_packet >= begin and each.start < end]

    def by_day(self, keep):
        """{key(entry): {date: bytes}} for the entries whose key is not None."""
        table = collections.defaultdict(lambda: collections.defaultdict(int))
        for entry in self.entries:
            key = keep(entry)
            if key is not None:
                table[key][clock.date_of(entry[0]).isoformat()] += entry[5]
        return {key: dict(sorted(days.items())) for key, days in sorted(table.items())}
