"""The words people write into WeChat about a class, and what each of them says. No Django here."""
# ruff: noqa: E501  A word list reads best with one meaning to a line.

import re
import unicodedata

HAN = "\u3007\u3400-\u9fff\U00020000-\U0003ffff"

# What a word says: (kind, status, reason). Kinds: a figure, the status of somebody, why somebody did not come,
# everybody, the rest, "except" and its end. First match wins, so the longer words stand first.
_LATER = r"(?:会议|冬训|培训|学习|会|场|课|训)?(?:的)?(?:党员|同志)?(?:人员|名单|人数|者)?"
_CAME = r"(?:到齐|到位|到会|到场|到课|到了|在场|参加|参训|参会|出席|来了|签到|到|来)(?:会议|冬训|培训|学习)?(?:了|完)?"
# Possessive: a text that repeats such words for ever is still read in one go.
_HOW = r"(?:都|也|已经?|全部?|均|按时|准时|正常)*+"
_WHO = r"(?:的)?(?:\d{1,4}[人名位个])?(?:的)?(?:党员|同志们|同志|人员|人)?"
_NOT = r"(?:没有|未能|没能|不能|未|没|不)(?:按时|来)?"

WORDS = [
    ("zero", "absent", "", r"(?:无人?|没有?人?)(?:无故)?(?:缺席|缺勤|缺课|旷课)(?:的)?(?:人员|人)?"),
    ("zero", "leave", "", r"(?:无人|没人|没有人?|无)请假的(?:人员|人)?|(?:无人|没人|没有人|无)请假(?:人员|的)?"),
    ("status", "absent", "UNKNOWN", r"(?:未|没有?)请假(?:也)?(?:未到|没到|没来|缺席)?|无故(?:缺席|缺勤|未到|没来|没到|不到|旷课|缺课)"),
    ("rest", "absent", "", rf"(?:其余|其他|其它|剩下|剩余|余下){_WHO}(?:都|全部?|均)*+(?:{_NOT}(?:到会|到|来|参加)|缺席)"),
    ("rest", "present", "", rf"(?:其余|其他|其它|剩下|剩余|余下|余者|另外|别的){_WHO}{_HOW}{_CAME}"),
    ("all", "present", "", r"[一1]个(?:都|也)?(?:不|没)[少落缺]|[全满]勤|无(?:一)?人?缺席"),
    ("all", "present", "", rf"(?:全体|全部|全员|所有){_WHO}{_HOW}{_CAME}|(?:都|全|均)(?:部)?(?:已经|已)?(?:按时|准时)?{_CAME}"),
    ("status", "absent", "", rf"{_NOT}(?:到会|到场|到课|参加|参训|参会|出席|签到|来|到)(?:的)?{_LATER}"),
    ("status", "absent", "", rf"(?:缺席|缺勤|缺课|旷课|旷会|缺训){_LATER}|缺(?=\s*[:\d])"),
    ("figure", "expected", "", rf"应(?:该)?(?:到|参加|参训|出席|参会|来|训){_LATER}|(?:党员)?总(?:人)?数|在册(?:党员)?(?=\s*:?\s*\d)|应(?=\s*\d)"),
    ("figure", "expected", "", r"(?:全体|现有|共有|共|有)(?:正式)?党员(?=\s*\d)|党员(?=\s*\d)"),
    ("figure", "came", "", rf"(?:实际|实|已)(?:到|参加|参训|出席|参会|来|训){_LATER}|实(?=\s*\d)"),
    ("late", "late", "", r"迟到(?:了)?(?:的)?(?:人员)?|晚到(?:了)?|来[晚迟](?:了)?|到晚了?"),
    ("late", "left_early", "", r"早退(?:了)?(?:的)?(?:人员)?|提前(?:\d+分钟?)?(?:走|离场|离开|离会|退场)(?:了)?|先走(?:了)?|中途(?:离场|离开|走)(?:了)?"),
    ("status", "online", "", rf"(?:线上|网上|视频|远程|腾讯会议|云端|直播)(?:参加|参训|学习|参会|收看|听课|签到)?{_LATER}"),
    ("status", "elsewhere", "", r"(?:异地|在?流入地|随流入地(?:支部)?|在外地)(?:参训|参加|参会)(?:学习)?"),
    ("reason", "leave", "ILL", r"病假|(?:因|有)病(?:在家|住院|请假)?|(?:在|正在)?(?:生病|住院|卧床|养病|就医)(?:中|了)?|外出(?:看病|就医)|(?:身体|身子)(?:不适|不好|欠佳|原因|不舒服)"),
    ("reason", "leave", "ILL", r"感冒|发烧|发热|看病|手术|病了|患病|腿[疼痛]|腰[疼痛]|去医院|挂水"),
    ("reason", "leave", "DUTY", r"公假|公差|因公(?:出差|外出)?|出公差|出差|公务(?:外出)?|值班|上班|开会|加班|工作(?:原因|忙)|单位有事|执勤"),
    ("reason", "leave", "AWAY", rf"外出(?:务工|打工|经商|学习)?(?:人员)?|在外(?:地|省|市)?(?:务工|打工|经商|工作)?|在[{HAN}]{{2,3}}(?:务工|打工|工作|带孩子)|务工(?:人员)?|打工"),
    ("reason", "leave", "AWAY", r"流动(?:党员)?(?:在外)?|外地|出门|不在家|出远门"),
    ("reason", "leave", "PRIVATE", r"事假|(?:家中|家里|家|有)?有?(?:急事|私事|家事)|(?:家中|家里|因|临时)?有?事(?:情)?(?=$|[\s,;。、)|!]|请假)|因事|产假|婚假|丧假|奔丧"),
    ("reason", "leave", "PRIVATE", rf"(?:照顾|照看|陪护?)[{HAN}]{{0,5}}|[接送]+(?:孩子|孙子|小孩|学生)|带(?:孩子|孙子|小孩)|走亲戚|喝喜酒|个人原因|农忙"),
    ("status", "leave", "", r"(?:已)?请(?:了)?(?:个)?假(?:的)?(?:党员|同志)?(?:人员|名单|人数|者)?|告假|请了?(?=[病事公产婚丧]假)"),
    ("came", "present", "", rf"(?:到会|到场|到课|参会|参训|参加|出席|签到|已到|来了|到了){_LATER}|[到来](?=\s*\d)"),
    ("except", "", "", r"除(?:去|了)?(?![夕夜]|外\s*[,都全均其。]|外\s*$)"),
    ("except_end", "absent", "UNKNOWN", r"以外|之外|除外|外(?=\s*[,，]|其|剩|余|都|全|均|大家|所有)"),
]  # fmt: skip
WORD = re.compile("|".join(f"(?P<w{number}>{pattern})" for number, (*_, pattern) in enumerate(WORDS)))
# One character says it where it stands alone behind a name.
SINGLE = {
    "病": ("reason", "leave", "ILL"),
    "事": ("reason", "leave", "PRIVATE"),
    "公": ("reason", "leave", "DUTY"),
    "外": ("reason", "leave", "AWAY"),
    "假": ("status", "leave", ""),
    "缺": ("status", "absent", ""),
    "到": ("came", "present", ""),
    "来": ("came", "present", ""),
    "迟": ("late", "late", ""),
    "退": ("late", "left_early", ""),
}
# A word of a reason that may begin a list of names by itself: "病假：张三".
LEADING = re.compile(
    r"病假|事假|公假|产假|婚假|丧假|外出|在外|务工|打工|流动|出差|住院|因病|因事|因公|生病|值班|[病事公外]$"
)

SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
    "杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷"
    "施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费"
    "纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米"
    "池滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都"
    "巩稽井练仲乐虞卞封竺冼原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙薄伏岑习胥保和蔺水云昌凤酆茅利从"
) - set("来和应都时保原从商明全水位成向官")
COMPOUND = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "司徒",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "端木",
    "夏侯",
    "长孙",
)

# Said around names, never part of one.
NOISE = frozenset(
    re.findall(
        r"\S+",
        """收到 谢谢 辛苦 辛苦了 各位 领导 书记 您好 你好 汇报 报告 如下 汇报如下 情况
        情况如下 今天 今日 今晚 昨天 上午 下午 晚上 冬训 会议 人员 名单 同志 党员 分别
        分别是 分别为 合计 总计 其中 另外 另有 还有 以及 包括 分别有 统计 人数 到会情况
        参会情况 参训情况 姓名 序号 签到 备注 原因 无 没有 支部 党支部 村部 会议室 培训
        学习 开始 结束 具体 具体如下 名字 接龙 情况汇报 本次 这次 现场 目前 截止 截至 特此
        此致 报送 上报 请查收 请审阅 大家 人 名 个 位 共 计 和 及 与 等 是 为 有 了
        的 因 由于 本人 年 月 日 日期 时间 地点 主题 内容 主讲 主讲人 记录 记录人 主持人
        签到表 参训 参加 汇总 已全部 半天 一天 今早 好的 好 嗯 是的 收到了 请回复 请知悉 请 阅""",
    )
)
NONE = frozenset(("无", "没有", "零", "暂无"))
IS_NOISE = re.compile(f"(?:{'|'.join(sorted(NOISE, key=len, reverse=True))})++")
# Behind a name, what cannot be part of it: 李四因孩子, 王五在家.
BEHIND = re.compile(
    rf"(?:丈夫|爱人|妻子|老婆|老公|孩子|儿子|女儿|父亲|母亲|家人|家属|老人|因为|由于|因|在|家|去|今|昨|正|说|现|还|要|得|需)[{HAN}]{{0,8}}"
)
LEAD = re.compile(
    r"^(?:其中|另外|另有|还有|分别是|分别为|分别|包括|以及|人员|名单|同志|预备党员|老党员|流动党员|党员|支部书记|村书记|书记|副书记|主任|支委|委员"
    r"|组长|会计|因为|因|由于|今天|今日|本次|这次|只有|就|仅|的|为|是|有|等|及|和|与|人|名|位|个|共|了|们|同|名叫|叫|村民|退休)"
)
TAIL = re.compile(
    r"(?:同志们?|老书记|副书记|书记|主任|支书|村长|会计|老师|支委|委员|组长|党员|医生|师傅|大爷|大妈|等人|等|两人|二人|三人|几人|几个|因为|因|由于"
    r"|今天|正在|目前|也|已|均|都|皆|还|在|去|人|说|家|的|为|名|了|是|有|和)$"
)
EVERY = re.compile(r"(?:均|都|皆|全|两人|二人|三人|\d人)(?:是|为|因)?$")

