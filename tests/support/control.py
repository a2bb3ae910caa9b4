"""Controls the sandbox that with-sandbox.sh started: adds a fault rule, or posts to any path of its control API.

    python3 tests/support/control.py '{"endpoint": ...}'
    python3 tests/support/control.py /settings '{"client_id": ...}'
"""

import os
import sys
import urllib.request

path, body = ["/faults", *sys.argv[1:]][-2:]
urllib.request.urlopen(urllib.request.Request(os.environ["UMAPI_SANDBOX_CONTROL"] + path, body.encode(), method="POST"))
