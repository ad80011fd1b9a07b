"""HTTP/1.1 messages in clear text."""

from . import clock
from .tcp import CLIENT, SERVER


def request(method, path, host, agent, headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {agent}",
             "Accept: application/json", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(time, body, kind="application/json", headers=(), status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Date: {clock.http_date(time)}", "Server: Apache",
             f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def fetch(conversation, chance, asked, body, pause=0.0, **more):
    """One request and its answer; a client in clear text is captured whole."""
    conversation.say(CLIENT, asked, pause)
    lost = chance.happens(0.01)
    conversation.say(SERVER, response(conversation.last[CLIENT], body, **more),
                     chance.uniform(0.006, 0.12), lost=lost)
