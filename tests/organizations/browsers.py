"""Several people at several computers, for the price of one test client.

A `Client` of its own reads all middleware and static files anew: a third of a second for each.
"""

from http.cookies import SimpleCookie

from django.http import HttpResponse
from django.test import Client

from organizations.devices import Device, keep_device
from tests.base import PASSWORD


class Browser:
    """One browser: its cookies. It opened the login page before, as everybody has to, and got its device."""

    client = Client()

    def __init__(self, device: bool = True):
        self.cookies = SimpleCookie()
        if device:
            page = HttpResponse()
            keep_device(page, Device())
            self.cookies.update(page.cookies)

    def ask(self, method, *args, **kwargs):
        self.client.cookies = self.cookies
        return getattr(self.client, method)(*args, **kwargs)

    def get(self, *args, **kwargs):
        return self.ask("get", *args, **kwargs)

    def post(self, *args, **kwargs):
        return self.ask("post", *args, **kwargs)

    def log_in(self, username, password=PASSWORD, address="/login/", **more):
        return self.post(address, {"username": username, "password": password} | more)

    @property
    def session(self):
        self.client.cookies = self.cookies
        return self.client.session
