#!/usr/bin/env python3
"""Tests umapi-check against a sandbox with each fault: the step that fails, and the remedy that it prints.

    tests/support/with-sandbox.sh ... -- tests/support/with-network.py tests/c/network/umapi-check.py umapi-check
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

PROGRAM = sys.argv[1]
SECRET = os.environ["UMAPI_CLIENT_SECRET"]
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
failures = 0


def control(method, path, body=None):
    request = urllib.request.Request(
        os.environ["UMAPI_SANDBOX_CONTROL"] + path, method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    with direct.open(request) as answer:
        return answer.read()


def run(environment, *arguments):
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run(
        [PROGRAM, *arguments], env={**clean, **environment}, capture_output=True, text=True, timeout=120,
    )


def expect(what, step, message, remedy, *arguments, fault=None, **environment):
    """Checks both the JSON and the text: `step` fails with `message` and `remedy`, or with no step all steps pass."""
    global failures
    control("POST", "/reset")
    if fault:
        control("POST", "/faults", fault)
    as_json = run(environment, "--json", *arguments)
    control("POST", "/reset")
    if fault:
        control("POST", "/faults", fault)
    as_text = run(environment, *arguments)
    problems = []
    for ran in (as_json, as_text):
        if ran.returncode != (1 if step else 0):
            problems.append(f"the exit status is {ran.returncode}")
        for secret in (SECRET, "wr0ng-p4ss", os.environ["PROXY_PASSWORD"]):
            if secret in ran.stdout + ran.stderr:
                problems.append("the output contains a secret")
    report = json.loads(as_json.stdout)
    failed = next((s for s in report["steps"] if s["result"] == "failed"), None)
    if report["passed"] != (step is None) or (failed and failed["step"]) != step:
        problems.append(f"the first step to fail is {failed and failed['step']}, not {step}")
    for part, text in ((message, failed and failed["message"]), (remedy, failed and failed["remedy"])):
        if part and part not in (text or ""):
            problems.append(f"{text!r} has no {part!r}")
        if part and part not in as_text.stdout:
            problems.append(f"the text has no {part!r}")
    if step and f"-> {failed and failed['remedy']}\n" not in as_text.stdout:
        problems.append("the text has no arrow with the remedy")
    print(f"{'FAILED ' if problems else 'ok     '} {what}")
    if problems:
        failures += 1
        print("        " + "\n        ".join(problems), as_text.stdout, as_text.stderr, sep="\n")


def status(endpoint, code, **more):
    return {"endpoint": endpoint, "fault": {"status": {"code": code, **more}}}


expect("all is well", None, None, None)

# The configuration.
expect("no client id", "configuration", "UMAPI_CLIENT_ID: is missing", "correct what the message names", UMAPI_CLIENT_ID="")
expect("no CA file", "configuration", "/nonexistent.pem", "correct what the message names", "--ca", "/nonexistent.pem")
expect("no configuration file", "configuration", "/nonexistent.json", "correct", "--config", "/nonexistent.json")
expect("a proxy that is not one", "configuration", "url: ", "correct", "--proxy", "gopher://h")
expect("nonsense in HTTPS_PROXY", "configuration", "HTTPS_PROXY", "correct or unset it", HTTPS_PROXY="gopher://h")

# The route to the service.
expect("a name that does not exist", "name", "nowhere.invalid is not found", "check the spelling of nowhere.invalid",
       UMAPI_AUTH_HOST="nowhere.invalid")
expect("a host that refuses", "connect", "refuses the connection", "whether a firewall lets this machine out",
       UMAPI_ENDPOINT="https://127.0.0.1:1")
expect("a proxy that does not run", "connect", "the proxy http://127.0.0.1:1 refuses", "HTTPS_PROXY in the environment",
       HTTPS_PROXY="http://127.0.0.1:1")
expect("a proxy that wants a login", "proxy", "407", "give the right user and password",
       "--proxy", os.environ["PROXY_LOGIN"])
expect("a proxy that refuses the login", "proxy", "refuses the user and password", "give the right user and password",
       "--proxy", os.environ["PROXY_LOGIN"], UMAPI_PROXY_USER="me", UMAPI_PROXY_PASSWORD="wr0ng-p4ss")
expect("a proxy that forbids the host", "proxy", "403", "to permit forbidden.example:443",
       "--proxy", os.environ["PROXY_OPEN"], UMAPI_AUTH_HOST="forbidden.example")
expect("a proxy that inspects", "tls", "CN=mitmproxy", "with the option ca_file",
       "--proxy", os.environ["PROXY_INSPECTS"])
expect("an unknown CA", "tls", "umapi-sandbox throw-away CA", "add your company's CA", "--ca", os.environ["TLS_CA"],
       UMAPI_CA_FILE="")
for server, message, remedy in (
    ("TLS_EXPIRED", "has expired on Sat, 01 Feb 2020", "check this machine's clock"),
    ("TLS_FUTURE", "is not valid before Wed, 01 Jan 2048", "check this machine's clock"),
    ("TLS_WRONG_NAME", "is for intranet.example", "check the host in the endpoint"),
    ("TLS_SELF_SIGNED", "is self-signed", "give the host a certificate of a CA"),
    ("TLS_1_1", "does not support TLS 1.2 or later", "must be brought up to date"),
):
    expect(server, "tls", message, remedy, "--ca", os.environ["TLS_CA"], UMAPI_AUTH_HOST=os.environ[server])

# The routes through proxies.
login = os.environ["PROXY_LOGIN"].replace("//", f"//{os.environ['PROXY_USER']}:{os.environ['PROXY_PASSWORD']}@")
expect("a login in HTTPS_PROXY", None, None, None, HTTPS_PROXY=login)
expect("a login beside --proxy", None, None, None, "--proxy", os.environ["PROXY_LOGIN"],
       UMAPI_PROXY_USER=os.environ["PROXY_USER"], UMAPI_PROXY_PASSWORD=os.environ["PROXY_PASSWORD"])
expect("SOCKS", None, None, None, "--proxy", "socks5h://" + os.environ["PROXY_SOCKS"])
expect("NO_PROXY", None, None, None, HTTPS_PROXY="http://127.0.0.1:1", NO_PROXY="127.0.0.1")
expect("--no-proxy", None, None, None, "--no-proxy", HTTPS_PROXY="http://127.0.0.1:1")
expect("the CA of a proxy that inspects", None, None, None, "--proxy", os.environ["PROXY_INSPECTS"],
       "--ca", os.environ["PROXY_INSPECTS_CA"])
expect("only one's own CA", None, None, None, "--only-ca", os.environ["UMAPI_CA_FILE"],
       UMAPI_CA_FILE="")


def readme_commands():
    """The command lines of the README, with its example hosts replaced by the local proxies."""
    root = pathlib.Path(__file__).resolve().parents[3]
    with open(root / "README.md", encoding="utf-8") as readme:
        section = readme.read().split("## Behind a corporate proxy\n")[1].split("\n## ")[0]
    block = section.split("```sh\n")[1].split("```")[0]
    host = {name: os.environ[f"PROXY_{name}"].split("//")[-1] for name in ("OPEN", "LOGIN", "SOCKS", "INSPECTS")}
    user, password = os.environ["PROXY_USER"], os.environ["PROXY_PASSWORD"]
    for line in block.splitlines():
        if not line.startswith("#"):
            yield line, (
                line.replace("user:password@", f"{user}:{password}@")
                .replace("PROXY_USER=user", f"PROXY_USER={user}")
                .replace("PASSWORD=password", f"PASSWORD={password}")
                .replace("login.example.com:3128", host["LOGIN"])
                .replace("inspecting.example.com:3128", host["INSPECTS"])
                .replace("proxy.example.com:3128", host["OPEN"])
                .replace("socks.example.com:1080", host["SOCKS"])
                .replace("company-ca.pem", os.environ["PROXY_INSPECTS_CA"])
            )


with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    keys = ("org_id", "client_id", "client_secret", "endpoint", "auth_host", "ca_file")
    json.dump({key: os.environ["UMAPI_" + key.upper()] for key in keys}, file)
    file.flush()
    expect("a configuration file", None, None, None, "--config", file.name, UMAPI_CLIENT_ID="")

control("POST", "/reset")
commands = list(readme_commands())
assert len(commands) >= 10, commands
for shown, command in commands:
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    clean["PATH"] = os.path.dirname(os.path.abspath(PROGRAM)) + ":" + clean["PATH"]
    ran = subprocess.run(["sh", "-c", command], env=clean, capture_output=True, text=True, timeout=120)
    good = ran.returncode == 0 and "FAILED" not in ran.stdout and "failed" not in ran.stdout
    print(f"{'ok     ' if good else 'FAILED '} {shown}")
    if not good or ".example" in command.replace(".intranet.example", ""):
        failures += 1
        print(ran.stdout, ran.stderr)

# The token.
expect("a wrong secret", "token", "the credentials were refused", "compare the client id and the client secret",
       UMAPI_CLIENT_SECRET="wr0ng-p4ss")
expect("a token host that fails", "token", "503", "try again later", fault=status("token", 503))
expect("a token host that throttles", "token", "429", "wait 90 s", fault=status("token", 429, retry_after=90))
expect("a token host that is not one", "token", "token", "whether it is the token host that answers",
       fault={"endpoint": "token", "fault": {"garbage": {"kind": "html"}}})
expect("a token host that resets", "token", "connection", "a firewall",
       fault={"endpoint": "token", "fault": {"reset": {"at": "before_work"}}})

# The call.
# The documented answer is a 401 with an empty body.
expect("a wrong organisation", "call", "HTTP 401", "compare the organisation id",
       UMAPI_ORG_ID="OTHER@AdobeOrg")
expect("a call that is forbidden", "call", "403", "add the User Management API to the project", fault=status("user", 403))
expect("a call that is throttled", "call", "429", "wait 3244 s", fault=status("user", 429, retry_after=3244))
expect("a service that fails", "call", "500", "status.adobe.com", fault=status("user", 500))
expect("a gateway's page", "call", "502", "status.adobe.com", fault=status("user", 502, body="html"))
expect("no UMAPI at the endpoint", "call", "404", "check the endpoint", fault=status("user", 404, body="html"))
expect("garbage", "call", "the answer contains no user", "whether it is the service that answers",
       fault={"endpoint": "user", "fault": {"garbage": {"kind": "html"}}})
expect("a redirect to a login page", "call", "redirect", "whether it is the service that answers",
       fault={"endpoint": "user", "fault": {"redirect": {"to": "https://login.example/"}}})
expect("a connection that breaks", "call", "broke", "a firewall",
       fault={"endpoint": "user", "fault": {"reset": {"at": "before_work"}}})
expect("a service that does not answer", "call", "time of 2s", "give the check more time", "--timeout", "2",
       fault={"endpoint": "user", "fault": {"stall": {"at": "before_work"}}})

sys.exit(1 if failures else 0)
