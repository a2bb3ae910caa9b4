"""Writes an RSA key pair for the tests, in the forms that keys come in: pkcs1.pem, pkcs8.pem, public.pem."""

import pathlib
import sys

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

place = pathlib.Path(sys.argv[1])
place.mkdir(parents=True, exist_ok=True)
for prefix in ("", "other-"):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for name, shape in [("pkcs1", form.PrivateFormat.TraditionalOpenSSL), ("pkcs8", form.PrivateFormat.PKCS8)]:
        pem = key.private_bytes(form.Encoding.PEM, shape, form.NoEncryption())
        (place / f"{prefix}{name}.pem").write_bytes(pem)
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    (place / f"{prefix}public.pem").write_bytes(public)
