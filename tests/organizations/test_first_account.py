"""An empty installation: nobody is there yet."""

import re

import pytest
from django.core.management import CommandError, call_command

from organizations.models import User

pytestmark = pytest.mark.django_db


def test_create_officer_opens_the_first_account_once(capsys):
    options = {"code": "320706", "organization": "海州区委", "name": "陈主管"}
    call_command("create_officer", **options)
    password = re.search(r"[a-z]{4}-\d{4}-[a-z]{4}", capsys.readouterr().out)[0]
    assert User.objects.get(username="officer").check_password(password)
    with pytest.raises(CommandError, match="已经有账号"):
        call_command("create_officer", **options)