_TRADITIONAL = str.maketrans(
    "應實到請遲參訓東風黨員總數餘體齊來沒無視頻線網務經會議場課張陳劉趙黃楊吳孫馬鄭謝許鄧韓馮蔣蘇葉呂魯龍錢",
    "应实到请迟参训东风党员总数余体齐来没无视频线网务经会议场课张陈刘赵黄杨吴孙马郑谢许邓韩冯蒋苏叶吕鲁龙钱",
)
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("√✓✔✅☑◯○●⭕🆗", " 到 "),
        **dict.fromkeys("×✗✘❌❎✖╳", " 缺 "),
        **dict.fromkeys("，﹐﹑､", ","),
        **dict.fromkeys("；", ";"),
        **dict.fromkeys("：﹕︰∶", ":"),
        **dict.fromkeys("「『【〔〖《“‘[［{｛(（", "("),
        **dict.fromkeys("」』】〕〗》”’]］}｝)）", ")"),
        **dict.fromkeys("①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽", "、"),
        **dict.fromkeys("·•‧・∙⋅", "·"),
        **dict.fromkeys("—–-~～…_=+*＊", " "),
        **dict.fromkeys("@＠", " "),
        **dict.fromkeys("／/\\｜|", "、"),
        "．": ".",
        "＃": "#",
    }
)
_KEYCAP = re.compile("[0-9]\ufe0f?\u20e3")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}")
_WHEN = re.compile(
    r"\d{2,4}年|\d{1,2}月\d{1,2}[日号]?|\d{4}[.、]\d{1,2}[.、]\d{1,2}|\d{1,2}[.]\d{1,2}(?=\s|$)|(?:上午|下午|晚上|早上|晚)?\d{1,2}(?::\d{2}|[点时](?:半|\d{1,2}分?)?)(?!\d)"
    r"|\d+(?:\.\d+)?\s*%|第[一二三四五六七八九十\d]+[次期场讲课节](?:课|会议|冬训)?"
)
_NUMERAL = re.compile(
    r"(?:[一二三四五六七八九]?百零?)?(?:[一二三四五六七八九]?十)?[一二三四五六七八九]|(?:[一二三四五六七八九]?百)?[一二三四五六七八九]?十|[一二三四五六七八九]百|两|零"
)
_DIGITS = {**{sign: number for number, sign in enumerate("零一二三四五六七八九")}, "两": 2}
_BEFORE_NUMERAL = "到席假缺有共来加训余剩退勤会:, \n(为是者员工"
_SPACED = re.compile(rf"(?<![{HAN}·])[{HAN}](?:[ \t]+[{HAN}])+(?![{HAN}·])")
_CHAPTER = re.compile(r"\([一二三四五六七八九十]{1,3}\)|^[一二三四五六七八九十]{1,2}、", re.M)
_INDEX = re.compile(
    rf"(?:(?<=[\s、,;(])|^)\(?\d{{1,3}}[.、)]+\s*(?=[{HAN}])|^\s*\d{{1,3}}\s+(?=[{HAN}])", re.M
)


