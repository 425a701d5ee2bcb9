import json

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from organizations.service import Refused
from reports.demo import load


class Command(BaseCommand):
    help = (
        "装入演示数据：虚构的区、党组织、党员和两期冬训。人名、证件号、电话均为虚构，"
        "如与真人同名，纯属巧合。只装入空的数据库；已装好的，再运行只显示账号。"
    )

    def add_arguments(self, parser):
        parser.add_argument("--members", type=int, default=10_000, help="党员人数，默认10000")
        parser.add_argument("--seed", type=int, default=2026, help="同一个数得到同样的数据")
        parser.add_argument("--json", action="store_true", help="只打印一个JSON对象")

    def handle(self, *args, members, seed, **options):
        if not load.FEWEST <= members <= 5_000_000 or not 0 <= seed < 10**6:
            raise CommandError("党员人数要在20到5000000之间，种子要在0到999999之间。", returncode=2)
        try:
            demo = load.loaded()
            if demo is None:
                demo = load.Demo(members, seed, load.today())
                load.load(demo=demo, say=lambda text: self.stderr.write(text))
            elif (demo.members, demo.seed) != (members, seed):
                self.stderr.write(f"已装好的是{demo.members}名党员、种子{demo.seed}的演示数据，没有改动。")
        except Refused as refusal:
            raise CommandError(refusal.message, returncode=2) from refusal
        path = load.write_accounts(demo)
        self.report(load.describe(demo), path, as_json=options["json"])

    def report(self, answer: dict, path, as_json: bool):
        if as_json:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            return
        self.stdout.write("演示数据已就绪。所有人名、证件号、电话均为虚构。")
        for label in answer["campaigns"]:
            self.stdout.write(f"  {label}")
        self.stdout.write("演示账号（登录页上也有）：")
        for account in json.loads(path.read_text("utf-8")):
            where = f"{account['role']}，{account['organization']}"
            self.stdout.write(f"  {account['username']:<12} {account['password']}  {where}")
