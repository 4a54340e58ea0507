#!/usr/bin/env python3
"""Verifies one request: WEBHOOK_SECRET=... verify.py scalr|standard HEADERS_FILE BODY_FILE

Exit code 0: valid, 1: refused, 2: wrong usage. WEBHOOK_TOLERANCE is in seconds: 300 unless set, 0 takes any time.
In a server call verify() with the bytes of the body as they came, before anything parses them.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import sys
import time
from datetime import datetime


class Refused(Exception):
    pass


def the_only(headers, name):
    """The value of a header that must be there exactly once; headers is a list of (name, value)."""
    values = [value.strip(" \t") for key, value in headers if key.lower() == name]
    if len(values) != 1:
        raise Refused(f"{name} is not there exactly once")
    return values[0]


def check_scalr(secret, headers, body):
    """Checks Date and X-Signature; returns when the request was sent, in seconds."""
    date = the_only(headers, "date")
    signature = the_only(headers, "x-signature")
    # Body and date are signed without anything between them: only this exact form tells where the date begins.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+0000", date):
        raise Refused("the date is malformed")
    try:
        sent = datetime.strptime(date, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except ValueError:
        raise Refused("there is no such date") from None
    expected = hmac.new(secret.encode(), body + date.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Refused("the signature does not fit")
    return sent


def check_standard(secret, headers, body):
    """Checks the three webhook-* headers; returns when the request was sent, in seconds."""
    message_id = the_only(headers, "webhook-id")
    timestamp = the_only(headers, "webhook-timestamp")
    signatures = the_only(headers, "webhook-signature")
    if not message_id or "." in message_id:
        raise Refused("the id is malformed")
    if not re.fullmatch(r"[1-9][0-9]{0,10}", timestamp):
        raise Refused("the timestamp is malformed")
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret[len("whsec_") :], validate=True)
        except binascii.Error:
            key = b""
    if not key:
        raise Refused("the secret is not whsec_ and base64")
    message = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest())
    fits = [hmac.compare_digest(expected, entry.encode()) for entry in signatures.split(" ")]
    if not any(fits):
        raise Refused("no signature fits")
    return int(timestamp)


def verify(scheme, secret, headers, body, tolerance=300):
    """Raises Refused unless `body` (bytes) and `headers` come from whoever holds the secret, and just now."""
    if not secret:
        raise Refused("there is no secret")
    check = {"scalr": check_scalr, "standard": check_standard}[scheme]
    age = time.time() - check(secret, headers, body)
    if tolerance > 0 and abs(age) > tolerance:
        raise Refused(f"sent {age:.0f} seconds ago")


def main():
    secret = os.environ.get("WEBHOOK_SECRET", "")
    if len(sys.argv) != 4 or sys.argv[1] not in ("scalr", "standard") or not secret:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[2], encoding="latin-1", newline="") as file:
        lines = file.read().replace("\r\n", "\n").split("\n")
    headers = [tuple(line.split(":", 1)) for line in lines if ":" in line]
    with open(sys.argv[3], "rb") as file:
        body = file.read()
    try:
        verify(sys.argv[1], secret, headers, body, int(os.environ.get("WEBHOOK_TOLERANCE", "300")))
    except Refused as reason:
        print(f"refused: {reason}", file=sys.stderr)
        return 1
    print("valid")
    return 0


if __name__ == "__main__":
    sys.exit(main())
