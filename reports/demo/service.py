"""办实事: what members did for residents. Finished last winter; open, overdue and done in this one."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from campaigns.models import Campaign, ServiceEvent, ServiceTask, Unit
from reports.demo import bulk
from reports.demo.tree import Branch, Tree

TASK = [
    "id",
    "campaign_id",
    "unit_id",
    "kind",
    "title",
    "detail",
    "beneficiary",
    "owner_id",
    "deadline",
    "state",
    "result",
    "resolved_on",
    "confirmed_by",
    "created_at",
]
EVENT = ["task_id", "kind", "text", "by_id", "at"]
# (kind, title, how it was found, what was done)
MATTERS = [
    ("PROBLEM", "路灯不亮", "晚上出门看不见路，老人怕摔。", "换好灯泡和线路，已全部亮起。"),
    ("PROBLEM", "排水沟堵塞", "一下雨就积水，院子进水。", "组织党员清淤，水已排通。"),
    ("PROBLEM", "进村路面坑洼", "收农产品的车不愿进来。", "铺好石子并压实，报修项目已列入计划。"),
    ("PROBLEM", "自来水压力不足", "做饭时间水龙头没水。", "水务所换了加压泵，用水正常。"),
    ("PROBLEM", "邻里宅基地纠纷", "两家为一堵墙争了两年。", "请老党员一起调解，双方签了协议。"),
    ("PROBLEM", "垃圾清运不及时", "垃圾桶满了没人拉。", "改为一天一清，张贴了电话。"),
    ("PROBLEM", "小区没有充电棚", "飞线充电不安全。", "新建充电棚12个车位。"),
    ("DEED", "蔬菜大棚种植指导", "几户想种草莓，没人教。", "请技术员上门三次，苗已成活。"),
    ("DEED", "老年活动室取暖", "冬天活动室太冷。", "装了空调，天天开门。"),
    ("DEED", "代办医保缴费", "老人不会用手机缴费。", "党员上门代办，全部缴清。"),
    ("DEED", "介绍就近就业", "家里有老人走不开，想在附近上班。", "推荐到园区企业，已上岗。"),
    ("DEED", "义务写春联送平安", "节前群众想要春联。", "写好送到家中。"),
    ("HARDSHIP", "困难户过冬棉被煤电", "家中取暖困难。", "送去棉被和取暖补助。"),
    ("HARDSHIP", "独居老人日常照看", "子女在外，生病没人知道。", "安排党员每天探望，结成对子。"),
    ("HARDSHIP", "困难学生学习用品", "孩子上学缺用品。", "送去书包文具，联系助学金。"),
    ("HARDSHIP", "残疾人申请补贴", "不清楚政策和手续。", "代办手续，补贴已到账。"),
]


class ServiceTasks:
    def __init__(self, tree: Tree, seed: int, today: date):
        self.tree, self.today = tree, today
        self.dice = Random(f"{seed}:service")  # noqa: S311
        self.branches = [branch for district in tree.districts for branch in district.branches if branch.size]
        self.next_id = 1
        self.events: list[tuple] = []

    def store(self, campaign: Campaign, many: int, authors: dict[int, int], over: bool) -> None:
        """`authors`: the organizer's account of each township."""
        units = dict(Unit.objects.filter(campaign=campaign).values_list("organization_id", "pk"))
        bulk.write(ServiceTask, TASK, self.rows(campaign, many, units, authors, over))
        bulk.write(ServiceEvent, EVENT, self.events)
        bulk.reset_sequences(ServiceTask)
        self.events = []

    def rows(
        self, campaign: Campaign, many: int, units: dict[int, int], authors: dict[int, int], over: bool
    ) -> Iterator[tuple]:
        last = (campaign.ends_on if over else self.today - timedelta(days=1)) - timedelta(
            days=25 if over else 0
        )
        for _ in range(many):
            branch = self.dice.choice(self.branches)
            opened = campaign.starts_on + timedelta(
                days=self.dice.randrange(3, (last - campaign.starts_on).days)
            )
            deadline = opened + timedelta(days=self.dice.choice([10, 15, 30]))
            took = self.dice.randint(2, 24)
            resolved = opened + timedelta(days=took)
            done = over or (resolved < self.today and self.dice.random() < 0.8)
            yield self.task(
                campaign, units[branch.node.pk], branch, authors, opened, deadline, resolved if done else None
            )

    def task(
        self,
        campaign: Campaign,
        unit: int,
        branch: Branch,
        authors: dict[int, int],
        opened: date,
        deadline: date,
        resolved: date | None,
    ) -> tuple:
        kind, title, detail, result = self.dice.choice(MATTERS)
        confirmed = bool(resolved) and self.dice.random() < 0.7
        pk, by = self.next_id, authors[branch.township.node.pk]
        self.next_id += 1
        begun = bulk.moment(opened, 9, self.dice.randrange(60))
        self.events.append((pk, "OPENED", "", by, begun))
        if self.dice.random() < 0.3:
            looked = opened + timedelta(days=1)
            self.events.append((pk, "NOTED", "已上门了解情况。", by, bulk.moment(looked, 15)))
        if resolved:
            self.events.append((pk, "RESOLVED", result, by, bulk.moment(resolved, 16)))
        if confirmed:
            self.events.append((pk, "CONFIRMED", "本人确认满意。", by, bulk.moment(resolved, 17)))
        state = "CONFIRMED" if confirmed else "RESOLVED" if resolved else "OPEN"
        return (
            pk,
            campaign.pk,
            unit,
            kind,
            title,
            detail,
            f"{branch.node.place}群众",
            self.dice.choice(branch.members),
            deadline.isoformat(),
            state,
            result if resolved else "",
            resolved.isoformat() if resolved else None,
            "服务对象本人" if confirmed else "",
            begun,
        )
