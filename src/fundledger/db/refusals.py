"""Database errors become refusals, in one place: the gate's faults, constraint names, and what may be retried.

A constraint or error that is not listed stays what it is: a bug, answered 500 on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from fundledger.errors import Fault, FundledgerError, ParamValue, problem
from fundledger.money import format_yuan

GATE_REFUSAL = "FL001"
RETRYABLE = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300"}
"""Serialisation, deadlock, lock timeout, server going down or coming up, too many connections."""

UNSTORABLE = {"22003", "22008", "22021", "22P05"}
"""Number or date out of range, NUL or another character that PostgreSQL's text does not take."""
OVERFLOWS = (OverflowError, UnicodeError)
"""Why the driver itself refuses such a value; any other cause is a wrong type, and that is a bug of ours."""

CONSTRAINTS = {
    "unit_kind_check": "person-malformed",
    "staff_duties_check": "person-malformed",
    "entry_instruction_once": "already-posted",
    "entry_duties_differ": "duties-not-separate",
    "allocation_pkey": "allocation-reused",
    "allocation_once_per_village": "village-already-allocated",
    "account_balance_not_negative": "balance-insufficient",
    "transfer_undo_at_most_original": "undo-exceeds",
    "approval_book_instruction_id_key": "already-approved",
    "instruction_is_final": "content-final",
    "instruction_is_posted": "already-posted",
    "rejection_pkey": "instruction-rejected",
    "transfer_reissues": "reissued-already",
    "household_book_household_no_key": "household-exists",
    "person_book_identity_hash_key": "person-exists",
    "person_one_head": "household-has-head",
    "organisation_book_credit_code_key": "organisation-exists",
    "project_pkey": "version-taken",
    "project_version_next": "version-taken",
    "project_has_left": "project-left",
    "project_code_fixed": "record-identity-changed",
    "project_status_order": "project-status-differs",
    "project_proposer": "project-proposer-wrong",
    "project_proposer_place": "project-proposer-wrong",
    "project_proposal_is_the_proposers": "project-proposer-wrong",
    "project_category": "project-category-differs",
    "project_without_target": "project-without-target",
    "project_incomplete": "project-incomplete",
    "project_too_large": "project-too-large",
    "project_schedule_check": "dates-reversed",
    "project_financing_sum": "financing-sum-differs",
    "project_decider": "project-decider-wrong",
    "project_reviewer": "project-reviewer-wrong",
    "project_duties": "duties-not-separate",
    "project_content_fixed": "project-content-changed",
    "project_reason": "project-reason-missing",
    "project_has_money": "project-has-money",
    "project_proposal_closed": "project-proposal-closed",
    "project_objection_project": "record-not-found",
    "project_objector": "objector-wrong",
    "objection_order": "objection-order",
    "objection_answerer": "objection-answerer-wrong",
    "objection_subject_fixed": "record-identity-changed",
    "objection_notice": "notice-subject-unknown",
    "evaluation_project": "evaluation-not-possible",
    "evaluation_subject_fixed": "evaluation-not-possible",
    "evaluation_review_order": "evaluation-not-possible",
    "evaluation_indicator": "evaluation-not-possible",
    "procurement_pkey": "version-taken",
    "procurement_version_next": "version-taken",
    "procurement_award_complete": "procurement-incomplete",
    "procurement_contract_complete": "procurement-incomplete",
    "procurement_no_award_yet": "procurement-incomplete",
    "procurement_no_contract_yet": "procurement-incomplete",
    "procurement_exempt_without_contract": "procurement-incomplete",
    "procurement_tender_period": "dates-reversed",
    "bid_reason": "bid-reason-missing",
    "claim_voucher_invoice_number": "invoice-number",
    "bid_pkey": "version-taken",
    "bid_version_next": "version-taken",
    "bid_once_per_bidder": "bid-exists",
    "contract_change_review_pkey": "change-decided",
    "acceptance_version_next": "version-taken",
    "acceptance_percent": "acceptance-percent",
    "acceptance_amount": "acceptance-amount",
    "claim_review_pkey": "claim-decided",
    "claim_is_final": "claim-decided",
    "claim_voucher_invoice_once": "invoice-claimed-before",
    "acceptance_pkey": "version-taken",
    "notice_pkey": "version-taken",
    "officer_term_pkey": "version-taken",
    "officer_term_maker": "maker-without-duty",
    "officer_term_next": "version-taken",
    "officer_term_same": "record-identity-changed",
    "officer_term_in_use": "officer-term-in-use",
    "parameter_proposal_value": "parameter-value-out-of-range",
    "parameter_proposal_dates": "dates-reversed",
    "declared_figure_pkey": "version-taken",
    "village_list_pkey": "version-taken",
    "registry_status_pkey": "version-taken",
    "roster_member_pkey": "version-taken",
    "budget_line_book_fund_code_fiscal_year_document_no_key": "budget-line-exists",
    "payee_account_pkey": "version-taken",
    "payee_account_version_next": "version-taken",
    "payee_account_maker": "maker-without-duty",
    "payee_account_confirmation_pkey": "version-taken",
    "payee_account_two_people": "duties-not-separate",
    "payee_account_approver": "confirmer-without-duty",
    "organisation_flag_pkey": "version-taken",
    "organisation_flag_maker": "maker-without-duty",
    "organisation_flag_two_people": "duties-not-separate",
    "bank_result_pkey": "bank-result-exists",
    "division_pkey": "division-exists",
    "year_close_pkey": "year-closed",
    "release_settlement_version": "version-taken",
    "release_settlement_approval_pkey": "settlement-already-approved",
    "release_settlement_duties_differ": "duties-not-separate",
}
FOREIGN_KEYS = "reference-unknown"
"""A foreign key that does not hold: the named record is not in this book."""


