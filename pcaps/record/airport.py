"""Scenes of an airport (rules/examples/airport): surveillance data, flight plans, displays."""

import random

import servers
from office import curl
from scene import Scene, lines_of, tells

RADAR, TOWER, RECEIVER = "10.50.1.7", "10.50.2.20", "10.50.30.9"
MAIL, FUSION, DISPLAY = "10.50.30.25", "10.50.10.14", "10.50.20.11"
COUNTER, AIRLINE = "10.50.20.70", "192.0.2.130"
STRANGER, PARTNER = "198.51.100.44", "203.0.113.25"


def radar(lab, address):
    lab.serve(lab.far, 8600, "socat", "-u", f"UDP-RECV:8600,bind={address}", "/dev/null", kind="u")
    with lab.tap():
        lab.part(lab.near, "asterix", RADAR, address, 8600, 5)


def radar_to_stranger(lab):
    radar(lab, STRANGER)


def radar_to_tower(lab):
    radar(lab, TOWER)


def mail(lab, body):
    servers.smtpd(lab, lab.far, PARTNER, "partner.example.org")
    head = "From: ops@example.co.jp\nTo: desk@partner.example.org\nSubject: bulletin\n\n"
    with lab.tap():
        curl(lab, "--mail-from", "ops@example.co.jp", "--mail-rcpt", "desk@partner.example.org", "-T",
             lab.write("mail", (head + body).replace("\n", "\r\n")), f"smtp://{PARTNER}/ops.example.co.jp")


def flight_plan(number):
    """A message of Doc 4444, of a flight that nobody flies."""
    return (f"(FPL-EXA{100 + number}-IS\n-B738/M-SDE2FGHIRWY/LB1\n-RJTT{number % 24:02d}{number % 6}0\n"
            f"-N0450F350 DCT SPENS Y37 KEC DCT\n-RJFF0135 RJFK\n-DOF/261127 REG/JA{100 + number}X)\n")


def flight_plans(lab):
    mail(lab, lines_of(30, flight_plan))


def weather(lab):
    chance = random.Random(3)

    def report(number):
        return (f"METAR RJ{'TAFBOGSC'[number % 8]}{'TAFKO'[number % 5]} 27{number % 24:02d}00Z "
                f"{chance.randrange(36):02d}0{chance.randrange(5, 25):02d}KT 9999 FEW030 "
                f"{chance.randrange(5, 20):02d}/04 Q10{chance.randrange(10, 30)} NOSIG=")
    mail(lab, lines_of(60, report))


def receiver(lab, address):
    lab.serve(lab.far, 30004, "socat", "-u", f"TCP-LISTEN:30004,fork,reuseaddr,bind={address}", "/dev/null")
    with lab.tap():
        lab.part(lab.near, "sbs", RECEIVER, address, 30004, 60)


def feed_to_stranger(lab):
    receiver(lab, STRANGER)


def feed_to_fusion(lab):
    receiver(lab, FUSION)


def flight(number):
    state = ("boarding", "on time", "delayed", "gate open")[number % 4]
    return f"EXA{100 + number};{number % 24:02d}:{number % 60:02d};{number % 90:02d};A{number % 40};{state}"


def board(lab, *words):
    """A display and its page."""
    lab.folder("served")
    lab.write("served/board.csv", lines_of(2500, flight))
    servers.nginx(lab, lab.far, PARTNER)
    with lab.tap():
        curl(lab, *(word.replace("@board", "@" + lab.path("served", "board.csv")) for word in words))


def display_sends(lab):
    board(lab, "--data-binary", "@board", f"http://{PARTNER}/up/board")


def display_reads(lab):
    board(lab, f"http://{PARTNER}/file/board.csv")


def check_in(lab, address):
    """What a counter says when passengers are boarded, one message a passenger."""
    servers.nginx(lab, lab.far, address)
    body = lab.write("boarded", "<boarded>\n" + lines_of(
        4, lambda n: f'  <passenger name="EXAMPLE/PERSON{n}" seat="{n + 10}C" bags="{n % 3}" document="X00000{n}"/>') +
        "</boarded>\n")
    config = lab.write("urls", "\nnext\n".join(
        f'url = "http://{address}/up/EXA{100 + n}"\ndata-binary = "@{body}"\nheader = "Content-Type: text/xml"\n'
        'output = "/dev/null"' for n in range(60)) + "\n")
    with lab.tap():
        lab.near.run("curl", "-sS", "-4", "-K", config)


def check_in_elsewhere(lab):
    check_in(lab, STRANGER)


def check_in_airline(lab):
    check_in(lab, AIRLINE)


SCENES = (
    Scene("zone.payload.asterix", radar_to_stranger, radar_to_tower, (tells("zone.payload", RADAR, STRANGER),),
          (RADAR,), (STRANGER, TOWER), ("socat",)),
    Scene("content.flight", flight_plans, weather, (tells("content.flight", MAIL, PARTNER),),
          (MAIL,), (PARTNER,), ("smtpd", "curl")),
    Scene("airport.adsb", feed_to_stranger, feed_to_fusion, (tells("airport.adsb", RECEIVER, STRANGER),),
          (RECEIVER,), (STRANGER, FUSION), ("socat",)),
    Scene("airport.display", display_sends, display_reads, (tells("airport.display", DISPLAY, PARTNER),),
          (DISPLAY,), (PARTNER,), ("nginx", "curl")),
    Scene("airport.checkin", check_in_elsewhere, check_in_airline, (tells("airport.checkin", COUNTER, STRANGER),),
          (COUNTER,), (STRANGER, AIRLINE), ("nginx", "curl")),
)
