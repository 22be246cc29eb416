"""The words of the invented county: its offices, permits and syllables. Nothing here names a real body or person.

Guarantees: every code has right check digits and lies in the region 990101, which does not exist; the one exception is
the approval office, which has a synthetic code of the standard's own shape.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.identifiers import organisation_check_char, uscc_check_char

AREA = "990101"
COUNTY = "示范县"


def uscc(prefix: str, organisation8: str) -> str:
    """A USCC of the invented region with both check characters right."""
    body = f"{prefix}{AREA}{organisation8}{organisation_check_char(organisation8)}"
    return body + uscc_check_char(body)


@dataclass(frozen=True, slots=True)
class Office:
    """An approving body of the county."""

    name: str
    code: str


APPROVAL_OFFICE = Office(f"{COUNTY}行政审批服务局", "11370100MB00000194")
_MARKET = Office(f"{COUNTY}市场监督管理局", uscc("11", "MB000002"))
_HEALTH = Office(f"{COUNTY}卫生健康局", uscc("11", "MB000003"))
_FOREST = Office(f"{COUNTY}林业局", uscc("11", "MB000004"))
_SAFETY = Office(f"{COUNTY}应急管理局", uscc("11", "MB000005"))
_TRANSPORT = Office(f"{COUNTY}交通运输局", uscc("11", "MB000006"))
_HOUSING = Office(f"{COUNTY}住房和城乡建设局", uscc("11", "MB000007"))
_FARMING = Office(f"{COUNTY}农业农村局", uscc("11", "MB000008"))
OFFICES = (APPROVAL_OFFICE, _MARKET, _HEALTH, _FOREST, _SAFETY, _TRANSPORT, _HOUSING, _FARMING)


@dataclass(frozen=True, slots=True)
class Permit:
    """One kind of permit; `holders` are party kinds, `years` 0 means 长期 and less than one a fraction."""

    item: str
    licence: str
    word: str  # in the decision number
    prefix: str  # of the licence number
    kind: str
    office: Office
    holders: tuple[str, ...]
    years: float
    contents: tuple[str, ...]


PERMITS = (
    Permit(
        "食品经营许可",
        "食品经营许可证",
        "食许",
        "JY3",
        "普通",
        APPROVAL_OFFICE,
        ("legal", "individual", "individual"),
        5,
        ("热食类食品制售；预包装食品销售", "散装食品销售（含冷藏冷冻食品）", "自制饮品制售"),
    ),
    Permit(
        "药品经营许可",
        "药品经营许可证",
        "药许",
        "DA",
        "普通",
        _MARKET,
        ("legal",),
        5,
        ("零售：中成药、化学药制剂、抗生素制剂", "零售：中药饮片、中成药"),
    ),
    Permit(
        "公共场所卫生许可",
        "公共场所卫生许可证",
        "卫许",
        "WG",
        "普通",
        _HEALTH,
        ("legal", "individual"),
        4,
        ("理发店、美容店", "宾馆，客房 36 间", "游泳场所"),
    ),
    Permit(
        "建筑工程施工许可",
        "建筑工程施工许可证",
        "建许",
        "SG",
        "核准",
        _HOUSING,
        ("legal",),
        2,
        ("综合楼工程，建筑面积 4800 ㎡", "标准厂房二期，建筑面积 12600 ㎡"),
    ),
    Permit(
        "林木采伐许可",
        "林木采伐许可证",
        "林许",
        "LM",
        "普通",
        _FOREST,
        ("natural", "natural", "legal"),
        0.25,
        ("采伐自留山杉木，蓄积 3 立方米", "抚育采伐马尾松，蓄积 12 立方米"),
    ),
    Permit(
        "烟花爆竹经营（零售）许可",
        "烟花爆竹经营（零售）许可证",
        "应急许",
        "YHLS",
        "普通",
        _SAFETY,
        ("individual", "natural"),
        1,
        ("零售：C 级、D 级，存放不超过 40 箱",),
    ),
    Permit(
        "道路运输经营许可",
        "道路运输经营许可证",
        "交许",
        "JT",
        "普通",
        _TRANSPORT,
        ("legal", "individual"),
        4,
        ("道路普通货物运输", "道路旅客运输站经营"),
    ),
    Permit(
        "取水许可",
        "取水许可证",
        "水许",
        "QS",
        "普通",
        APPROVAL_OFFICE,
        ("legal",),
        5,
        ("年取水量 3.6 万立方米，地下水",),
    ),
    Permit(
        "动物防疫条件审查",
        "动物防疫条件合格证",
        "农许",
        "DF",
        "认可",
        _FARMING,
        ("legal", "individual"),
        0,
        ("生猪养殖，年出栏 800 头", "家禽屠宰加工"),
    ),
    Permit(
        "民办非学历教育机构设立",
        "民办学校办学许可证",
        "教许",
        "JX",
        "特许",
        APPROVAL_OFFICE,
        ("legal",),
        3,
        ("青少年艺术培训",),
    ),
    Permit(
        "户外广告设施登记",
        "户外广告登记证",
        "广登",
        "GG",
        "登记",
        APPROVAL_OFFICE,
        ("legal", "individual"),
        2,
        ("门头招牌一处，12 ㎡",),
    ),
    Permit(
        "医疗机构执业登记备案",
        "医疗机构执业许可证",
        "医许",
        "YL",
        "其他（备案）",
        _HEALTH,
        ("legal", "individual"),
        5,
        ("诊所：全科医疗科",),
    ),
)
SYLLABLES = (
    "青禾",
    "云岭",
    "晴川",
    "松溪",
    "白塔",
    "栖霞",
    "望舒",
    "朗月",
    "澄江",
    "远帆",
    "瑞禾",
    "沐风",
    "竹隐",
    "星野",
    "石桥",
    "墨林",
    "清泉",
    "丰谷",
    "和畅",
    "长亭",
    "雁来",
    "知秋",
    "百草",
    "金穗",
    "银杏",
    "柳岸",
    "梅坞",
    "榆荫",
    "橙乡",
    "泊舟",
    "听雨",
    "暖阳",
)
TRADES = ("饮食", "商贸", "医药", "建设工程", "运输", "农业科技", "文化传播", "水务", "教育咨询", "酒店管理")
SHOPS = ("小吃店", "便利店", "理发店", "早餐铺", "副食店", "粮油店", "货运站", "招待所")
STREETS = ("样例街道", "演示镇", "试点乡", "模拟路")
SURNAMES = "甲乙丙丁戊己庚辛壬癸"
