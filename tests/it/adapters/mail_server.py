"""A real mail server for the tests: bare, with STARTTLS, and with TLS. What it takes it writes down, one line each.

Arguments: a folder, and three ports. The folder gets `ca.pem`, `dkim.pem`, `received.jsonl`, and, last, `ready`.
"""

import email
import email.policy
import json
import pathlib
import ssl
import sys
import threading

import dkim
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

folder = pathlib.Path(sys.argv[1])
ports = [int(port) for port in sys.argv[2:5]]

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pem = serialization.Encoding.PEM
(folder / "dkim.pem").write_bytes(
    key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
)
spki = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
record = b"v=DKIM1; k=rsa; p=" + b"".join(spki.splitlines()[1:-1])

authority = trustme.CA()
authority.cert_pem.write_to_path(str(folder / "ca.pem"))
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
authority.issue_cert("localhost").configure_cert(tls)


def dns(name, timeout=5):
    return record if name == b"mail._domainkey.sms.example." else None


def part(one):
    content = None
    if not one.is_multipart():
        content = one.get_content()
        if isinstance(content, bytes):
            content = content.hex()
    return [one.get_content_type(), one.get_filename(), content]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "secure": server.transport.get_extra_info("ssl_object") is not None,
            "dkim": dkim.verify(envelope.content, dnsfunc=dns),
            "subject": mail["subject"],
            "message_id": mail["message-id"],
            "reply_to": mail["reply-to"],
            "parts": [part(one) for one in mail.walk()],
        }
        with open(folder / "received.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        return "250 2.0.0 queued"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"user", b"pass word"))


class Wrapped(Controller):
    def factory(self):
        return SMTP(self.handler, authenticator=authenticate, auth_required=True, auth_require_tls=False)


controllers = [
    Controller(Handler(), hostname="127.0.0.1", port=ports[0]),
    Controller(
        Handler(),
        hostname="127.0.0.1",
        port=ports[1],
        tls_context=tls,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
    ),
    Wrapped(Handler(), hostname="127.0.0.1", port=ports[2], ssl_context=tls),
]
for controller in controllers:
    controller.start()
(folder / "ready").touch()
threading.Event().wait()