def plain(text: str, names: frozenset[str] = frozenset()) -> str:
    """The text with one sign for each meaning: figures and brackets narrow, no emoji, no numbering, no dates."""
    text = _DATE.sub(" ", text)
    text = _KEYCAP.sub("、", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    if not any(name in text for name in names if name != name.translate(_TRADITIONAL)):
        text = text.translate(_TRADITIONAL)
    text = "".join(sign for sign in text if sign in "\n\t#" or _is_kept(sign))
    text = _WHEN.sub(" ", text)
    text = _INDEX.sub("、", _CHAPTER.sub("、", text))
    if short := [name for name in names if len(name) in (2, 3)]:
        wide = "|".join(r"[ \t]+".join(name) for name in short)
        text = re.sub(rf"(?<![{HAN}])(?:{wide})", lambda found: "".join(found[0].split()), text)
    text = _SPACED.sub(lambda found: _closed_up(found[0], names), text)
    return _NUMERAL.sub(lambda found: _figure(found, names), text)


def _is_kept(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LNPZ"


def _closed_up(text: str, names: frozenset[str]) -> str:
    """张 三 → 张三; 张 三 李 四 → two names. Three alone are one name, unless two of them are known."""
    signs = text.split()
    if "".join(signs) in names or len(signs) in (2, 3):
        return "".join(signs)
    if len(signs) % 2:
        return "".join(signs)
    return " ".join(first + second for first, second in zip(signs[::2], signs[1::2], strict=True))


def _figure(found: re.Match[str], names: frozenset[str]) -> str:
    """三十九人 → 39人, but neither 李四 nor 王十一."""
    text, start, end = found.string, found.start(), found.end()
    before, after = text[start - 1 : start] or "\n", text[end : end + 1]
    is_count = after in ("人", "名", "位") or (after == "个" and text[end : end + 2] != "个人")
    is_figure = before in _BEFORE_NUMERAL or len(found[0]) > 1 or found[0] == "两"
    is_name = before + found[0] in names
    led = text[max(0, start - 2) : start]
    if (
        is_name
        or not is_figure
        or not (is_count or (led[-1:] in ("到", "假", "席") and not after.strip(",;。\n、 )(")))
    ):
        return found[0]
    return str(_value(found[0]))


def _value(text: str) -> int:
    total = unit = 0
    for sign in text:
        if sign in ("百", "十"):
            total += (unit or 1) * (100 if sign == "百" else 10)
            unit = 0
        else:
            unit = _DIGITS[sign]
    return total + unit


def is_likely_name(text: str) -> bool:
    """By its surname and length; rare surnames are names only where a list of names is expected."""
    if "·" in text:
        return 3 <= len(text) <= 20
    if text.startswith(COMPOUND):
        return 3 <= len(text) <= 4
    return 2 <= len(text) <= 3 and text[0] in SURNAMES
