import json

from django.core.management.base import BaseCommand

from campaigns.models import Unit
from reports.indicators import BY_CODE, WHY_NAMES, as_json
from reports.management.commands._units import find_campaign, find_unit
from reports.queries import figures
from reports.queries.panels import text_of
from reports.snapshot import snapshot


class Command(BaseCommand):
    help = "打印一个单位和下一级单位的全部指标，和看板、报表上的一样。"

    def add_arguments(self, parser):
        parser.add_argument("--campaign", required=True, help="冬训名称，或 主办单位代码/名称")
        parser.add_argument("--organization", help="党组织代码，默认主办单位")
        parser.add_argument("--json", action="store_true", help="只打印一个JSON对象")

    def handle(self, *args, **options):
        unit = find_unit(find_campaign(options["campaign"]), options["organization"])
        with snapshot() as alias:
            table = figures.table(unit, using=alias)
            codes = dict(
                Unit.objects.using(alias)
                .filter(pk__in=[unit.pk, *(child.pk for child, _ in table.children)])
                .values_list("pk", "organization__code")
            )
        if options["json"]:
            lines = [node(codes[child.pk], child, values) for child, values in table.children]
            answer = node(codes[unit.pk], unit, table.values) | {"children": lines}
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        else:
            self.print_table(table)

    def print_table(self, table):
        self.stdout.write(f"{table.unit.name} {table.unit.campaign.label}")
        for code, value in table.values.items():
            if isinstance(value, dict):
                value = "，".join(f"{WHY_NAMES[why]} {n}" for why, n in value.items() if n) or "—"
            else:
                value = text_of(value)
            self.stdout.write(f"  {code:<11}{BY_CODE[code].name}：{value}")
        for child, values in table.children:
            rates = [f"{BY_CODE[code].name} {values[code].text}" for code in ("RATE_DUE", "ATT_RATE")]
            self.stdout.write(f"  {child.name}：{'，'.join(rates)}")


def node(code, unit, values):
    return {"organization": code, "name": unit.name, "indicators": as_json(values)}
