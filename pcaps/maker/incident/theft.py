"""The night: valid credentials from a network the server has never met, page by page, unhurried.

Half of the connections are to the old API in clear, half over TLS; all are opened by the outside.
An even pace: no connection moves more than a partner's ordinary page views do.
"""

import datetime
import json

from .. import clock, http, people, tls
from ..chance import Chance
from ..tcp import CLIENT, Conversation
from . import site

NIGHT = datetime.date(2026, 3, 2)
NETWORK = "203.0.113.0/24"
START = clock.at(NIGHT, 1, 14, 7.201)
END = clock.at(NIGHT, 3, 58, 36)
ADDRESSES, PAGE = 76112, 250
EACH = 106  # connections in clear, and as many over TLS
_AGENT = "Mozilla/5.0 (compatible; example)"
_TOKEN = "Authorization: Bearer EXAMPLE-TOKEN-NOT-REAL-0000"


class Theft:
    """What was done, for the truth."""

    def __init__(self):
        self.conversations = []
        self.addresses = set()
        self.settings_pages = 0


def commit(capture):
    chance = Chance("theft")
    theft = Theft()
    clients = [site.outside("thief", address, 0.0165, ttl=47)
               for address in ("203.0.113.44", "203.0.113.191")]
    kinds = [kind for _ in range(EACH // 2) for kind in chance.shuffled((80, 80, 443, 443))]
    first = kinds.index(80)
    kinds[0], kinds[first] = kinds[first], kinds[0]
    pages = _pages(theft)
    shares = _shares(pages)
    # as much again over TLS: every byte the pages take, less what a TLS handshake answers anyway
    total = sum(len(body) + 170 for _, body in pages)
    weights = [chance.uniform(0.8, 1.2) for _ in range(EACH)]
    step = (END - START) / (len(kinds) - 1)
    for number, kind in enumerate(kinds):
        jitter = 0 if number in (0, len(kinds) - 1) else chance.uniform(-0.35, 0.35)
        start = START + int((number + jitter) * step)
        client = clients[1] if chance.happens(0.35) else clients[0]
        if kind == 80:
            done = _in_clear(capture, chance, start, client, shares.pop(0), number == 0)
        else:
            size = int(total * weights.pop() / (EACH)) - 3700
            done = _over_tls(capture, chance, start, client, size)
        theft.conversations.append(done)
    return theft


def _pages(theft):
    """(path, body) in the order they are drawn; the mail settings near the start and the end."""
    everyone = people.distinct(Chance("everyone"), ADDRESSES)
    theft.addresses = set(everyone)
    count = -(-ADDRESSES // PAGE)
    pages = []
    for number in range(count):
        body = {"page": number + 1, "of": count,
                "members": everyone[number * PAGE:(number + 1) * PAGE]}
        pages.append((f"/api/v1/members?page={number + 1}&per_page={PAGE}",
                      json.dumps(body, separators=(",", ":")).encode()))
    for place, tenant in ((5, "north"), (count - 4, "south")):
        pages.insert(place, (f"/api/v1/settings/mail?tenant={tenant}", _settings(tenant)))
        theft.settings_pages += 1
    return pages


def _settings(tenant):
    return json.dumps({
        "tenant": tenant,
        "smtp": {"host": f"smtp-{tenant}.example.jp", "port": 587, "security": "starttls",
                 "user": f"svc-{tenant}", "password": "not-a-real-password"},
        "imap": {"host": f"imap-{tenant}.example.jp", "port": 993, "security": "tls",
                 "user": f"svc-{tenant}", "password": "not-a-real-password"},
        "relay": {"host": "relay.example.jp", "allow": ["10.4.0.0/16"]}}, indent=1).encode()


def _shares(pages):
    """The pages dealt out to the connections, in order, two or three each."""
    return [pages[len(pages) * number // EACH:len(pages) * (number + 1) // EACH]
            for number in range(EACH)]


def _in_clear(capture, chance, start, client, pages, login):
    conversation = Conversation(capture, chance, start, client, site.SERVER, 80)
    conversation.open()
    if login:
        form = b"user=contractor-07&password=not-a-real-password"
        asked = http.request("POST", "/login", site.SERVER_NAME, _AGENT,
                             ("Content-Type: application/x-www-form-urlencoded",), form)
        http.fetch(conversation, chance, asked, b'{"ok":true,"role":"contractor"}',
                   headers=("Set-Cookie: session=EXAMPLE-NOT-REAL; HttpOnly",))
    for number, (path, body) in enumerate(pages):
        pause = chance.uniform(1.5, 7) if number or login else 0.0
        http.fetch(conversation, chance,
                   http.request("GET", path, site.SERVER_NAME, _AGENT, (_TOKEN,)), body, pause)
    conversation.close(CLIENT, chance.uniform(0.01, 0.4))
    return conversation


def _over_tls(capture, chance, start, client, size):
    conversation = Conversation(capture, chance, start, client, site.SERVER, 443)
    conversation.open()
    session = tls.Session(conversation, chance, site.SERVER_NAME, tls.SCRIPT)
    session.handshake()
    count = chance.between(2, 4)
    for number in range(count):
        session.ask(chance.between(300, 420), chance.uniform(1.5, 7) if number else 0.0)
        session.answer(size // count)
    session.bye(CLIENT, chance.uniform(0.01, 0.4))
    return conversation
