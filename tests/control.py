"""Adds a fault rule to the sandbox that tests/with-sandbox.sh started."""

import os
import sys
import urllib.request

control = os.environ["UMAPI_SANDBOX_CONTROL"]
urllib.request.urlopen(urllib.request.Request(control + "/faults", sys.argv[1].encode(), method="POST"))
