"""Starts the sandbox and talks to its control API."""

import json
import os
import subprocess
import urllib.request


class Sandbox:
    """A running sandbox. It ends with this process at the latest, since it watches its standard input."""

    def __init__(self, *options):
        program = os.environ["UMAPI_SANDBOX"]
        self.process = subprocess.Popen(
            [program, "--exit-with-stdin", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.info = json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.info["control"] + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def user(self, email):
        users = self.control("GET", "/state")["users"]
        return next((user for user in users if user["email"].lower() == email.lower()), None)

    def group(self, name):
        groups = self.control("GET", "/state")["groups"]
        return next((group for group in groups if group["groupName"] == name), None)
