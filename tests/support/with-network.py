#!/usr/bin/env python3
"""Starts proxies and TLS servers like those of enterprises, and runs a command with their addresses in its environment:

    tests/support/with-network.py command [arguments]

Proxies, all on this machine; for a PROXY with a log, PROXY_LOG is a log of the hosts that clients asked for:

    PROXY_OPEN, PROXY_OPEN_LOG        HTTP, without login; refuses the hosts named in PROXY_FORBIDS
    PROXY_LOGIN                       HTTP, with the login PROXY_USER and PROXY_PASSWORD
    PROXY_INSPECTS, PROXY_INSPECTS_CA HTTP, inspects TLS with certificates of its own CA
    PROXY_SOCKS, PROXY_SOCKS_LOG      SOCKS 5, without login
    PROXY_SOCKS_LOGIN                 SOCKS 5, with the login PROXY_USER and PROXY_PASSWORD
    PROXY_SOCKS_ODD                   SOCKS 5, with the login PROXY_ODD_USER and PROXY_ODD_PASSWORD, which are full of signs

TLS servers, with certificates of the CA in TLS_CA, except TLS_SELF_SIGNED:

    TLS_GOOD  TLS_EXPIRED  TLS_FUTURE  TLS_WRONG_NAME  TLS_SELF_SIGNED  TLS_1_1

All of them end when the command ends.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

USER, PASSWORD = "proxy-user", "pr0xy-p4ssw0rd"
ODD_USER, ODD_PASSWORD = "odd%41@u:ser", "p%77:/ @?#ü%"
START_TIMEOUT = 60 * int(os.environ.get("UMAPI_TEST_SLOWNESS", "1"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Network:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.processes = []
        self.ports = []
        self.environment = {
            "PROXY_USER": USER, "PROXY_PASSWORD": PASSWORD,
            "PROXY_ODD_USER": ODD_USER, "PROXY_ODD_PASSWORD": ODD_PASSWORD,
        }

    def start(self, name, *command, log=None):
        output = open(log or self.directory / f"{name}.out", "wb")
        self.processes.append(subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=self.directory,
        ))

    def listens(self, variable, port, address):
        self.ports.append(port)
        self.environment[variable] = address

    # ---- Proxies ----

    def tinyproxy(self, variable, *settings):
        port, name = free_port(), variable.lower()
        log, config = self.directory / f"{name}.log", self.directory / f"{name}.conf"
        config.write_text("\n".join([
            f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "MaxClients 50", "Allow 127.0.0.1",
            f'LogFile "{log}"', "LogLevel Connect", *settings, "",
        ]))
        self.start(name, "tinyproxy", "-d", "-c", str(config))
        self.listens(variable, port, f"http://127.0.0.1:{port}")
        self.environment[f"{variable}_LOG"] = str(log)

    def microsocks(self, variable, *arguments):
        port, log = free_port(), self.directory / f"{variable.lower()}.log"
        self.start(variable.lower(), "microsocks", "-i", "127.0.0.1", "-p", str(port), *arguments, log=log)
        self.listens(variable, port, f"127.0.0.1:{port}")
        self.environment[f"{variable}_LOG"] = str(log)

    def mitmproxy(self, variable):
        port, home = free_port(), self.directory / "mitmproxy"
        self.start(
            variable.lower(), "mitmdump", "--listen-host", "127.0.0.1", "-p", str(port), "--ssl-insecure",
            "--set", f"confdir={home}",
        )
        self.listens(variable, port, f"http://127.0.0.1:{port}")
        self.environment[f"{variable}_CA"] = str(home / "mitmproxy-ca-cert.pem")

    # ---- TLS servers ----

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)

    def authority(self):
        (self.directory / "ca.conf").write_text(
            "[ca]\ndefault_ca=us\n[us]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
            "policy=any\nunique_subject=no\nx509_extensions=leaf\n[any]\ncommonName=supplied\n[leaf]\n"
            "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=$ENV::SAN\n"
        )
        (self.directory / "index").touch()
        (self.directory / "serial").write_text("01\n")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                     "-days", "30", "-subj", "/O=Example Corp/CN=Example Corp Test CA")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr",
                     "-subj", "/CN=leaf")
        self.environment["TLS_CA"] = str(self.directory / "ca.pem")

    def certificate(self, name, start, end, names):
        os.environ["SAN"] = names
        self.openssl("ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key",
                     "-in", "leaf.csr", "-out", f"{name}.pem", "-startdate", start, "-enddate", end)

    def tls_server(self, name, *arguments, start="20200101000000Z", end="20490101000000Z",
                   names="DNS:localhost,IP:127.0.0.1"):
        self.certificate(name, start, end, names)
        self.serve(name, *arguments)

    def self_signed(self, name):
        self.openssl("req", "-x509", "-key", "leaf.key", "-out", f"{name}.pem", "-days", "30",
                     "-subj", "/CN=alone.example", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                     "-addext", "basicConstraints=critical,CA:FALSE")
        self.serve(name)

    def serve(self, name, *arguments):
        port = free_port()
        self.start(name, "openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", "-cert", f"{name}.pem",
                   "-key", "leaf.key", "-www", *arguments)
        self.listens(name, port, f"https://127.0.0.1:{port}")

    # ---- The whole network ----

    def build(self):
        (self.directory / "forbidden").write_text("^forbidden\\.example$\n")
        self.environment["PROXY_FORBIDS"] = "forbidden.example"
        self.mitmproxy("PROXY_INSPECTS")
        self.tinyproxy("PROXY_OPEN", f'Filter "{self.directory}/forbidden"', "FilterType ere")
        self.tinyproxy("PROXY_LOGIN", f"BasicAuth {USER} {PASSWORD}")
        self.microsocks("PROXY_SOCKS")
        self.microsocks("PROXY_SOCKS_LOGIN", "-u", USER, "-P", PASSWORD)
        self.microsocks("PROXY_SOCKS_ODD", "-u", ODD_USER, "-P", ODD_PASSWORD)
        self.authority()
        self.tls_server("TLS_GOOD")
        self.tls_server("TLS_EXPIRED", end="20200201000000Z")
        self.tls_server("TLS_FUTURE", start="20480101000000Z")
        self.tls_server("TLS_WRONG_NAME", names="DNS:intranet.example,DNS:www.intranet.example")
        self.tls_server("TLS_1_1", "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
        self.self_signed("TLS_SELF_SIGNED")
        for port in self.ports:
            self.wait_for(port)

    def wait_for(self, port):
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or any(p.poll() is not None for p in self.processes):
                    self.print_logs()
                    sys.exit(f"no server listens at port {port}")
                time.sleep(0.02)

    def print_logs(self):
        for log in sorted(self.directory.glob("*.out")) + sorted(self.directory.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='redirectory')[-2000:]}", file=sys.stderr)

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def main():
    with tempfile.TemporaryDirectory(prefix="umapi-network-") as directory:
        network = Network(directory)
        try:
            network.build()
            status = subprocess.run(sys.argv[1:], env={**os.environ, **network.environment}).returncode
            if status != 0 and "NETWORK_LOGS" in os.environ:
                network.print_logs()
        finally:
            network.end()
    sys.exit(status if status >= 0 else 128 - status)


main()
