from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0006_given_names_behind_double_surnames")]

    operations = [
        migrations.AlterField(
            model_name="importbatch",
            name="state",
            field=models.CharField(
                choices=[
                    ("CHECKING", "正在检查"),
                    ("REFUSED", "读不出来"),
                    ("CHECKED", "已检查，还没存"),
                    ("PARTIAL", "存了一部分"),
                    ("STORED", "已存进系统"),
                    ("UNDONE", "已撤销"),
                    ("DROPPED", "没存，已过期"),
                ],
                default="CHECKED",
                max_length=8,
                verbose_name="状态",
            ),
        ),
    ]
