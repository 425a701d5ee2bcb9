import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from organizations.imports.preflight import FileRefused
from organizations.models import ImportBatch, Organization
from organizations.service import Refused
from organizations.services.imports import check_roster, store_batch

STORED_OR_CLEAN, HAS_ERRORS, REFUSED = 0, 1, 2


class Command(BaseCommand):
    help = "Import a roster (.xlsx, .xls, .csv) into an organization's branches; the page's own code path."

    def add_arguments(self, parser):
        parser.add_argument("file")
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--dry-run", action="store_true", help="check only, store nothing")
        parser.add_argument("--partial", action="store_true", help="store the rows without errors")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args, **options):
        report = empty_report(options["file"])
        try:
            content = read_file(Path(options["file"]))
            organization = find_organization(options["organization"])
            batch = check_roster(
                actor=None,
                organization=organization,
                file_name=Path(options["file"]).name,
                content=content,
            )
            report |= import_batch(batch, dry_run=options["dry_run"], partial=options["partial"])
            status = HAS_ERRORS if batch.verdict["counts"]["error_rows"] else STORED_OR_CLEAN
        except Refused as refusal:
            report["errors"] = [{"row": None, "column": "", "code": refusal.code, "message": refusal.message}]
            status = REFUSED
        self.stdout.write(json.dumps(report, ensure_ascii=False) if options["json"] else in_words(report))
        if status:
            raise SystemExit(status)


def empty_report(name: str) -> dict:
    counts = dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0)
    return (
        {"file": name, "header_row": None}
        | counts
        | {"errors": [], "warnings": [], "stored": False, "batch": None}
    )


def read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(settings.ROSTER_MAX_BYTES + 1)
    except OSError:
        raise FileRefused("读不到这个文件，请核对路径。", "NO_FILE") from None


def find_organization(code: str) -> Organization:
    organization = Organization.objects.filter(code=code).first()
    if organization is None:
        raise Refused(f"没有代码为 {code} 的党组织。", "NO_ORGANIZATION")
    return organization


def import_batch(batch: ImportBatch, *, dry_run: bool, partial: bool) -> dict:
    """What was stored; for a dry run, what would be."""
    counts = batch.verdict["counts"]
    report = {name: counts[name] for name in ("created", "updated", "unchanged")}
    report |= {"skipped": counts["skipped"] + counts["error_rows"]}
    report |= {name: [fields_of(one) for one in batch.verdict[name]] for name in ("errors", "warnings")}
    report |= {"header_row": batch.header_row, "stored": False, "batch": batch.pk}
    if dry_run:
        return report
    if counts["error_rows"] and not partial:
        not_stored = counts["created"] + counts["updated"]
        return report | {"created": 0, "updated": 0, "skipped": report["skipped"] + not_stored}
    result = store_batch(actor=None, batch=batch, partial=partial)
    return report | {k: result[k] for k in ("created", "updated", "unchanged", "skipped")} | {"stored": True}


def fields_of(finding: dict) -> dict:
    """What programs were promised; whose line it is stands on the page only."""
    return {name: finding[name] for name in ("row", "column", "code", "message")}


def in_words(report: dict) -> str:
    lines = [
        f"{report['file']}：{'已存进系统' if report['stored'] else '没有存'}。"
        f"新增 {report['created']}，更新 {report['updated']}，"
        f"不变 {report['unchanged']}，跳过 {report['skipped']}。"
    ]
    for kind, name in (("错误", "errors"), ("提醒", "warnings")):
        lines += [
            f"{kind} 第 {f['row'] or '—'} 行 {f['column']}：{f['message']}（{f['code']}）"
            for f in report[name]
        ]
    return "\n".join(lines)
