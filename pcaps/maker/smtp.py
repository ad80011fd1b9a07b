"""Mail between servers, and its submission: a few lines in clear, then STARTTLS, then noise."""

from .tcp import CLIENT, SERVER, Conversation
from .tls import Session


def deliver(capture, chance, start, client, server, names, hello, size, port=25):
    """`names`: of (client, server). The message of `size` bytes goes inside TLS."""
    conversation = Conversation(capture, chance, start, client, server, port)
    conversation.open()
    for side, line in ((SERVER, f"220 {names[1]} ESMTP\r\n"), (CLIENT, f"EHLO {names[0]}\r\n"),
                       (SERVER, f"250-{names[1]}\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n"
                                "250 STARTTLS\r\n"),
                       (CLIENT, "STARTTLS\r\n"), (SERVER, "220 2.0.0 Ready to start TLS\r\n")):
        conversation.say(side, line.encode(), chance.uniform(0.001, 0.03))
    session = Session(conversation, chance, names[1], hello)
    session.handshake()
    session.ask(chance.between(180, 320))  # EHLO, MAIL, RCPT in one flight
    session.answer(chance.between(150, 260))
    session.ask(size, chance.uniform(0.001, 0.02))
    session.answer(chance.between(70, 110))
    session.bye(CLIENT, chance.uniform(0.001, 0.5))
    return conversation
