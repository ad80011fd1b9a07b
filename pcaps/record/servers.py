"""The servers of the scenes: each a real program with the least of a configuration, in a space of a lab,
ready when the function returns."""

import os
import subprocess

from lab import HERE, PYTHON


def nginx(lab, space, address, more="", port=80, kind=""):
    """Takes what is posted to /up/, gives /file/NAME from the folder `served`, answers anything else with a
    short page. `more`: further locations."""
    lab.write("nginx.conf", f"""
daemon off; pid {lab.path('nginx.pid')}; error_log /dev/null; user root; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 4m; server_tokens off;
  client_body_temp_path {lab.folder('body')}; proxy_temp_path {lab.folder('proxy')};
  fastcgi_temp_path {lab.folder('fast')}; uwsgi_temp_path {lab.folder('uwsgi')};
  scgi_temp_path {lab.folder('scgi')};
  server {{
    listen {address}:{port} {kind};
    location / {{ default_type text/plain; return 200 "ok\\n"; }}
    location /file/ {{ alias {lab.folder('served')}/; default_type text/plain; }}
    location /up/ {{ proxy_pass http://{address}:8080; }}
    {more}
  }}
  server {{ listen {address}:8080; location / {{ return 204; }} }}
}}""")
    lab.serve(space, port, "nginx", "-c", lab.path("nginx.conf"), "-p", lab.home)


def certificate(lab, name):
    """Self-signed, made now: files NAME.key and NAME.crt of the lab."""
    key, signed = lab.path(name + ".key"), lab.path(name + ".crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "30", "-keyout", key,
                    "-out", signed], check=True, capture_output=True)
    return key, signed


def nginx_tls(lab, space, address, name):
    """The same with a certificate for `name`, on the port of HTTPS alone."""
    key, signed = certificate(lab, name)
    nginx(lab, space, address, f"ssl_certificate {signed}; ssl_certificate_key {key};", 443, "ssl")


def openvpn(lab, address):
    """Both ends, each of which knows the other's certificate: 172.31.8.2 here, 172.31.8.1 there. What starts
    the near one."""
    words, print_of = {}, {}
    for end in ("far", "near"):
        key, signed = certificate(lab, end)
        said = subprocess.run(["openssl", "x509", "-in", signed, "-noout", "-fingerprint", "-sha256"], check=True,
                              capture_output=True, text=True).stdout
        print_of[end] = said.strip().partition("=")[2]
        words[end] = ["openvpn", "--dev", "tun9", "--cert", signed, "--key", key, "--verb", "1"]
    far = [*words["far"], "--tls-server", "--dh", "none", "--local", address, "--port", "1194", "--peer-fingerprint",
           print_of["near"], "--ifconfig", "172.31.8.1", "172.31.8.2"]
    near = [*words["near"], "--tls-client", "--remote", address, "1194", "--nobind", "--peer-fingerprint",
            print_of["far"], "--ifconfig", "172.31.8.2", "172.31.8.1"]
    lab.serve(lab.far, 1194, *far, kind="u")
    return near


def vsftpd(lab, space, address):
    """Anonymous, who may write in up/."""
    root = lab.folder("ftp", 0o755) # it refuses a writable root
    lab.folder("ftp/up")
    config = lab.write("vsftpd.conf", f"""listen=YES
listen_address={address}
background=NO
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_root={root}
no_anon_password=YES
seccomp_sandbox=NO
xferlog_enable=NO
secure_chroot_dir={lab.folder('empty', 0o555)}
""")
    lab.serve(space, 21, "vsftpd", config)


def smbd(lab, space, address):
    """Samba with one share for guests."""
    folder, share = lab.folder("samba", 0o755), lab.folder("share")
    own = "\n".join(f"{key} = {folder}" for key in ("lock directory", "state directory", "cache directory",
                                                    "pid directory", "private dir", "ncalrpc dir"))
    config = lab.write("smb.conf", f"""[global]
{own}
netbios name = FILES
interfaces = {address}
bind interfaces only = yes
smb ports = 445
map to guest = Bad User
guest account = nobody
server min protocol = SMB2
server smb encrypt = off
disable spoolss = yes
load printers = no
[share]
path = {share}
read only = no
guest ok = yes
""")
    lab.serve(space, 445, "smbd", "-F", "--no-process-group", "-s", config, "-l", folder)


def smtpd(lab, space, address, name):
    """OpenSMTPD, which takes mail for `name` and keeps none of it. Its control socket and its queue are where
    another one's would be: it gets a /run and a spool of its own (ip(8) gave it its mounts)."""
    config = lab.write("smtpd.conf", f"""listen on {address} port 25 hostname {name}
action "take" mda "cat >/dev/null" virtual {{ "@" = nobody }}
match from any for domain "{name}" action "take"
""")
    lab.serve(space, 25, "sh", "-c", 'mount -t tmpfs run /run && mount -t tmpfs -o mode=711 spool /var/spool/smtpd && '
              'exec "$@"', "sh", "smtpd", "-d", "-f", config)


def tftpd(lab, space, address):
    folder = lab.folder("trivial")
    lab.serve(space, 69, "in.tftpd", "-L", "-s", "-c", "-p", "--address", f"{address}:69", folder, kind="u")


def sshd_key(lab, name):
    """A pair of keys, made now: files NAME and NAME.pub of the lab."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "example", "-f", lab.path(name)], check=True)
    return lab.path(name)


def sshd(lab, space, address, port):
    """Whoever has the lab's "key" may log in."""
    key, host = sshd_key(lab, "key"), sshd_key(lab, "host")
    config = lab.write("sshd_config", f"ListenAddress {address}\nPort {port}\nHostKey {host}\nStrictModes no\n"
                       f"UsePAM no\nPermitRootLogin yes\nAuthorizedKeysFile {key}.pub\nPidFile none\n"
                       "PrintMotd no\nPrintLastLog no\n")
    lab.serve(space, port, "sh", "-c", 'mount -t tmpfs run /run && mkdir -m 755 /run/sshd && exec "$@"', "sh",
              "/usr/sbin/sshd", "-D", "-f", config) # its folder, which its package's service would make


def dnsmasq(lab, space, address, names):
    """A resolver that knows these names' addresses, and no others."""
    config = lab.write("dnsmasq.conf", "".join(f"host-record={name},{own}\n" for name, own in names.items()))
    lab.serve(space, 53, "dnsmasq", "-k", "-C", config, "-u", "root", "--no-resolv", "--no-hosts", "--bind-interfaces",
              f"--listen-address={address}", "--local-ttl=600", f"--pid-file={lab.path('dns.pid')}",
              "--log-facility=/dev/null", kind="u")


def mosquitto(lab, space, address):
    config = lab.write("mosquitto.conf", f"listener 1883 {address}\nallow_anonymous true\n")
    lab.serve(space, 1883, "mosquitto", "-c", config)


def snmpd(lab, space, address):
    config = lab.write("snmpd.conf", "rocommunity reading default\nrwcommunity writing default\n"
                       "sysLocation hall 3\nsysName plc-switch-7\nsysDescr a switch\n")
    own = "SNMP_PERSISTENT_DIR=" + lab.folder("snmp") # not the machine's
    lab.serve(space, 161, "env", own, "snmpd", "-f", "-C", "-c", config, "-Lo", "-p", lab.path("snmpd.pid"),
              f"udp:{address}:161", kind="u")


def modbus(lab, space, address):
    """python3-pymodbus, a server with a hundred registers."""
    lab.serve(space, 502, PYTHON, f"{HERE}/parts.py", "modbus-server", address)
