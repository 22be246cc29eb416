"""Addresses of HTTP systems as administrators write them: judged before anything is done with them."""

from __future__ import annotations

import httpx

from connectors.errors import Misconfigured


def read_address(written: str) -> httpx.URL:
    """An http(s) address without user, password or fragment. Raises Misconfigured."""
    try:
        url = httpx.URL(written.strip())
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise Misconfigured(f"“{written[:200]}”不是有效的网址，应形如 https://主机/路径。") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise Misconfigured(f"“{written[:200]}”不是有效的网址，应以 http:// 或 https:// 开头并写明主机。")
    if not 0 < port_of(url) < 65_536:
        raise Misconfigured(f"“{written[:200]}”的端口不在 1 到 65535 之间。")
    if url.userinfo:
        raise Misconfigured("网址中不能写用户名和密码，请填在“登录方式”中。")
    return url.copy_with(fragment=None)


def port_of(url: httpx.URL) -> int:
    """The port, written or meant."""
    return (443 if url.scheme == "https" else 80) if url.port is None else url.port
