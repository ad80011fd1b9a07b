"""Who is there. Outside addresses are documentation and benchmark ranges, names reserved ones."""

import ipaddress

from ..packets import Host

SERVER_NAME = "project.example.jp"
GATEWAY = "02:00:00:00:04:01"  # the border router: every outside host's frames carry its address


def inside(name, address, number, **how):
    return Host(name, address, f"02:00:00:00:10:{number:02x}", True, 0.00012, **how)


def outside(name, address, distance, **how):
    """`distance` in seconds, one way."""
    return Host(name, address, GATEWAY, False, distance, **how)


class Service:
    """Something outside that inside hosts use: a name, where it is, and what a visit moves.

    `up`, `down`: (median, sigma, highest) bytes of one exchange."""

    def __init__(self, name, address, distance, up, down, rounds, share):
        self.name, self.host = name, outside(name, address, distance, ttl=56)
        self.up, self.down, self.rounds, self.share = up, down, rounds, share
        self.packed = ipaddress.ip_address(address).packed


SERVER = inside("projectweb", "10.4.0.17", 0x17)
SERVER_6 = inside("projectweb", "fd00:4::17", 0x17)
BACKUP = inside("backup", "10.4.0.20", 0x20)
MAIL = inside("mailgate", "10.4.0.25", 0x25)
OFFICE = tuple(inside(f"office{number:02d}", f"10.4.1.{10 + number}", 0x40 + number, ttl=128,
                      stamps=False, scale=8) for number in range(1, 13))
OFFICE_6 = {1: inside("office01", "fd00:4::1:11", 0x41, ttl=128, stamps=False, scale=8),
            5: inside("office05", "fd00:4::1:15", 0x45, ttl=128, stamps=False, scale=8)}
RESOLVER = outside("resolver", "198.19.53.53", 0.0035, ttl=60)
ROUTER = inside("router", "10.4.0.1", 0x01)

_ASK, _PAGE = (900, 0.6, 9000), (21000, 1.1, 300000)
SERVICES = (
    Service("search.example2.jp", "198.19.2.20", 0.006, (700, 0.4, 4000), (16000, 0.7, 120000), 2,
            22),
    Service("www.example.ne.jp", "198.19.3.80", 0.005, _ASK, _PAGE, 3, 14),
    Service("files.example3.jp", "198.19.4.12", 0.008, (9000, 1.9, 1500000), (24000, 1.3, 400000),
            3, 14),
    Service("mail.example.com", "198.19.5.40", 0.017, (2600, 1.6, 700000), (14000, 1.1, 250000), 3,
            16),
    Service("chat.example.org", "198.19.6.33", 0.011, (1100, 0.8, 60000), (5000, 1.0, 90000), 4,
            12),
    Service("bank.example.co.jp", "198.19.7.7", 0.005, _ASK, (11000, 0.7, 90000), 3, 4),
    Service("maps.example4.jp", "198.19.8.8", 0.007, (600, 0.4, 3000), (38000, 1.0, 300000), 2, 6),
    Service("travel.example.or.jp", "198.19.9.61", 0.006, _ASK, _PAGE, 3, 4),
    Service("www.example.ac.jp", "198.19.11.5", 0.009, _ASK, _PAGE, 2, 3),
)
SERVICE_6 = Service("video.example9.jp", "2001:db8:200::80", 0.006, (800, 0.5, 5000),
                    (60000, 0.9, 500000), 3, 5)
SURVEY = Service("survey.example6.jp", "198.19.14.14", 0.007, (2400, 0.7, 30000),
                 (9000, 0.6, 60000), 3, 0)
UPDATES = Service("update.example7.jp", "198.19.20.7", 0.006, (400, 0.2, 900),
                  (90000, 1.2, 900000), 1, 0)
VAULT = Service("vault.example5.co.jp", "198.19.50.10", 0.004, (0, 0, 0), (0, 0, 0), 1, 0)
MAILERS = tuple((f"mx.{name}", outside(f"mx.{name}", address, distance, ttl=54))
                for name, address, distance in (("example.net", "198.19.30.25", 0.016),
                                                ("example1.co.jp", "198.19.31.25", 0.007),
                                                ("example.ad.jp", "198.19.32.25", 0.006),
                                                ("example2.or.jp", "198.19.33.25", 0.009)))
PEOPLE_DOMAINS = ("example1.co.jp", "example2.co.jp", "example.jp")
