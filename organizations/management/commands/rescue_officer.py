"""A new first password for an officer of the top organization, who has no level above to ask."""

from django.core.management.base import BaseCommand, CommandError

from organizations.service import Refused
from organizations.services.account_care import rescue_officer


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *args, username, **options):
        try:
            slip = rescue_officer(username=username)
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(f"账号：{slip.user.username}（主管，{slip.user.name}），手机验证码下次登录重新设。")
        self.stdout.write(f"初始密码：{slip.password}   只显示这一次，登录后要换。")
