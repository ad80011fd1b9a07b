"""projectweb.truth.json, from the maker's own book: nothing was read back from the capture."""

import collections
import datetime

from .. import clock
from ..book import network_of
from ..tcp import SERVER
from . import site, theft

_NIGHT_HOURS = (22, 23, 0, 1, 2, 3, 4, 5)


def of(capture, book, done):
    packets = capture.packets()
    return {
        "capture": {"packets": len(packets), "first": clock.iso(packets[0][0]),
                    "last": clock.iso(packets[-1][0]), "wire_bytes": sum(p[3] for p in packets)},
        "theft": _theft(book, done),
        "nights_before": _nights(book),
        "new_client_networks": _newcomers(book),
        "served_by_network_and_day": book.by_day(_served),
        "out_by_host_and_day": book.by_day(lambda entry: entry[1]),
    }


def _theft(book, done):
    clear = [c for c in done.conversations if c.ports[SERVER] == 80]
    hidden = [c for c in done.conversations if c.ports[SERVER] == 443]
    everything = clear + hidden
    clear_bytes = sum(c.sent[SERVER] for c in clear)
    return {
        "server": site.SERVER.address, "network": theft.NETWORK,
        "clients": sorted({c.ends[0].address for c in everything}),
        "first_packet": clock.iso(min(c.first_packet for c in everything)),
        "last_packet": clock.iso(max(c.last_packet for c in everything)),
        "connections": {"http": len(clear), "tls": len(hidden), "all": len(everything)},
        "opened_by": "outside",
        "distinct_addresses": len(done.addresses), "mail_settings_pages": done.settings_pages,
        "http_payload_bytes": clear_bytes,
        "tls_payload_bytes": sum(c.sent[SERVER] for c in hidden),
        "from_thief_bytes": sum(c.sent[0] for c in everything),
        "http_5_percent_left_at": _share_at(book, 80, clear_bytes * 0.05),
        "http_half_left_at": _share_at(book, 80, clear_bytes * 0.5),
    }


def _share_at(book, port, limit):
    total = 0
    for entry in sorted(book.entries):
        if entry[2] == theft.NETWORK and entry[4] == port:
            total += entry[5]
            if total >= limit:
                return clock.iso(entry[0])
    raise ValueError("less left than asked for")


def _served(entry):
    servers = (site.SERVER.address, site.SERVER_6.address)
    return entry[2] if entry[3] == "outside" and entry[1] in servers else None


def _night_of(time):
    """The date a night began on, or None by day."""
    if clock.hour_of(time) not in _NIGHT_HOURS:
        return None
    return clock.date_of(time - 6 * clock.HOUR)


def _nights(book):
    """Bytes the server served at night (22:00-06:00) up to the night of the theft."""
    last = theft.NIGHT - datetime.timedelta(days=2)
    one, every = collections.Counter(), collections.Counter()
    for entry in book.entries:
        night = _night_of(entry[0])
        if night is None or night > last or _served(entry) is None:
            continue
        one[(night.isoformat(), entry[2])] += entry[5]
        every[night.isoformat()] += entry[5]
    (night, network), largest = max(one.items(), key=lambda item: (item[1], item[0]))
    return {"hours": "22:00-06:00 JST, named by the evening's date",
            "largest_of_a_network": {"night": night, "network": network, "bytes": largest},
            "largest_of_all_networks": max(every.values()),
            "served_by_night": dict(sorted(every.items()))}


def _newcomers(book):
    """When each client network first connected to the server."""
    first = {}
    for conversation in book.connections:
        client, server = conversation.ends
        if server.name == "projectweb":
            network = network_of(client.address)
            first[network] = min(first.get(network, conversation.start), conversation.start)
    return [{"network": network, "first": clock.iso(time)}
            for network, time in sorted(first.items(), key=lambda item: item[1])]
