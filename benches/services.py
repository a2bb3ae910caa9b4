"""The two services of the benchmark: a server with rendered pages, and the sandbox with its throttle."""

import contextlib
import json
import subprocess
import urllib.request

ORG_ID = "12345ABCDE@AdobeOrg"


class Program:
    """A server that prints its addresses in one line of JSON, and ends when its standard input is closed."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.info = json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


def request_json(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data=data, method=method), timeout=30) as answer:
        return json.load(answer)


class RenderedPages:
    """One server for all runs. The counts of a run are the differences of the server's counters."""

    def __init__(self, program, users, page_size=2000, latency_ms=0):
        self.server = Program(program, users, page_size, latency_ms)

    def close(self):
        self.server.close()

    @contextlib.contextmanager
    def ready(self):
        before = self.counters()
        yield self
        after = self.counters()
        self.requests, self.throttled = after["requests"] - before["requests"], 0
        self.action_bytes = after["action_bytes"] - before["action_bytes"]

    def counters(self):
        return request_json("GET", self.server.info["address"] + "/counters")

    def environment(self):
        address = self.server.info["address"]
        return {
            "UMAPI_ENDPOINT": address + "/v2/usermanagement",
            "UMAPI_AUTH_HOST": address,
            "UMAPI_ORG_ID": ORG_ID,
            "UMAPI_CLIENT_ID": "an-id-to-measure-with",
            "UMAPI_CLIENT_SECRET": "a-secret-to-measure-with",
            "UMAPI_TOKEN": "a-token-to-measure-with",
        }


class Sandbox:
    """A new sandbox for each run, with a given limit on one endpoint."""

    def __init__(self, program, *options, endpoint, limit, window_ms):
        self.command = [program, "--exit-with-stdin", *options]
        self.limit = {"endpoint": endpoint, "limit": {"requests": limit, "window_ms": window_ms}}
        self.action_bytes = None

    @contextlib.contextmanager
    def ready(self):
        self.server = Program(*self.command)
        try:
            # The limit of all clients together is that of a minute, which the scaled windows would run into.
            of_all_clients = {"endpoint": self.limit["endpoint"], "of": "application", "limit": None}
            for limit in (self.limit, of_all_clients):
                request_json("POST", self.server.info["control"] + "/limits", limit)
            yield self
            answers = request_json("GET", self.server.info["control"] + "/counters")["answers"][self.limit["endpoint"]]
            self.requests, self.throttled = sum(answers.values()), answers.get("429", 0)
        finally:
            self.server.close()

    def environment(self):
        info = self.server.info
        return {
            "UMAPI_ENDPOINT": info["endpoint"],
            "UMAPI_AUTH_HOST": info["auth_url"],
            "UMAPI_ORG_ID": info["org_id"],
            "UMAPI_CLIENT_ID": info["client_id"],
            "UMAPI_CLIENT_SECRET": info["client_secret"],
            "UMAPI_TOKEN": request_json("POST", info["control"] + "/tokens")["token"],
        }
