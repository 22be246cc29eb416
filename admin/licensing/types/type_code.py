"""What can be said of a licence type's code while it is typed: GB/T 36904 wants the definer's USCC and three digits."""

from __future__ import annotations

from flask_babel import gettext

from hub.identifiers import uscc_fault

LENGTH, DEFINER = 21, 18


def code_remarks(code: str) -> list[tuple[str, str]]:
    """Remarks and their tones; nothing for nothing. Only 21 characters can be issued here, others can be registered."""
    code = code.strip()
    if not code:
        return []
    if len(code) != LENGTH or not (code.isascii() and code.isalnum() and code == code.upper()):
        said = gettext(
            "现为 %(n)s 位；GB/T 36904 为 21 位数字和大写字母。可以登记和共享，不能在本系统签发", n=len(code)
        )
        return [(said, "warn")]
    remarks = [(gettext("21 位，可以签发"), "good")]
    if uscc_fault(code[:DEFINER]):
        remarks.append((gettext("前 18 位不是有效的统一社会信用代码，请核对"), "warn"))
    if not code[DEFINER:].isdigit():
        remarks.append((gettext("后 3 位一般是数字顺序码"), "warn"))
    return remarks
