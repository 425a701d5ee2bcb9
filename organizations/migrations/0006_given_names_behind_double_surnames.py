from django.db import migrations, models
from django.db.models.functions import StrIndex, Substr
from django.db.models.lookups import GreaterThan

DOUBLE_SURNAMES = (
    "欧阳 司马 诸葛 上官 夏侯 尉迟 皇甫 公孙 慕容 令狐 宇文 长孙 东方 司徒 端木 独孤 南宫 轩辕 百里 呼延 "
    "澹台 单于 万俟 闻人 申屠 太史 淳于 钟离 濮阳 赫连 公冶 公羊 宗政 鲜于 闾丘 司空 亓官 仲孙 梁丘 左丘"
)
INDEXES = {"given_name": "member_by_given_name", "given_initials": "member_by_given_initials"}
SOURCES = {"given_name": "name", "given_initials": "initials"}


def generated(column):
    head = models.Func("name", function="SUBSTR", template="%(function)s(%(expressions)s,1,2)")
    is_double = GreaterThan(StrIndex(models.Value(DOUBLE_SURNAMES), head), 0)
    return models.GeneratedField(
        expression=models.Case(models.When(is_double, then=Substr(column, 3)), default=Substr(column, 2)),
        output_field=models.CharField(max_length=50),
        db_persist=True,
    )


class Migration(migrations.Migration):
    """A generated column cannot be changed, only made again; its index goes and comes with it."""

    dependencies = [("organizations", "0005_fill_the_end_of_phone_numbers")]

    operations = [
        operation
        for field, name in INDEXES.items()
        for operation in (
            migrations.RemoveIndex("member", name),
            migrations.RemoveField("member", field),
            migrations.AddField("member", field, generated(SOURCES[field])),
            migrations.AddIndex(
                "member", models.Index(fields=[field], name=name, opclasses=["varchar_pattern_ops"])
            ),
        )
    ]
