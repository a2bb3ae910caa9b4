"""A connection of Adobe's client to the service that the environment names."""

import datetime
import os

from umapi_client import Connection, OAuthS2S


def connect():
    # The client requests tokens only by https, and the server is plain. Therefore it gets a token, and saves that request.
    auth = OAuthS2S(os.environ["UMAPI_CLIENT_ID"], os.environ["UMAPI_CLIENT_SECRET"])
    auth.token = os.environ["UMAPI_TOKEN"]
    auth.expiry = datetime.datetime.now() + datetime.timedelta(hours=1)
    return Connection(org_id=os.environ["UMAPI_ORG_ID"], auth=auth, endpoint=os.environ["UMAPI_ENDPOINT"])
