"""Evidence that a connector on the hub's machine brings: into the object store, by the same use case as over REST."""

from __future__ import annotations

from typing import IO, Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.department.adapters.port import NotYet
from hub.errors import HubError, Rejected
from schemas.drafts.unfit import Unfit
from storage.intake.evidence import bring
from storage.intake.finish import Intake


class IntoStore:
    """One department's."""

    def __init__(self, engine: Engine, intake: Intake | None, department: str) -> None:
        self._engine, self._intake, self._department = engine, intake, department

    def bring(self, file: IO[bytes], name: str, sha256: str) -> dict[str, Any]:
        """Looked at, scanned, sealed and stored."""
        if self._intake is None:
            raise NotYet("连接器主机没有配置文件存储，请在中心的设置中填写对象存储")
        try:
            kept = bring(
                self._engine,
                self._intake,
                file,
                department=self._department,
                name=name,
                sha256=bytes.fromhex(sha256),
                by=f"department:{self._department}",
            )
        except Rejected as error:
            raise Unfit(f"佐证文件 {name}：{error}") from error
        except HubError as error:  # the store is away, or there is no room just now
            raise NotYet(error.message) from error
        except SQLAlchemyError as error:
            raise NotYet(f"数据库暂时不可用：{type(error).__name__}") from error
        return {"sha256": sha256, "name": kept.name, "size": kept.size, "media_type": kept.media_type}
