"""Invented names. Combined by chance; whoever is called so in life is not meant.

Only characters with one common reading stand here, so that initials may be
read character by character.
"""

from functools import cache
from itertools import accumulate
from random import Random

from organizations.names import initials

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段钱汤尹黎易常武乔贺赖龚文"
)
# The first names of the list are the common ones: weight falls with the place.
WEIGHTS = list(accumulate(120 - place for place in range(len(SURNAMES))))

OLD_MEN = ("建志国文永德玉广春金学正兴宝成立明家少光", "国军强明华林平生祥福安东海清民才山良武义")
OLD_WOMEN = ("秀桂玉淑凤春兰月美爱素红翠金", "英兰珍芳华梅莲云琴霞香花娟玲")
YOUNG_MEN = ("子宇浩俊泽天博思晓文嘉明", "轩涵然航阳辰杰豪瑞宇远")
YOUNG_WOMEN = ("雨欣诗佳梦思若雅静晓", "涵怡琪萱悦婷妍雪琳彤")
SHORT_MEN, SHORT_WOMEN = "伟强磊军勇涛超鹏亮刚", "静敏丽娟艳霞婷洁燕玲"

TOWNSHIPS = (
    *(
        (name, "镇党委")
        for name in ["望潮镇", "听松镇", "锦禾镇", "石梁镇", "白鹭镇", "月河镇", "青穗镇", "双溪镇", "古槐镇"]
    ),
    *(
        (name, "街道党工委")
        for name in [
            "安澜街道",
            "文澜街道",
            "瑞和街道",
            "东篱街道",
            "西桥街道",
            "学府街道",
            "秋实街道",
            "春晖街道",
            "明德街道",
            "芳林街道",
            "临泉街道",
        ]
    ),
    *((name, "党工委") for name in ["启航经济开发区", "绿洲农业园区", "海风旅游度假区"]),
    ("区级机关", "党工委"),
)
CITIES = [
    "云帆",
    "映山",
    "澄江",
    "鹿鸣",
    "长汀湖",
    "锦屏湖",
    "朔风",
    "碧岩",
    "雁来",
    "金沙湾",
    "桃源湖",
    "银杏",
]
DISTRICTS = ["海州", "临波", "望岳", "芦荡", "花溪", "霞光", "梧桐", "松涛", "荷塘", "晨星"]

VILLAGE_FIRST = "东西南北前后上下大小新古双柳桃杏梅竹荷稻麦桑榆松石沙青白红金"
VILLAGE_LAST = "湾河桥塘沟坡岗林园圩墩井荡泉岭洲"
COMPANIES = [
    "瑞丰",
    "恒越",
    "海川",
    "鼎新",
    "华茂",
    "盛禾",
    "远帆",
    "晨光",
    "天润",
    "博远",
    "众合",
    "金穗",
    "蓝港",
    "同心",
    "泰和",
    "宏图",
]
TRADES = ["机械", "食品", "纺织", "物流", "建材", "电子", "农业", "新材料", "环保", "文旅"]
OFFICES = [
    "区委办",
    "区政府办",
    "组织部",
    "宣传部",
    "统战部",
    "政法委",
    "发改局",
    "教育局",
    "科技局",
    "工信局",
    "民政局",
    "司法局",
    "财政局",
    "人社局",
    "住建局",
    "交通局",
    "水利局",
    "农业农村局",
    "商务局",
    "文旅局",
    "卫健局",
    "应急局",
    "审计局",
    "市场监管局",
    "统计局",
    "城管局",
    "信访局",
    "医保局",
]
AWAY = [
    "苏州工业园区",
    "上海浦东",
    "南京江宁",
    "杭州滨江",
    "宁波北仑",
    "无锡新吴",
    "常州武进",
    "青岛黄岛",
    "深圳宝安",
    "昆山",
]


def person(dice: Random, is_man: bool, age: int) -> str:
    surname = dice.choices(SURNAMES, cum_weights=WEIGHTS)[0]
    if 30 <= age < 60 and dice.random() < 0.3:
        return surname + dice.choice(SHORT_MEN if is_man else SHORT_WOMEN)
    old = age >= 45
    first, last = (OLD_MEN if old else YOUNG_MEN) if is_man else (OLD_WOMEN if old else YOUNG_WOMEN)
    return surname + dice.choice(first) + dice.choice(last)


@cache
def _letter(character: str) -> str:
    return initials(character)


def initials_of(name: str) -> str:
    """As `organizations.names.initials`, read once per character instead of once per person."""
    return "".join(map(_letter, name))


def villages(dice: Random, many: int) -> list[str]:
    """Different place names, e.g. 柳河; numbered when a township needs more than there are."""
    every = [first + last for first in VILLAGE_FIRST for last in VILLAGE_LAST]
    chosen = dice.sample(every, min(many, len(every)))
    return chosen + [f"{chosen[n % len(chosen)]}{n // len(chosen) + 1}组" for n in range(len(chosen), many)]


def companies(dice: Random, many: int) -> list[str]:
    every = [name + trade for name in COMPANIES for trade in TRADES]
    chosen = dice.sample(every, min(many, len(every)))
    return chosen + [f"{chosen[n % len(chosen)]}{n // len(chosen) + 1}厂" for n in range(len(chosen), many)]


def offices(many: int) -> list[str]:
    return [
        OFFICES[n % len(OFFICES)] + ("" if n < len(OFFICES) else f"第{n // len(OFFICES) + 1}")
        for n in range(many)
    ]
