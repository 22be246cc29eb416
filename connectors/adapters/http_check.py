"""The layers of a check that HTTP has above TLS: sign-in, permission, shape; nothing is changed over there.

Asks with GET where a page or a test path is known, else with OPTIONS, which says whether anybody is at home and little more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import httpx

from connectors.adapters.http_address import read_address
from connectors.adapters.http_answer import is_page, page_title
from connectors.adapters.http_door import Ask, HttpDoor, Said
from connectors.adapters.http_poll import Paging, Place
from connectors.adapters.http_sign_in import NotSignedIn, SignIn
from connectors.adapters.outside import Outside
from connectors.adapters.port import Step
from connectors.adapters.reachable import Watch, reach
from connectors.errors import AdapterUnavailable, Misconfigured

_SIGN_IN_ADVICE = "请核对登录方式、账号和密钥；密钥可能已过期或被对方停用。"
_PERMISSION_ADVICE = "登录成功但权限不够：请对方为我们的账号开通这个接口，或把本机地址加入其白名单。"
_METHODS = (404, 405, 501)


class Checking:
    """One run of a check."""

    def __init__(
        self,
        door: HttpDoor,
        outside: Outside,
        request: Callable[[Ask], Said],
        sign_in: SignIn,
        hushed: Callable[[str], str],
    ) -> None:
        self._door = door
        self._outside = outside
        self._request = request
        self._sign_in = sign_in
        self._hushed = hushed

    def list_page(self, paging: Paging, limit: int) -> Iterator[Step]:
        """As collecting begins: one page, read and counted."""
        watch, said = yield from self._answered(Ask("GET", str(paging.ask(Place())), _ACCEPT, limit=limit))
        if said is None:
            return
        if said.status >= 400:
            yield self._bad_status(watch, said)
            return
        try:
            listed = paging.read(said, Place(), 50).records
        except AdapterUnavailable as error:
            advice = "请核对路径和“列表所在字段”，并请对方提供接口文档中的答复样例。"
            yield watch.step("shape", False, self._hushed(error.message), advice)
            return
        words = f"对方给出了列表，读到 {len(listed)} 条。" if listed else "对方给出了列表，目前没有记录。"
        yield watch.step("shape", True, words)

    def test_path(self, url: httpx.URL, *, agreed: bool) -> Iterator[Step]:
        """The path that the other side named for tests; without one, whether the delivery path is there."""
        watch, said = yield from self._answered(Ask("GET" if agreed else "OPTIONS", str(url), _ACCEPT))
        if said is None:
            return
        if not agreed and (said.status < 400 or said.status in _METHODS):
            # Nothing more can be known without delivering something: many systems answer 404 to what is not POST.
            advice = "填写“测试路径”后可以确认得更准；送出是否被接受，请用沙箱试送。"
            yield watch.step("shape", True, f"对方的 HTTP 服务有应答（{said.status}）。", advice)
        elif said.status >= 400:
            yield self._bad_status(watch, said)
        elif is_page(said):
            advice = "地址多半指向了登录页或门户，请向对方索取接口地址。"
            words = f"对方答复的是网页，不是接口：{page_title(said)}。"
            yield watch.step("shape", False, self._hushed(words), advice)
        else:
            yield watch.step("shape", True, f"测试路径答复 {said.status}。")

    def _answered(self, ask: Ask) -> Generator[Step, None, tuple[Watch, Said | None]]:
        """Every layer up to the permission; None where one of them failed and was said."""
        if not (yield from reach(self._door.target(httpx.URL(ask.url)), self._outside)):
            return Watch(), None
        watch = Watch()
        try:
            if self._sign_in.renews:
                token = self._door.target(read_address(self._sign_in.token_address))
                if not (yield from self._only_faults(reach(token, self._outside))):
                    return watch, None
            self._sign_in.forget()
            said = self._request(ask)
        except Misconfigured as error:
            yield watch.step("sign_in", False, self._hushed(error.message), _SIGN_IN_ADVICE)
            return watch, None
        except NotSignedIn as error:
            yield watch.step("sign_in", False, self._hushed(error.message), _SIGN_IN_ADVICE)
            return watch, None
        except AdapterUnavailable as error:
            advice = "请对方查看其系统，或在“最长等待”中放宽时间后再试。"
            yield watch.step("sign_in", False, self._hushed(error.message), advice, error.__cause__ or "")
            return watch, None
        if 300 <= said.status < 400 or said.status in (401, 407):
            yield self._not_signed_in(watch, said)
            return watch, None
        yield watch.step("sign_in", True, "对方接受我们的登录。" if self._sign_in.shows else "不需要登录。")
        if said.status == 403:
            detail = self._hushed(said.excerpt())
            yield watch.step(
                "permission", False, "对方不允许我们使用这个接口（答复 403）。", _PERMISSION_ADVICE, detail
            )
            return watch, None
        yield watch.step("permission", True, "对方允许我们使用这个接口。")
        return watch, said

    def _only_faults(self, steps: Generator[Step, None, bool]) -> Generator[Step, None, bool]:
        """The token service is a part of signing in: only what fails there is said, as that."""
        for step in steps:
            if not step.ok:
                words = f"令牌服务：{step.words}"
                yield Step("sign_in", False, words, step.advice, step.took_ms, step.detail)
                return False
        return True

    def _not_signed_in(self, watch: Watch, said: Said) -> Step:
        detail = self._hushed(said.excerpt())
        if said.status < 400:
            target = said.headers.get("location", "").partition("?")[0][:200]
            words = f"对方要求转到 {target or '别处'}（答复 {said.status}），多半是登录页或已经换了地址。"
            return watch.step(
                "sign_in", False, words, "请把地址改为最终的接口地址；连接器不跟随转向。", detail
            )
        words = f"对方不接受我们的登录信息（答复 {said.status}）。"
        return watch.step("sign_in", False, words, _SIGN_IN_ADVICE, detail)

    def _bad_status(self, watch: Watch, said: Said) -> Step:
        advice = {
            404: "请核对路径，注意大小写和末尾的斜杠。",
            405: "请核对路径；这个地址不接受 GET。",
        }.get(said.status, "请把这一步的答复内容发给对方的系统管理员。")
        words = f"对方答复 {said.status}，不是正常的结果。"
        return watch.step("shape", False, words, advice, self._hushed(said.excerpt()))


_ACCEPT = {"Accept": "application/json"}
