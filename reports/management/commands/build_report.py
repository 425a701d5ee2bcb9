from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from reports.management.commands._units import find_campaign, find_unit
from reports.services import reports


class Command(BaseCommand):
    help = "生成一个单位的冬训情况统计表，和网页上申请的是同一份。"

    def add_arguments(self, parser):
        parser.add_argument("--campaign", required=True, help="冬训名称，或 主办单位代码/名称")
        parser.add_argument("--organization", required=True, help="党组织代码")
        parser.add_argument("--output", required=True, help="存到哪个文件（.xlsx）")

    def handle(self, *args, **options):
        unit = find_unit(find_campaign(options["campaign"]), options["organization"])
        content = reports.build_report(unit, exporter="系统")
        try:
            Path(options["output"]).write_bytes(content)
        except OSError as error:
            raise CommandError(f"写不进“{options['output']}”：{error.strerror}", returncode=2) from error
        self.stdout.write(f"已生成：{options['output']}（{len(content)} 字节）")
