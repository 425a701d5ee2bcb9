"""Somebody at a page: logged in, one request at a time, each answered by a status or by nothing."""

import http.client
import json
import uuid
from urllib.parse import urlencode

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from organizations.models import User

TOKEN = "d" * 32
TIMEOUT = 60
# A server that died, or dies before its answer was read whole: nothing was acknowledged.
NO_ANSWER = (OSError, http.client.HTTPException)


class Browser:
    def __init__(self, port: int, user: User):
        self.port, self.session = port, logged_in(user)

    def get(self, path: str) -> tuple[int, str]:
        status, _, body = self._ask("GET", path)
        return status, body.decode()

    def post_json(self, path: str, data: object) -> tuple[int, dict]:
        status, place, body = self._ask("POST", path, json.dumps(data).encode(), "application/json")
        return status, json.loads(body) if status == 200 else {"place": place, "body": body.decode()[:500]}

    def post(self, path: str, **fields: object) -> tuple[int, str]:
        """Status and where it sends us."""
        kind = "application/x-www-form-urlencoded"
        status, place, _ = self._ask("POST", path, urlencode(fields).encode(), kind)
        return status, place

    def upload(self, path: str, name: str, content: bytes, **fields: object) -> tuple[int, str]:
        edge = uuid.uuid4().hex
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}' for k, v in fields.items()
        ]
        parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n')
        body = "\r\n".join(parts).encode() + content + f"\r\n--{edge}--\r\n".encode()
        status, place, _ = self._ask("POST", path, body, f"multipart/form-data; boundary={edge}")
        return status, place

    def _ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, str, bytes]:
        headers = {"Cookie": f"sessionid={self.session}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN}
        if kind:
            headers["Content-Type"] = kind
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            line.request(method, path, body or None, headers)
            answer = line.getresponse()
            return answer.status, answer.headers.get("Location", ""), answer.read()
        finally:
            line.close()


def logged_in(user: User) -> str:
    """The key of a session as a login leaves it."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "organizations.backends.AccountBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return store.session_key
