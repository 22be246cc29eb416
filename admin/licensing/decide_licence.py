"""The licence that is issued with a decision: the type's fields on the decision's form, prefilled from the case's own form.

Guarantees: the licence says what the decision says - holder, days, document number - because it is made of the same form; it
is printed before the one transaction that decides, and written by it. A type that is not designed here, or an unticked box,
leaves the old way: a number typed in, no document.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, exists, select
from sqlalchemy.orm import aliased

from admin.decide_case import SHEET_WORDS, OpenedCase
from admin.licensing.issue_order import FIELD, Typed, finished, number_of, values_of
from admin.licensing.live_face import press
from admin.premises import here
from hub.case import Case
from hub.catalogue.licence_type import LicenceType
from hub.deciding.decided_case import DecidedCase, PartyFacts
from hub.errors import HubError
from hub.item import ServiceItem
from hub.licensing.issuing.check_order import check_holders
from hub.licensing.issuing.fill import Words
from hub.licensing.issuing.issue_licence import prepare
from hub.licensing.issuing.next_version import continue_order, read_old
from hub.licensing.issuing.order import Order, Prepared, Previous
from hub.licensing.licence import VALID, Licence
from hub.licensing.types.number_rule import parse_number_rule
from hub.licensing.types.published_type import PublishedType, published_licence_type
from hub.ports import Desk
from hub.reuse.case_field import CaseField
from hub.workday import LOCAL

LONG_TERM = "长期"
CONTINUED = ("renew", "change")  # what a decision may do to a licence that stands


@dataclass(frozen=True, slots=True)
class Designed:
    """The type that an item's licences are issued by, and what the case's form says for its fields."""

    type: PublishedType
    prefilled: Mapping[str, str] = field(default_factory=dict)  # for the page; persons' numbers are not in it
    standing: Sequence[
        Any
    ] = ()  # the party's licences of this type that a decision may continue: id, number, valid_to
    base: Order | None = None  # the one that is chosen, as its next version begins
    old: Previous | None = None
    kept: Mapping[str, str] = field(
        default_factory=dict
    )  # persons' numbers of the case, readable: not to be shown

    @property
    def counts(self) -> bool:
        """Whether its numbers are made by its rule."""
        return parse_number_rule(self.type.rules.number_rule).counts


def designed_for(
    tx: Connection, item_code: str, case_no: str | None, desk: Desk, previous: str = ""
) -> Designed | None:
    """What an item's licences are issued by; None where its type is not published here.

    `previous` is 'renew:…' or 'change:…' with the id of the licence that the case's decision continues.
    """
    if here().config.press is None or not item_code:
        return None
    query = (
        select(LicenceType.code)
        .join(ServiceItem, ServiceItem.licence_type_code == LicenceType.code)
        .where(ServiceItem.code == item_code, LicenceType.active, LicenceType.published_version.is_not(None))
    )
    code = tx.scalar(query)
    if code is None:
        return None
    found = Designed(published_licence_type(tx, code))
    if case_no is None:
        return found
    found = replace(found, standing=_standing(tx, code, case_no))
    chosen = next(
        (
            (one, operation)
            for one in found.standing
            for operation in CONTINUED
            if previous == f"{operation}:{one.id}"
        ),
        None,
    )
    if chosen is not None:
        licence, operation = chosen
        base = continue_order(tx, desk, licence.id, operation)
        found = _begun(replace(found, base=base, old=read_old(tx, licence.id).previous))
    return _with_case(tx, found, case_no, desk)


def _standing(tx: Connection, type_code: str, case_no: str) -> Sequence[Any]:
    later = aliased(Licence)
    query = (
        select(Licence.id, Licence.number, Licence.valid_to)
        .join(Case, Case.party_id == Licence.party_id)
        .where(
            Case.case_no == case_no,
            Licence.type_code == type_code,
            Licence.status == VALID,
            ~exists().where(later.previous_id == Licence.id),
        )
    )
    return tx.execute(query.order_by(Licence.issued_on.desc()).limit(5)).all()


def _begun(found: Designed) -> Designed:
    """The form begins as the licence stands."""
    assert found.base is not None
    personal = {one.name for one in found.type.fields if one.type == "person_number"}
    values = found.base.values
    return replace(
        found,
        prefilled={FIELD + name: value for name, value in values.items() if name not in personal},
        kept={name: value for name, value in values.items() if name in personal and value},
    )


def _with_case(tx: Connection, found: Designed, case_no: str, desk: Desk) -> Designed:
    """What the case's own form says goes before."""
    names = [one.name for one in found.type.fields]
    prefilled, kept = dict(found.prefilled), dict(found.kept)
    query = select(CaseField.name, CaseField.value).where(
        CaseField.case_no == case_no, CaseField.name.in_(names)
    )
    for name, value in tx.execute(query):
        if value.get("sealed"):
            kept[name] = desk.identities.unseal(base64.b64decode(str(value["sealed"])))
        else:
            prefilled[FIELD + name] = str(value.get("text") or "")
    return replace(found, prefilled=prefilled, kept=kept)


