"""The designer's own words, for its scripts, which have no gettext; and what it offers to choose from."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from hub.licensing.types.formats_of import BUILT_INS, FORMATS_OF
from hub.licensing.types.layout import KIND_TITLES

WORDS = {
    "text": _("文字"),
    "field": _("字段"),
    "image": _("图片"),
    "qr": _("二维码"),
    "seal": _("印章"),
    "line": _("线"),
    "rect": _("矩形"),
    "border": _("边框"),
    "newText": _("双击修改文字"),
    "placed": _("已放置"),
    "dragHint": _("拖到版面上，或按回车放到版面中间"),
    "hasFault": _("有问题"),
    "at": _("{name}：左 {x}，上 {y}，宽 {w}，高 {h} 毫米"),
    "many": _("选中 {n} 个元素"),
    "added": _("已添加 {name}"),
    "removedThings": _("已删除 {n} 个元素"),
    "copied": _("已复制 {n} 个元素"),
    "pasted": _("已粘贴 {n} 个元素"),
    "undone": _("已撤销"),
    "redone": _("已重做"),
    "layer_front": _("已移到最上层"),
    "layer_back": _("已移到最下层"),
    "layer_up": _("已上移一层"),
    "layer_down": _("已下移一层"),
    "content": _("内容"),
    "source": _("显示什么"),
    "choose": _("请选择"),
    "format": _("格式"),
    "usual": _("通常格式"),
    "prefix": _("前面的字"),
    "suffix": _("后面的字"),
    "letters": _("字"),
    "size": _("字号（磅）"),
    "smallest": _("最小字号（磅）"),
    "color": _("颜色"),
    "bold": _("加粗"),
    "align": _("水平对齐"),
    "left": _("左对齐"),
    "center": _("居中"),
    "right": _("右对齐"),
    "justify": _("两端对齐"),
    "valign": _("垂直对齐"),
    "top": _("靠上"),
    "middle": _("垂直居中"),
    "bottom": _("靠下"),
    "overflow": _("放不下时"),
    "refuse": _("不签发，提示缩短"),
    "shrink": _("缩小字号"),
    "leading": _("行距（倍）"),
    "spacing": _("字距（倍）"),
    "upload": _("上传图片"),
    "uploading": _("正在上传"),
    "uploaded": _("已上传 {name}"),
    "noPicture": _("不用图片"),
    "drawnSeal": _("按颁发机构名称绘制"),
    "sealPicture": _("印章图片"),
    "sealHint": _("电子签名落在印章的位置。不选图片时，按颁发机构名称绘制圆形印章。"),
    "qrHint": _("签发时自动生成，扫码打开公开核验页。边长至少 12 毫米。"),
    "lineGroup": _("线条"),
    "look": _("外观"),
    "borderStyle": _("边框样式"),
    "single": _("单线"),
    "double": _("双线"),
    "ornate": _("花纹"),
    "stroke": _("线宽（毫米）"),
    "place": _("位置和大小（毫米）"),
    "side_x": _("左"),
    "side_y": _("上"),
    "side_w": _("宽"),
    "side_h": _("高"),
    "duplicate": _("复制一份"),
    "remove": _("删除"),
    "page": _("页面"),
    "pageSize": _("纸张"),
    "custom": _("自定义"),
    "page_A4": _("A4 竖向"),
    "page_A4L": _("A4 横向"),
    "page_A3": _("A3 竖向"),
    "page_A3L": _("A3 横向"),
    "page_A5": _("A5 竖向"),
    "page_A5L": _("A5 横向"),
    "page_CARD": _("卡片 85.6×54"),
    "width": _("宽（毫米）"),
    "height": _("高（毫米）"),
    "paper": _("纸色"),
    "background": _("背景图"),
    "startFrom": _("从模板开始"),
    "emptyPage": _("版面还是空的。从下面的模板开始，或从左边拖入字段。"),
    "replaceLayout": _("用模板替换现在的版面？可以用撤销恢复。"),
    "started": _("已按模板排好，可以继续调整"),
    "keys": _("键盘操作"),
    "issuer": _("示范颁发机关"),
    "drawing": _("正在绘制样张"),
    "sampleGood": _("样张可以签发"),
    "sampleEmpty": _("版面还是空的"),
    "sampleFailed": _("样张没有画出来"),
    "faultsFound": _("有 {n} 处问题"),
    "offline": _("没有连上服务器。修改还在本页，稍后会再试。"),
}
STARTS = {
    "portrait": (_("竖版许可证"), _("A4 竖向，正中标题，逐行字段")),
    "landscape": (_("横版证书"), _("A4 横向，两栏，花纹边框")),
    "card": (_("卡片"), _("85.6×54 毫米，随身携带")),
}
KEYS = (
    ("← ↑ → ↓", _("移动 0.5 毫米；加 Shift 移动 5 毫米")),
    ("Shift", _("点选多个；拖动时保持方向或比例")),
    ("Alt", _("拖动时不吸附")),
    ("Ctrl+Z / Ctrl+Y", _("撤销 / 重做")),
    ("Ctrl+C / Ctrl+V / Ctrl+D", _("复制 / 粘贴 / 复制一份")),
    ("Ctrl+A", _("全选")),
    ("Delete", _("删除")),
    ("[ / ]", _("下移 / 上移一层")),
    ("Enter", _("到属性")),
    ("Ctrl++ / Ctrl+- / Ctrl+0", _("放大 / 缩小 / 整页")),
)
PRESETS = {"": _("通常"), "long": _("长内容"), "rare": _("生僻字")}


def hub_texts() -> set[str]:
    """Texts of the hub that reach gettext through here."""
    return {title for title, _type in BUILT_INS.values()} | set(KIND_TITLES.values())


def design_options() -> dict[str, Any]:
    """What the scripts are given, beside the type's own pictures."""
    return {
        "words": {key: str(text) for key, text in WORDS.items()},
        "builtins": [[source, gettext(title), kind] for source, (title, kind) in BUILT_INS.items()],
        "formats": {kind: dict(formats) for kind, formats in FORMATS_OF.items()},
        "starts": [[key, str(title), str(note)] for key, (title, note) in STARTS.items()],
        "keys": [[key, str(what)] for key, what in KEYS],
    }