@contextmanager
def refusals() -> Iterator[None]:
    """Run database work; what it refuses comes out as `FundledgerError`."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        refusal = refusal_of(cause) if isinstance(cause, BaseException) else None
        if refusal is None:
            raise
        raise refusal from error
    except NoConnectionFree as error:
        raise problem("database-unavailable") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


def refusal_of(error: BaseException) -> FundledgerError | None:
    """The refusal a driver error stands for, or None when it is a bug."""
    state = getattr(error, "sqlstate", None)
    if state == GATE_REFUSAL:
        return gate_refusal(json.loads(getattr(error, "detail", None) or "[]"))
    if state in RETRYABLE or (isinstance(state, str) and state.startswith("08")):
        return problem("database-unavailable")
    # asyncpg's own state machine complains when the server dies in the middle of a call.
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
        return problem("database-unavailable")
    if state in UNSTORABLE or (isinstance(error, asyncpg.DataError) and isinstance(error.__cause__, OVERFLOWS)):
        return problem("value-unstorable")
    constraint = getattr(error, "constraint_name", None)
    if constraint in CONSTRAINTS:
        return problem(CONSTRAINTS[constraint])
    if state == "23503":
        return problem(FOREIGN_KEYS, constraint=str(constraint))
    return None


def gate_refusal(rows: list[dict[str, Any]]) -> FundledgerError:
    """The gate's faults (gate_fault rows as JSON) as one refusal; a single fault gives it its own code."""
    faults = [gate_fault(row) for row in rows]
    codes = {fault.code for fault in faults}
    if len(codes) == 1 and all(fault.line is None for fault in faults):
        return FundledgerError(faults[0].code, faults=faults, **faults[0].params)
    return FundledgerError("posting-refused", faults=faults, count=len(faults))


def gate_fault(row: dict[str, Any]) -> Fault:
    """One gate_fault row as a fault with its dimension of the five-to-district and its line."""
    params: dict[str, ParamValue] = {"dimension": row["dimension"]}
    params.update({key: _shown(key, value) for key, value in (row.get("params") or {}).items()})
    return Fault(row["code"], params, line=row.get("line_no"))


MONEY_PARAMS = {
    "planned",
    "returned_amount",
    "bid",
    "claimed",
    "earned",
    "estimate",
    "paid",
    "threshold",
    "vouchers",
    "maximum",
    "shortfall",
    "standard",
    "floor",
    "remaining",
    "unspent",
    "contract",
    "excess",
    "limit",
    "outstanding",
    "published",
    "total",
}


def _shown(key: str, value: Any) -> ParamValue:
    """Fen leave the database as numbers and are shown as yuan."""
    if key in MONEY_PARAMS and isinstance(value, int):
        return format_yuan(int(value))
    return value if isinstance(value, (str, int, bool)) or value is None else str(value)
