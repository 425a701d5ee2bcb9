"""The first account of an installation: the top organization and its officer, with a first password."""

import re

from django.core.management.base import BaseCommand, CommandError

from organizations.models import OrganizationKind
from organizations.service import Refused
from organizations.services.accounts import open_first_account
from organizations.services.organizations import create_root


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--code", required=True, help="code of the top organization, e.g. 320706")
        parser.add_argument("--organization", required=True, help="its name, e.g. 海州区委")
        kinds = [OrganizationKind.COMMITTEE.value, OrganizationKind.WORK_COMMITTEE.value]
        parser.add_argument("--kind", choices=kinds, default=kinds[0])
        parser.add_argument("--name", required=True, help="who will use the account")
        parser.add_argument("--username", default="officer", help="small letters and digits")

    def handle(self, *args, code, organization, kind, name, username, **options):
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{2,49}", username):
            raise CommandError("账号只能用小写字母、数字和 . _ -，至少 3 个字符。")
        try:
            root = create_root(code=code, name=organization, kind=kind)
            slip = open_first_account(organization=root, username=username, name=name)
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(f"党组织：{root.name}（{root.code}）")
        self.stdout.write(f"账号：{slip.user.username}（主管，{slip.user.name}）")
        self.stdout.write(f"初始密码：{slip.password}   只显示这一次，第一次登录要换。")