def read_decided(
    tx: Connection,
    form: Mapping[str, str],
    designed: Designed,
    department: str | None,
    case: OpenedCase | None,
    desk: Desk,
) -> Typed:
    """The licence of a decision's form. `form` has the decision's columns, the case's party among them."""
    today = desk.clock().astimezone(LOCAL).date()
    decided_on = _day(form.get("XK_JDRQ", ""))
    order = Order(
        type_code=designed.type.code,
        holders=(),
        values={},
        department=department,
        issued_on=min(decided_on or today, today),
        valid_from=_day(form.get("XK_YXQZ", "")),
        valid_to=None if form.get("long_term") else _day(form.get("XK_YXQZI", "")),
        case_no=case.case_no if case else None,
        document_no=form.get("XK_WSH", "").strip() or None,
        item=case.item_name if case else "",
        item_code=case.item_code if case else form.get("item", ""),
    )
    if designed.type.rules.validity_kind == "permanent":
        order = replace(order, valid_to=None)
    if designed.base is not None:
        order = _continued(designed.base, order)
    nothing = Words("", "", (), "", "", order.issued_on, order.issued_on, None)
    typed = Typed(designed.type, order, nothing)
    number = order.number
    if designed.base is None and not designed.counts:
        number = number_of({"number": form.get("XK_XKBH", "")}, typed)
    if "number" in typed.faults:
        typed.faults["XK_XKBH"] = typed.faults.pop("number")
        typed.empty.add("XK_XKBH")
    holders = _holders(form, typed)
    typed.order = replace(order, holders=holders, values=values_of(form, typed, designed.kept), number=number)
    finished(tx, typed, desk, designed.old)
    if "valid_to" in typed.faults:
        typed.faults["XK_YXQZI"] = typed.faults.pop("valid_to")
    return typed


def _continued(base: Order, decided: Order) -> Order:
    """The next version as the decision has it: a renewal takes its days, a change keeps those of the version before."""
    renews = base.operation == "renew"
    return replace(
        base,
        department=decided.department,
        issued_on=decided.issued_on,
        valid_from=decided.valid_from if renews else base.valid_from,
        valid_to=decided.valid_to if renews else decided.valid_to or base.valid_to,
        case_no=decided.case_no,
        document_no=decided.document_no,
        item=decided.item,
        item_code=decided.item_code,
    )


def as_columns(typed: Typed, *, issued: bool) -> dict[str, str]:
    """What the licence makes of the decision's columns about it; a number typed in stays where none is issued here."""
    words = typed.words
    columns = {
        "XK_XKZS": typed.type.rules.name,
        "XK_YXQZ": words.valid_from.isoformat(),
        "XK_YXQZI": words.valid_to.isoformat() if words.valid_to else LONG_TERM,
        "long_term": "",
    }
    return {**columns, "XK_XKBH": typed.order.number or ""} if issued else columns


def printed(typed: Typed, case: DecidedCase) -> Prepared:
    """Print it for this case. No transaction is held. Raises what keeps it from being printed."""
    order = replace(
        typed.order,
        holders=(case.party,),
        case_no=case.case_no,
        item=case.item_name,
        item_code=case.item_code,
        reason=f"随决定 {case.decision.document_no} 签发",  # kept: in the language of the record
        valid_from=typed.words.valid_from,
        valid_to=typed.words.valid_to if typed.type.rules.validity_kind != "permanent" else None,
    )
    config = here().config
    return prepare(here().engine, order, config.desk, press(), config.tokens)


def _holders(form: Mapping[str, str], typed: Typed) -> tuple[PartyFacts, ...]:
    """As far as the form names them; what is wrong with them the decision's own checks say."""
    natural = form.get("XK_XDR_LB") == "natural"
    code = form.get("XK_XDR_ZJHM" if natural else "XK_XDR_SHXYM", "").strip()
    types = {word: number for number, word in SHEET_WORDS.items()}
    code_type = types.get(form.get("XK_XDR_ZJLX", ""), "111") if natural else "001"
    legal = None if natural else form.get("XK_FRDB", "").strip() or None
    party = PartyFacts(form.get("XK_XDR_LB", ""), form.get("XK_XDR_MC", "").strip(), code, code_type, legal)
    if not party.name or not code:
        return ()
    try:
        return check_holders((party,), typed.type)
    except HubError as error:
        typed.faults[""] = error.message
        return (party,)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        return None


def shown_again(designed: Designed | None, form: Mapping[str, str], sent: bool) -> dict[str, Any]:
    """The form's fields as they are to be shown."""
    if designed is None:
        return {"kept": set(), "given": form}
    return {"kept": set(designed.kept), "given": form if sent else {**designed.prefilled, **form}}
