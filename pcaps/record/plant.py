"""Scenes of a plant (rules/examples/plant): what passes the border of a locked zone, and what a conduit is for."""

import servers
from office import curl
from scene import Scene, tells

CONTROLLER, SWITCH, GATEWAY = "10.9.1.11", "10.9.1.2", "10.9.1.30"
MASTER, PANEL = "10.9.2.10", "10.9.2.11" # who may write, who only reads
ENGINEER, MANAGER = "10.9.3.5", "10.9.3.20"
MIRROR, BROKER = "10.9.9.7", "10.9.9.8"
VENDOR, STRANGER, CLOUD = "203.0.113.80", "198.51.100.44", "203.0.113.88"


def modbus(lab, *talks):
    servers.modbus(lab, lab.far, CONTROLLER)
    with lab.tap():
        for own, orders in talks:
            lab.part(lab.near, "modbus-client", own, CONTROLLER, *orders)


def panel_writes(lab):
    modbus(lab, (MASTER, ("read", 10, "write", 3)), (PANEL, ("read", 10, "write", 1)))


def master_writes(lab):
    modbus(lab, (MASTER, ("read", 10, "write", 3)), (PANEL, ("read", 10)))


def mirror(lab, address):
    servers.nginx_tls(lab, lab.far, address, "updates.example.org")
    with lab.tap():
        curl(lab, "-k", "--resolve", f"updates.example.org:443:{address}", "https://updates.example.org/")


def vendor_site(lab):
    mirror(lab, VENDOR)


def own_mirror(lab):
    mirror(lab, MIRROR)


def publish(lab, address):
    servers.mosquitto(lab, lab.far, address)
    with lab.tap():
        for number in range(10):
            lab.near.run("mosquitto_pub", "-h", address, "-i", "gateway-30", "-t", "hall3/line1/speed", "-m",
                         f'{{"rpm": {1200 + number}}}')


def to_cloud(lab):
    publish(lab, CLOUD)


def to_broker(lab):
    publish(lab, BROKER)


def walk(lab, own):
    servers.snmpd(lab, lab.near, SWITCH)
    with lab.tap():
        lab.far.run("snmpwalk", "-v2c", "-c", "reading", f"--clientaddr={own}", SWITCH, "1.3.6.1.2.1.1")


def stranger_asks(lab):
    walk(lab, STRANGER)


def manager_asks(lab):
    walk(lab, MANAGER)


def poll(lab, own):
    servers.modbus(lab, lab.near, CONTROLLER)
    with lab.tap():
        lab.part(lab.far, "modbus-client", own, CONTROLLER, "read", 20)


def polled_from_outside(lab):
    poll(lab, STRANGER)


def polled_by_panel(lab):
    poll(lab, PANEL)


MODBUS = ("pymodbus.datastore.ModbusSequentialDataBlock", "pymodbus.datastore.ModbusServerContext",
          "pymodbus.datastore.ModbusSlaveContext", "pymodbus.server.StartTcpServer", "pymodbus.client.ModbusTcpClient")
SCENES = (
    Scene("zone.conduit.write", panel_writes, master_writes,
          (tells("zone.conduit", PANEL, CONTROLLER, "zone.conduit.writer"),),
          (MASTER, PANEL), (CONTROLLER,), (), MODBUS),
    Scene("zone.conduit.https", vendor_site, own_mirror, (tells("zone.conduit", ENGINEER, VENDOR),),
          (ENGINEER,), (VENDOR, MIRROR), ("nginx", "openssl", "curl")),
    Scene("zone.conduit.mqtt", to_cloud, to_broker,
          (tells("zone.conduit", GATEWAY, CLOUD), tells("plant.mqtt", GATEWAY, CLOUD)),
          (GATEWAY,), (CLOUD, BROKER), ("mosquitto", "mosquitto_pub")),
    Scene("zone.conduit.snmp", stranger_asks, manager_asks,
          (tells("zone.conduit", SWITCH, STRANGER), tells("plant.management", SWITCH, STRANGER)),
          (SWITCH,), (STRANGER, MANAGER), ("snmpd", "snmpwalk")),
    Scene("zone.payload.modbus", polled_from_outside, polled_by_panel,
          tuple(tells(rule, CONTROLLER, STRANGER) for rule in ("zone.payload", "plant.served", "service.control")),
          (CONTROLLER,), (STRANGER, PANEL), (), MODBUS),
)
