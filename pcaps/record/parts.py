"""Small programs of the scenes, for which no package has one: `parts.py PART …` (see PARTS). What speaks
Modbus is python3-pymodbus, the rest the standard library."""

import random
import socket
import sys
import time


def datagrams(address, port, count, size, every_s):
    """`count` datagrams of `size` bytes of noise."""
    chance = random.Random(3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for _ in range(int(count)):
            out.sendto(chance.randbytes(int(size)), (address, int(port)))
            time.sleep(float(every_s))


def stream(address, port, size):
    """So many bytes of noise over TCP, all of which the other end has taken."""
    with socket.create_connection((address, int(port)), timeout=30) as out:
        out.sendall(random.Random(4).randbytes(int(size)))
        out.shutdown(socket.SHUT_WR)
        out.settimeout(30)
        while out.recv(4096):
            pass


# --- Modbus (python3-pymodbus) --------------------------------------------------------------------


def modbus_server(address):
    """A controller with a hundred registers of each kind."""
    from pymodbus import datastore, server # pylint: disable=import-outside-toplevel
    blocks = (datastore.ModbusSequentialDataBlock(0, [7] * 101) for _ in range(4))
    unit = datastore.ModbusSlaveContext(*blocks)
    server.StartTcpServer(context=datastore.ModbusServerContext(unit, single=True), address=(address, 502))


def modbus_client(own, address, *orders):
    """Orders one after the other: read N (N times ten registers), write N (N times one register)."""
    from pymodbus.client import ModbusTcpClient # pylint: disable=import-outside-toplevel
    client = ModbusTcpClient(address, source_address=(own, 0))
    if not client.connect():
        sys.exit(f"no Modbus at {address}")
    for order, count in zip(orders[::2], orders[1::2]):
        for number in range(int(count)):
            answer = client.write_register(3, number, slave=1) if order == "write" else \
                client.read_holding_registers(0, count=10, slave=1)
            if answer.isError():
                sys.exit(str(answer))
            time.sleep(0.02)
    client.close()


# --- ASTERIX (EUROCONTROL-SPEC-0149, parts 2b and 4) ----------------------------------------------


def day_time():
    """I034/030, I048/140: 1/128 s since midnight, UTC."""
    return (int(time.time() * 128) % (86400 * 128)).to_bytes(3, "big")


def block(category, record):
    return bytes([category]) + (3 + len(record)).to_bytes(2, "big") + record


def sector(source, number):
    """Category 34, a service message: a sector was crossed. Items 010, 000, 030, 020."""
    return block(34, b"\xf0" + source + b"\x02" + day_time() + bytes([number * 32]))


def plot(source, track, turn):
    """Category 48, a target report. Items 010, 140, 020, 040, 070, 090, 220, 240, 161: who, when, how it was
    seen, range and bearing, Mode 3/A code, flight level, Mode S address, identification, track."""
    bearing, distance = track * 9000 + turn * 150, 40 * 256 + track * 900
    name = f"EXA{100 + track:03d}  "
    sextets = 0
    for letter in name:
        sextets = sextets << 6 | (ord(letter) & 0x3F)
    return block(48, b"\xfd\xd0" + source + day_time() + b"\xa0" + distance.to_bytes(2, "big") +
                 (bearing % 65536).to_bytes(2, "big") + (0o1000 + track).to_bytes(2, "big") +
                 (1200 + track * 4).to_bytes(2, "big") + (0x840000 + track).to_bytes(3, "big") +
                 sextets.to_bytes(6, "big") + (100 + track).to_bytes(2, "big"))


def asterix(own, address, port, turns):
    """A radar: for each turn a north mark and sectors, and the plots of six aircraft in them."""
    source = bytes([25, 201]) # SAC, SIC
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((own, 0))
        for turn in range(int(turns)):
            for number in range(8):
                targets = b"".join(plot(source, track, turn) for track in range(6) if track % 8 == number)
                out.sendto(sector(source, number) + targets, (address, int(port)))
                time.sleep(0.05)


# --- ADS-B as receivers pass it on (SBS-1, "BaseStation", port 30003) -------------------------------


def sbs_line(aircraft, number):
    when = time.strftime("%Y/%m/%d,%H:%M:%S", time.gmtime()) + ".000"
    return (f"MSG,3,1,1,{0x840000 + aircraft:06X},1,{when},{when},,{10000 + aircraft * 100},,,"
            f"{35.5 + aircraft / 100 + number / 10000:.5f},{139.7 + number / 10000:.5f},,,0,0,0,0\r\n").encode()


def sbs(own, address, port, count):
    """A receiver that delivers what it hears."""
    with socket.create_connection((address, int(port)), timeout=30, source_address=(own, 0)) as out:
        for number in range(int(count)):
            out.sendall(b"".join(sbs_line(aircraft, number) for aircraft in range(5)))
            time.sleep(0.02)


PARTS = {"datagrams": datagrams, "stream": stream, "modbus-server": modbus_server, "modbus-client": modbus_client,
         "asterix": asterix, "sbs": sbs}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
