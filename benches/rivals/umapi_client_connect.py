"""Adobe's own client for the service that the environment names."""

import datetime
import os

from umapi_client import Connection, OAuthS2S


def connect():
    # It asks for tokens over https alone; the server is plain. So it is given one, and spared that request.
    auth = OAuthS2S(os.environ["UMAPI_CLIENT_ID"], os.environ["UMAPI_CLIENT_SECRET"])
    auth.token = os.environ["UMAPI_TOKEN"]
    auth.expiry = datetime.datetime.now() + datetime.timedelta(hours=1)
    return Connection(org_id=os.environ["UMAPI_ORG_ID"], auth=auth, endpoint=os.environ["UMAPI_ENDPOINT"])
