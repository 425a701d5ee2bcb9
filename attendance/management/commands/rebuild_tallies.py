import sys

from django.core.management.base import BaseCommand

from attendance.services.recount import differences, rebuild
from campaigns.models import Campaign


class Command(BaseCommand):
    help = "重算所有统计数；--check 只核对，不一致时列出并以 1 退出。"

    def add_arguments(self, parser):
        parser.add_argument("--check", action="store_true", help="只核对，不改动")

    def handle(self, *args, check, **options):
        campaigns = Campaign.objects.order_by("pk")
        if not check:
            for campaign in campaigns:
                self.stdout.write(f"{campaign}：重算了{rebuild(campaign=campaign)}个支部")
            return
        lines = [line for campaign in campaigns for line in differences(campaign=campaign)]
        lines += [f"{c}：改过参训标准或专题，等待重算" for c in campaigns if c.recount_due_at]
        for line in lines:
            self.stdout.write(line)
        if lines:
            sys.exit(1)
        self.stdout.write("全部一致")
