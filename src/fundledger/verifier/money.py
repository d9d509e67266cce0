"""What every line is held against: totals, balances, accounts, and the lines it refers to. One small function a check.

Each takes the walk and a line and answers None, or what is wrong in words and figures (yuan).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5
from uuid import UUID

from fundledger.money import format_yuan
from fundledger.verifier.report import Place
from fundledger.verifier.schema import Account, Line2, PayeeAccount, Reference, fen
from fundledger.verifier.state import Item, LineKey, Original, Totals, Walk

SOURCES = frozenset({"budget_source", "upper_transfer"})
PAYING = frozenset({"pay", "advance", "pay_other"})
"""Kinds that pay a list."""
SPENDING = frozenset({"pay", "advance", "settle"})
"""Kinds by which money stays what it was: of one allocation and one project."""
UNDOING = frozenset({"return", "reverse", "advance_return"})
RULES: dict[str, frozenset[tuple[str, str]]] = {
    "adopt": frozenset({("budget_source", "unreleased_budget")}),
    "allocate": frozenset({("unreleased_budget", "unreleased")}),
    "release": frozenset({("unreleased", "released"), ("upper_transfer", "executable")}),
    "adopt_own": frozenset({("budget_source", "executable")}),
    "fund": frozenset({("executable", "available")}),
    "pay": frozenset({("available", "paid")}),
    "advance": frozenset({("available", "advanced")}),
    "settle": frozenset({("advanced", "paid")}),
    "pay_other": frozenset({("executable", "paid_other")}),
    "virement": frozenset({("unreleased", "unreleased")}),
    "recover": frozenset({("released", "unreleased"), ("executable", "upper_transfer")}),
    "defund": frozenset({("available", "executable")}),
    "carry_over": frozenset({("executable", "executable"), ("available", "available")}),
    "surplus": frozenset({("unreleased", "surplus")}),
    "surplus_own": frozenset({("executable", "surplus")}),
}
"""Between which kinds of account (payer, receiver) an entry moves money (docs/formats.md names the kinds)."""

LineCheck = Callable[[Walk, Item], Place | None]


def amounts_move_totals(walk: Walk, item: Item) -> Place | None:
    """Amount = after − before, on both sides; more than nothing; between two accounts."""
    amount, (debit, debit_after), (credit, credit_after) = item.amount, item.debit, item.credit
    if amount > 0 and debit + amount == debit_after and credit + amount == credit_after:
        return None if item.line.debit.account_id != item.line.credit.account_id else {"reason": "one account only"}
    return {"amount": item.line.amount, "debit": _span(item.debit), "credit": _span(item.credit)}


def totals_tile(walk: Walk, item: Item) -> Place | None:
    """Each `before` is the previous `after` of that side of the account, from zero; moves the totals on."""
    line, found = item.line, None
    book = line.book
    for account, (before, after), received in ((line.debit, item.debit, True), (line.credit, item.credit, False)):
        totals = walk.totals.setdefault((book, account.account_id), Totals())
        expected = totals.received if received else totals.given
        if before < expected or (before > expected and walk.holds_whole(book, account)):
            side = "received" if received else "given"
            found = found or {
                "account": account.account_id, "side": side, "before": format_yuan(before),
                "expected": format_yuan(expected),
            }  # fmt: skip
        if received:
            totals.received = after
        else:
            totals.given = after
    return found


def never_below_zero(walk: Walk, item: Item) -> Place | None:
    """After this line the payer has not given more than it received (sources may)."""
    account, book = item.line.credit, item.line.book
    if account.kind in SOURCES or not walk.holds_whole(book, account):
        return None
    totals = walk.totals[book, account.account_id]
    if totals.given <= totals.received:
        return None
    return {"account": account.account_id, "account_kind": account.kind,
            "balance": format_yuan(totals.received - totals.given)}  # fmt: skip


def accounts_are_what_they_say(walk: Walk, item: Item) -> Place | None:
    """The account id is the MD5 of what the account belongs to."""
    for account in (item.line.debit, item.line.credit):
        if account_id(account) != account.account_id.replace("-", ""):
            return {"account": account.account_id, "derived": str(UUID(account_id(account)))}
    return None


def account_id(account: Account) -> str:
    """Thirty-two hex digits (docs/formats.md section 4)."""
    payee = account.payee_id if isinstance(account, PayeeAccount) else None
    text = (
        f"{account.kind}|{account.budget_line_id or ''}|{account.allocation_id or ''}|{account.project_id or ''}"
        f"|{account.exec_year}{'' if payee is None else '|' + payee}"
    )
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def accounts_fit_the_kind(walk: Walk, item: Item) -> Place | None:
    """The kind of entry may move money between these kinds of account; what undoes names what it undoes."""
    kind, line = item.open.entry.entry_kind, item.line
    if line.undoes is not None:
        return None if kind in UNDOING else {"entry_kind": kind, "reason": "this kind undoes nothing"}
    if (line.credit.kind, line.debit.kind) in RULES.get(kind, ()):
        stays = kind not in SPENDING or (line.credit.allocation_id, line.credit.project_id) == (
            line.debit.allocation_id, line.debit.project_id,
        )  # fmt: skip
        return None if stays else {"entry_kind": kind, "reason": "from one allocation or project to another"}
    return {"entry_kind": kind, "payer": line.credit.kind, "receiver": line.debit.kind}


def undone_at_most_once(walk: Walk, item: Item) -> Place | None:
    """What is undone was posted before, runs back between the same accounts, and is at most what was left of it."""
    undoes = item.line.undoes
    if undoes is None:
        return None
    key, before = reference_key(item.line.book, undoes), fen(undoes.before)
    original = walk.originals[key]
    whole = walk.holds_whole(item.line.book, item.line.credit)
    if not original.amount:
        return _absent(undoes) if whole else None
    if (item.line.debit.account_id, item.line.credit.account_id) != (original.credit, original.debit):
        return {"undoes": undoes.entry_id, "undoes_line": undoes.line_no, "reason": "other accounts"}
    if before != original.undone if whole else before < original.undone:
        return {"undoes": undoes.entry_id, "undoes_line": undoes.line_no, "before": undoes.before,
                "expected": format_yuan(original.undone)}  # fmt: skip
    original.undone = before + item.amount
    _give_back(walk, original, item.amount)
    if original.undone > original.amount:
        return {"undoes": undoes.entry_id, "undoes_line": undoes.line_no, "undone": format_yuan(original.undone),
                "amount": format_yuan(original.amount)}  # fmt: skip
    return None


def settled_at_most_once(walk: Walk, item: Item) -> Place | None:
    """A settlement takes from the advance it names, of the same account; with what was returned no more than given."""
    line = item.line
    settles = line.settles if isinstance(line, Line2) else None
    if settles is None:
        return None if item.open.entry.entry_kind != "settle" else {"reason": "no advance is named"}
    original = walk.originals[reference_key(line.book, settles)]
    if not original.amount:
        return _absent(settles) if walk.holds_whole(line.book, line.credit) else None
    original.settled += item.amount
    if original.entry_kind != "advance" or original.debit != line.credit.account_id:
        return {"settles": settles.entry_id, "settles_line": settles.line_no, "reason": "not an advance of the account"}
    if original.settled + original.undone > original.amount:
        return {"settles": settles.entry_id, "settles_line": settles.line_no, "amount": format_yuan(original.amount),
                "settled": format_yuan(original.settled), "undone": format_yuan(original.undone)}  # fmt: skip
    return None


def reissued_once(walk: Walk, item: Item) -> Place | None:
    """What is paid again came back whole, is the same amount for the same payee, and was not paid again before."""
    line = item.line
    reissues = line.reissues if isinstance(line, Line2) else None
    if reissues is None:
        return None
    original = walk.originals[reference_key(line.book, reissues)]
    if not original.amount:
        return _absent(reissues) if walk.holds_whole(line.book, line.credit) else None
    doubled, original.reissued = original.reissued, True
    same = (original.payee, original.amount) == (line.payee_id, item.amount)
    back = original.undone >= original.amount or not walk.holds_whole(line.book, line.credit)
    if same and back and not doubled:
        return None
    return {"reissues": reissues.entry_id, "reissues_line": reissues.line_no, "same_payee_and_amount": same,
            "came_back": back, "before": doubled}  # fmt: skip


LINE_CHECKS: tuple[tuple[str, LineCheck], ...] = (
    ("amounts-move-totals", amounts_move_totals),
    ("totals-tile", totals_tile),
    ("never-below-zero", never_below_zero),
    ("accounts-are-what-they-say", accounts_are_what_they_say),
    ("accounts-fit-the-kind", accounts_fit_the_kind),
    ("undone-at-most-once", undone_at_most_once),
    ("settled-at-most-once", settled_at_most_once),
    ("reissued-once", reissued_once),
)


def reference_key(book: str, reference: Reference) -> LineKey:
    """The line that is referred to."""
    return book, reference.entry_id, reference.line_no


def remember(walk: Walk, item: Item) -> None:
    """Keep what later lines will ask about this one, if any does."""
    line = item.line
    original = walk.originals.get((line.book, line.entry_id, line.line_no))
    if original is None:
        return
    here = item.open
    original.position, original.amount, original.entry_kind = here.position, item.amount, here.entry.entry_kind
    original.debit, original.credit, original.payee = line.debit.account_id, line.credit.account_id, line.payee_id
    if isinstance(line, Line2) and line.settles is not None:
        original.settles = reference_key(line.book, line.settles)
    if here.procurement is not None:
        original.contract = (line.book, here.procurement.procurement_id)


def _give_back(walk: Walk, original: Original, amount: int) -> None:
    """Undoing a settlement gives the advance back what it took; undoing a payment, its contract."""
    if original.settles is not None:
        walk.originals[original.settles].settled -= amount
    if original.contract is not None:
        walk.paid[original.contract] = walk.paid.get(original.contract, 0) - amount


def _absent(reference: Reference) -> Place:
    return {"names": reference.entry_id, "names_line": reference.line_no, "reason": "no such line before this one"}


def _span(pair: tuple[int, int]) -> str:
    return f"{format_yuan(pair[0])} → {format_yuan(pair[1])}"
