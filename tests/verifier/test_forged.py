"""A book that is wrong but was sealed honestly: whoever wrote past the gate is found by what the sealed records say.

Each case meddles with the played year before anything is sealed, so that every hash and signature is right.
"""

from __future__ import annotations

import json

import pytest

from tests.verifier.making import Log

PAID = "(SELECT entry_id FROM entry WHERE entry_kind = 'pay' AND {more} ORDER BY entry_id LIMIT 1)"
HOUSEHOLDS = """(SELECT e.entry_id FROM entry e JOIN payment_list l USING (book, instruction_id)
    WHERE l.payee_kind = 'household' AND e.entry_kind = 'pay' ORDER BY e.entry_id LIMIT 1)"""
CONTRACT = """(SELECT e.entry_id FROM entry e JOIN payment_list l USING (book, instruction_id)
    WHERE l.payee_kind = 'organisation' AND e.entry_kind = 'pay' AND l.project_id IS NOT NULL ORDER BY e.entry_id LIMIT 1)"""
OF_CONTRACT = f"(SELECT instruction_id FROM entry WHERE entry_id = {CONTRACT})"
OF_HOUSEHOLDS = f"(SELECT instruction_id FROM entry WHERE entry_id = {HOUSEHOLDS})"

CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "nobody approved": ("duties-are-separate", (
        f"DELETE FROM log_queue WHERE record_id = (SELECT approval_id FROM approval WHERE instruction_id = {OF_CONTRACT})",
        f"DELETE FROM approval WHERE instruction_id = {OF_CONTRACT}")),
    "approved again after it was paid": ("duties-are-separate", (
        f"""ALTER TABLE approval DROP CONSTRAINT approval_book_instruction_id_key;
            INSERT INTO approval SELECT book, gen_random_uuid(), instruction_id, content_sha256, approver_id, nextval('record_order'), approved_at
            FROM approval WHERE instruction_id = {OF_CONTRACT}""",
        f"""INSERT INTO log_queue (order_no, book, kind, record_id) SELECT order_no, book, 'approval', approval_id
            FROM approval WHERE instruction_id = {OF_CONTRACT} ORDER BY order_no DESC LIMIT 1""")),
    "a payment of no list": ("project-in-library", (f"DELETE FROM payment_list WHERE instruction_id = {OF_CONTRACT}",)),
    "the payer is the maker": ("duties-are-separate", (
        f"ALTER TABLE entry DROP CONSTRAINT entry_duties_differ; UPDATE entry SET payer_id = maker_id WHERE entry_id = {CONTRACT}",)),
    "the approver is the maker": ("duties-are-separate", (
        f"ALTER TABLE entry DROP CONSTRAINT entry_duties_differ; UPDATE entry SET approver_id = maker_id WHERE entry_id = {CONTRACT}",
        f"UPDATE approval SET approver_id = (SELECT maker_id FROM entry WHERE entry_id = {CONTRACT}) WHERE instruction_id = {OF_CONTRACT}")),
    "somebody else approved": ("duties-are-separate", (
        f"UPDATE approval SET approver_id = gen_random_uuid() WHERE instruction_id = {OF_CONTRACT}",)),
    "approved after it was paid": ("duties-are-separate", (
        f"UPDATE approval SET approved_at = now() + interval '1 day' WHERE instruction_id = {OF_CONTRACT}",)),
    "the approver has no such duty": ("duties-are-held", (
        f"UPDATE staff SET duties = '{{maker}}' WHERE staff_id = (SELECT approver_id FROM entry WHERE entry_id = {CONTRACT})",)),
    "what was approved was changed": ("approved-content-unchanged", (
        f"UPDATE instruction SET summary = summary || '！' WHERE instruction_id = {OF_CONTRACT}",)),
    "a payee was changed after the approval": ("approved-content-unchanged", (
        f"UPDATE payment_line SET payee_id = gen_random_uuid() WHERE instruction_id = {OF_HOUSEHOLDS} AND line_no = 1",)),
    "another amount than was approved": ("posted-as-approved", (
        f"""UPDATE transfer SET amount = amount + 1, debit_after = debit_after + 1, credit_after = credit_after + 1
            WHERE entry_id = {CONTRACT}""",)),
    "two payees swapped in the posting": ("posted-as-approved", (
        f"""UPDATE transfer t SET payee_id = o.payee_id FROM transfer o WHERE t.entry_id = {HOUSEHOLDS} AND o.entry_id = t.entry_id
            AND t.line_no <= 2 AND o.line_no = 3 - t.line_no""",)),
    "posted with another document": ("posted-as-approved", (
        f"UPDATE entry SET document_no = '另文' WHERE entry_id = {CONTRACT}",)),
    "money before it was there": ("never-below-zero", (
        """UPDATE log_queue q SET order_no = -order_no WHERE record_id = (SELECT e.entry_id FROM entry e WHERE e.entry_kind = 'fund'
            ORDER BY order_no DESC LIMIT 1)""",)),
    "an amount that moves nothing": ("amounts-move-totals", (
        f"""ALTER TABLE transfer DROP CONSTRAINT transfer_totals; UPDATE transfer SET amount = amount + 1 WHERE entry_id = {CONTRACT}""",)),
    "a gap in an account's totals": ("totals-tile", (
        f"UPDATE transfer SET credit_before = credit_before + 5, credit_after = credit_after + 5 WHERE entry_id = {CONTRACT}",)),
    "an account under a false name": ("accounts-are-what-they-say", (
        f"UPDATE account SET exec_year = exec_year + 1 WHERE account_id = (SELECT debit_account FROM transfer WHERE entry_id = {CONTRACT} LIMIT 1)",)),
    "money that runs where it may not": ("accounts-fit-the-kind", (
        f"UPDATE entry SET entry_kind = 'fund', payer_id = NULL WHERE entry_id = {CONTRACT}",)),
    "paid from another project's money": ("accounts-fit-the-kind", (
        f"""UPDATE transfer t SET credit_account = (SELECT o.account_id FROM account o JOIN account a USING (book, account_kind)
            WHERE a.account_id = t.credit_account AND o.book = t.book AND o.project_id <> a.project_id LIMIT 1) WHERE entry_id = {CONTRACT}""",)),
    "an entry that does not add up": ("entries-add-up", (f"UPDATE entry SET total = total + 1 WHERE entry_id = {CONTRACT}",)),
    "two sides of a crossing that differ": ("crossings-are-equal", (
        """UPDATE entry SET effective_on = effective_on + 1 WHERE entry_id = (SELECT entry_id FROM entry
            WHERE crossing_id IS NOT NULL AND book <> 420100 LIMIT 1)""",)),
    "more undone than posted": ("undone-at-most-once", (
        """ALTER TABLE transfer DROP CONSTRAINT transfer_undo_at_most_original; UPDATE transfer SET undoes_before = 1 WHERE (entry_id, line_no) = (SELECT entry_id, line_no FROM transfer
            WHERE undoes_entry_id IS NOT NULL ORDER BY entry_id, line_no LIMIT 1)""",)),
    "a settlement of no advance": ("settled-at-most-once", (
        f"""UPDATE transfer SET settles_entry_id = {CONTRACT}, settles_line_no = 1 WHERE settles_entry_id IS NOT NULL""",)),
    "paid again to somebody else": ("reissued-once", (
        "UPDATE transfer SET payee_id = gen_random_uuid() WHERE reissues_entry_id IS NOT NULL",)),
    "a project of another district": ("project-in-library", (
        f"UPDATE project SET book = 420116 WHERE project_id = (SELECT project_id FROM payment_list WHERE instruction_id = {OF_HOUSEHOLDS})",)),
    "a project that was only proposed": ("project-in-library", (
        "UPDATE project SET status = 'proposed' WHERE status = 'approved'",)),
    "a project without a target": ("project-in-library", ("UPDATE project SET performance_target = ''",)),
    "a project published with another amount": ("project-published", ("UPDATE notice SET amount = amount + 1 WHERE subject_kind = 'project'",)),
    "a list published with another amount": ("project-published", ("UPDATE notice SET amount = amount + 1 WHERE subject_kind = 'payment_list'",)),
    "more than the contract": ("procurement-fits", ("UPDATE procurement SET contract_amount = 100 WHERE contract_amount IS NOT NULL",)),
    "somebody who did not win": ("procurement-fits", ("UPDATE procurement SET awardee_id = gen_random_uuid() WHERE awardee_id IS NOT NULL",)),
    "no award": ("procurement-fits", ("DELETE FROM procurement",)),
    "an exemption for another kind": ("procurement-fits", ("UPDATE project SET category = 'infrastructure' WHERE category <> 'infrastructure'",)),
    "not accepted before the last payment": ("accepted-before-final", ("UPDATE acceptance SET passed = false",)),
    "an officer out of office": ("officers-in-office", ("UPDATE officer_term SET valid_from = '2000-01-01', valid_to = '2000-12-31'",)),
    "money of a year that has not begun": ("money-fits", (
        "DROP INDEX allocation_once_per_village; UPDATE allocation SET fiscal_year = 2030",)),
    "a class of the negative list": ("money-fits", (f"UPDATE entry SET economic_class = '30102' WHERE entry_id = {CONTRACT}",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_a_forged_book_is_found(own_log: Log, name: str) -> None:
    check, statements = CASES[name]
    await own_log.meddle(*statements)
    await own_log.seal()
    report = own_log.verify(await own_log.export())
    told = json.dumps(report.as_json()["first_fault"], ensure_ascii=False)
    assert report.exit_code == 1, json.dumps(report.as_json(), ensure_ascii=False)
    assert report.state(check) == "fault", (check, report.order, told)
    place = report.outcomes[check].first
    assert place is not None
    assert {"position", "kind", "id"} <= set(place), place
    for untouched in (
        "leaves-in-the-log",
        "leaves-are-their-hashes",
        "lines-in-their-entry",
        "checkpoint-signed",
        "manifest-signed",
    ):
        assert report.state(untouched) == "ok"
