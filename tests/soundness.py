"""Whether a book is sound: every rule of design section 3 that can be read off the tables, re-derived from the transfers.

`assert_book_sound` is called after every attack, every kill and every step of the model. It trusts no derived row: totals,
days and tiles are added up anew. A rule is a query that answers the rows that break it; the names are in the failure.
Call it when nothing is being posted, or inside one snapshot.
"""

from __future__ import annotations

from fundledger.db.connection import Connection

RULES: dict[str, str] = {
    "an account's totals are the sums of its transfers": """
        WITH moved AS (
            SELECT book, account_id, sum(received) AS received, sum(given) AS given, sum(undone) AS undone FROM (
                SELECT book, debit_account AS account_id, amount AS received, 0 AS given, 0 AS undone FROM transfer
                UNION ALL SELECT book, credit_account, 0, amount, CASE WHEN undoes_entry_id IS NULL THEN 0 ELSE amount END
                FROM transfer) t GROUP BY 1, 2)
        SELECT * FROM account_balance b FULL JOIN moved m USING (book, account_id)
        WHERE (coalesce(m.received, 0), coalesce(m.given, 0), coalesce(m.undone, 0))
              IS DISTINCT FROM (b.received::numeric, b.given::numeric, b.given_undone::numeric)""",
    "totals tile without a gap on both sides": """
        SELECT * FROM (
            SELECT book, entry_id, line_no, debit_before AS before,
                   lag(debit_after, 1, 0::bigint) OVER (PARTITION BY book, debit_account ORDER BY debit_before) AS expected FROM transfer
            UNION ALL
            SELECT book, entry_id, line_no, credit_before,
                   lag(credit_after, 1, 0::bigint) OVER (PARTITION BY book, credit_account ORDER BY credit_before) FROM transfer) t
        WHERE before <> expected""",
    "no account but a source is below zero": """
        SELECT * FROM account_balance b JOIN account a USING (book, account_id) JOIN account_kind k USING (account_kind)
        WHERE b.is_source <> k.is_source OR (NOT k.is_source AND b.received < b.given)""",
    "no account was below zero after any transfer": """
        SELECT * FROM (
            SELECT m.*, sum(m.delta) OVER (PARTITION BY m.book, m.account_id ORDER BY e.order_no, m.line_no, m.delta DESC) AS balance
            FROM (SELECT book, entry_id, line_no, debit_account AS account_id, amount AS delta FROM transfer
                  UNION ALL SELECT book, entry_id, line_no, credit_account, -amount FROM transfer) m
            JOIN entry e USING (book, entry_id)) r
        JOIN account a USING (book, account_id) JOIN account_kind k USING (account_kind) WHERE NOT k.is_source AND r.balance < 0""",
    "no account is below zero at the end of any effective day": """
        SELECT * FROM (
            SELECT d.book, d.account_id, d.day, sum(d.received - d.given) OVER (PARTITION BY d.book, d.account_id ORDER BY d.day) AS balance
            FROM account_day d) r
        JOIN account a USING (book, account_id) JOIN account_kind k USING (account_kind) WHERE NOT k.is_source AND r.balance < 0""",
    "an account's days are the sums of its transfers by effective day": """
        WITH moved AS (
            SELECT book, account_id, day, sum(received) AS received, sum(given) AS given FROM (
                SELECT t.book, t.debit_account AS account_id, e.effective_on AS day, t.amount AS received, 0 AS given
                FROM transfer t JOIN entry e USING (book, entry_id)
                UNION ALL SELECT t.book, t.credit_account, e.effective_on, 0, t.amount
                FROM transfer t JOIN entry e USING (book, entry_id)) t GROUP BY 1, 2, 3)
        SELECT * FROM account_day d FULL JOIN moved m USING (book, account_id, day)
        WHERE (d.received::numeric, d.given::numeric) IS DISTINCT FROM (m.received, m.given)""",
    "an account's newest effective day is known": """
        SELECT b.* FROM account_balance b LEFT JOIN account_day d USING (book, account_id)
        GROUP BY b.book, b.account_id HAVING b.last_effective_on <> coalesce(max(d.day), '0001-01-01')""",
    "a transfer has an entry and two accounts of its book": """
        SELECT t.* FROM transfer t LEFT JOIN entry e USING (book, entry_id)
        LEFT JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
        LEFT JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
        WHERE e.entry_id IS NULL OR d.account_id IS NULL OR c.account_id IS NULL""",
    "a transfer runs between the accounts its kind of entry allows": """
        SELECT t.* FROM transfer t JOIN entry e USING (book, entry_id)
        JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
        JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
        JOIN entry_kind k USING (entry_kind)
        WHERE (NOT k.is_undo AND NOT EXISTS (SELECT FROM posting_rule r WHERE r.entry_kind = e.entry_kind
                 AND r.payer_kind = c.account_kind AND r.receiver_kind = d.account_kind))
           OR k.is_undo <> (t.undoes_entry_id IS NOT NULL)""",
    "money of two allocations never shares an account, nor crosses to another one": """
        SELECT t.* FROM transfer t
        JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
        JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
        JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
        LEFT JOIN entry o ON o.book = t.book AND o.entry_id = t.undoes_entry_id
        WHERE (d.allocation_id <> c.allocation_id AND 'virement' NOT IN (e.entry_kind, coalesce(o.entry_kind, '')))
           OR d.budget_line_id <> c.budget_line_id OR d.project_id <> c.project_id""",
    "a virement stays within its fund and fiscal year": """
        SELECT t.* FROM transfer t
        JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
        JOIN account c ON c.book = t.book AND c.account_id = t.credit_account AND c.allocation_id <> d.allocation_id
        JOIN allocation x ON x.book = t.book AND x.allocation_id = d.allocation_id
        JOIN allocation y ON y.book = t.book AND y.allocation_id = c.allocation_id
        WHERE (x.fund_code, x.fiscal_year) <> (y.fund_code, y.fiscal_year)""",
    "money is carried over forwards only, and by nothing else goes from year to year": """
        SELECT t.* FROM transfer t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
        JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
        JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
        WHERE t.undoes_entry_id IS NULL AND d.account_kind IN ('executable', 'available') AND d.account_kind = c.account_kind
          AND (e.entry_kind <> 'carry_over' OR d.exec_year <= c.exec_year)""",
    "money is not carried over once it is surplus": """
        SELECT t.* FROM transfer t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id AND e.entry_kind = 'carry_over'
        JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
        JOIN allocation a ON a.book = t.book AND a.allocation_id = d.allocation_id
        WHERE e.effective_on - make_date(a.fiscal_year, 12, 31) >= parameter_value('surplus_days', e.effective_on)""",
    "a closed year has no open month, and no reversal moved its money after": """
        SELECT y.book, y.fiscal_year FROM year_close y
        WHERE (SELECT count(*) FROM period_close c WHERE c.book = y.book AND extract(year FROM c.month) = y.fiscal_year) <> 12
           OR EXISTS (SELECT FROM entry e JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
                JOIN account a ON a.book = t.book AND a.account_id IN (t.debit_account, t.credit_account)
                WHERE e.book = y.book AND e.entry_kind = 'reverse' AND e.order_no > y.order_no AND a.exec_year = y.fiscal_year
                  AND a.account_kind IN ('executable', 'available', 'advanced', 'paid', 'paid_other'))""",
    "an account belongs to an allocation or a budget line of its book": """
        SELECT a.* FROM account a
        LEFT JOIN allocation n ON n.book = a.book AND n.allocation_id = a.allocation_id
        LEFT JOIN budget_line l ON l.book = a.book AND l.budget_line_id = a.budget_line_id
        JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id AND b.received + b.given > 0
        WHERE n.allocation_id IS NULL AND l.budget_line_id IS NULL""",
    "an allocation in a district's book is that district's, and stands in the book it came from": """
        SELECT a.* FROM allocation a JOIN book b USING (book)
        WHERE (b.level = 'district' AND a.district <> a.book)
           OR NOT EXISTS (SELECT FROM allocation o WHERE o.book = a.origin_book AND o.allocation_id = a.allocation_id
                AND (o.fund_code, o.fiscal_year, o.district, o.document_no) = (a.fund_code, a.fiscal_year, a.district, a.document_no))""",
    "an entry's total and lines are those of its transfers": """
        SELECT e.book, e.entry_id FROM entry e LEFT JOIN transfer t USING (book, entry_id)
        GROUP BY e.book, e.entry_id HAVING e.total <> sum(t.amount) OR e.line_count <> count(t.line_no)""",
    "both legs of a crossing are equal, line by line, and of one day": """
        SELECT * FROM (
            SELECT e.crossing_id, t.line_no, sum(CASE WHEN b.level = 'city' THEN t.amount ELSE -t.amount END) AS difference,
                   count(DISTINCT e.effective_on) AS days, count(*) AS legs
            FROM entry e JOIN transfer t USING (book, entry_id) JOIN book b USING (book)
            WHERE e.crossing_id IS NOT NULL GROUP BY 1, 2) x WHERE difference <> 0 OR days <> 1 OR legs <> 2""",
    "what a district received is what the city released, per allocation": """
        SELECT a.allocation_id FROM account a JOIN account_balance b USING (book, account_id)
        WHERE a.account_kind IN ('released', 'upper_transfer') GROUP BY 1 HAVING sum(b.received - b.given) <> 0""",
    "an entry has an approval of exactly its content, by another person": """
        SELECT e.* FROM entry e
        LEFT JOIN approval a ON a.instruction_id = e.instruction_id AND a.book = CASE WHEN e.crossing_id IS NULL THEN e.book
            ELSE (SELECT c.book FROM entry c JOIN book b USING (book) WHERE c.crossing_id = e.crossing_id AND b.level = 'city') END
        LEFT JOIN instruction_content c ON c.book = a.book AND c.instruction_id = a.instruction_id
        LEFT JOIN instruction n ON n.book = a.book AND n.instruction_id = a.instruction_id
        WHERE a.approval_id IS NULL OR a.approver_id = n.maker_id OR a.approver_id <> e.approver_id OR n.maker_id <> e.maker_id
           OR a.content_sha256 <> c.digest OR e.content_sha256 <> c.digest OR e.payer_id IN (n.maker_id, a.approver_id)
           OR (SELECT k.is_payment FROM entry_kind k WHERE k.entry_kind = e.entry_kind) <> (e.payer_id IS NOT NULL)""",
    "nothing that was sent back was posted": """
        SELECT e.* FROM entry e JOIN rejection r USING (book, instruction_id)""",
    "a payment's transfers are the lines of its list": """
        SELECT e.book, e.entry_id FROM entry e
        JOIN payment_line l ON l.book = e.book AND l.instruction_id = e.instruction_id
        FULL JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id AND t.line_no = l.line_no
        LEFT JOIN entry p ON p.book = t.book AND p.entry_id = t.entry_id
        WHERE coalesce(e.entry_kind, p.entry_kind) IN (SELECT entry_kind FROM entry_kind WHERE is_payment)
          AND (t.amount, t.payee_id) IS DISTINCT FROM (l.amount, l.payee_id)""",
    "what was undone tiles, and is at most the original": """
        SELECT * FROM (
            SELECT u.*, lag(u.undoes_before + u.amount, 1, 0::bigint) OVER (PARTITION BY u.book, u.undoes_entry_id, u.undoes_line_no
                       ORDER BY u.undoes_before) AS expected, t.amount AS original, t.debit_account AS was_debit, t.credit_account AS was_credit
            FROM transfer u LEFT JOIN transfer t ON t.book = u.book AND t.entry_id = u.undoes_entry_id AND t.line_no = u.undoes_line_no
            WHERE u.undoes_entry_id IS NOT NULL) u
        WHERE expected <> undoes_before OR original IS NULL OR undoes_before + amount > original OR undoes_amount <> original
           OR debit_account <> was_credit OR credit_account <> was_debit""",
    "nobody was paid twice for the same programme and period": """
        SELECT l.book, l.payee_id, l.programme_code, l.period FROM payment_line l
        JOIN payment_list p USING (book, instruction_id) JOIN entry e USING (book, instruction_id)
        WHERE p.payee_kind <> 'organisation' AND l.amount > (SELECT coalesce(sum(u.amount), 0) FROM transfer u
            WHERE u.book = e.book AND u.undoes_entry_id = e.entry_id AND u.undoes_line_no = l.line_no)
        GROUP BY 1, 2, 3, 4 HAVING count(*) > 1""",
    "what is left of a payee's advances is what its account holds": """
        SELECT a.book, a.account_id FROM account a JOIN account_balance b USING (book, account_id)
        LEFT JOIN advance_status s ON (s.book, s.payee_id, s.allocation_id, s.project_id, s.exec_year)
                                    = (a.book, a.payee_id, a.allocation_id, a.project_id, a.exec_year)
        WHERE a.account_kind = 'advanced' GROUP BY a.book, a.account_id, b.received, b.given
        HAVING coalesce(sum(s.outstanding), 0) <> b.received - b.given OR min(s.outstanding) < 0""",
    "a settlement names an advance of its own account and payee, and nothing else names one": """
        SELECT t.* FROM transfer t JOIN entry e USING (book, entry_id)
        LEFT JOIN transfer a ON a.book = t.book AND a.entry_id = t.settles_entry_id AND a.line_no = t.settles_line_no
        LEFT JOIN entry o ON o.book = a.book AND o.entry_id = a.entry_id
        WHERE (e.entry_kind = 'settle') <> (t.settles_entry_id IS NOT NULL)
           OR (e.entry_kind = 'settle' AND (o.entry_kind, a.debit_account, a.payee_id) IS DISTINCT FROM ('advance', t.credit_account, t.payee_id))""",
    "no award was paid beyond its contract": """
        SELECT c.book, c.procurement_id FROM procurement_current c
        WHERE c.method <> 'exempt' AND contract_paid(c.book, c.procurement_id) > coalesce(contract_sum(c.book, c.procurement_id), 0)""",
    "a closed month took nothing more": """
        SELECT e.* FROM entry e JOIN period_close c ON c.book = e.book AND c.month = date_trunc('month', e.effective_on)::date
        WHERE e.order_no > c.order_no""",
    "every record is queued for the log or sealed in it, once": """
        WITH record AS (
            SELECT book, 'entry' AS kind, entry_id AS record_id FROM entry
            UNION ALL SELECT book, 'approval', approval_id FROM approval
            UNION ALL SELECT book, 'refusal', refusal_id FROM refusal
            UNION ALL SELECT book, 'period_close', period_close_id FROM period_close
            UNION ALL SELECT book, 'year_close', year_close_id FROM year_close
            UNION ALL SELECT book, 'notice', notice_id FROM notice
        ), logged AS (
            SELECT book, kind, record_id FROM log_queue WHERE kind <> 'parameter'
            UNION ALL SELECT book, kind, record_id FROM log_leaf WHERE kind <> 'parameter')
        (SELECT * FROM record EXCEPT ALL SELECT * FROM logged) UNION ALL (SELECT * FROM logged EXCEPT ALL SELECT * FROM record)""",
    "positions have no gap": """
        SELECT * FROM (SELECT position, row_number() OVER (ORDER BY position) - 1 AS expected FROM log_leaf) p WHERE position <> expected""",
}  # fmt: skip
"""Name -> a query of the rows that break the rule."""


async def broken_rules(connection: Connection) -> dict[str, list[str]]:
    """The rules that do not hold, each with the first rows that break it."""
    broken = {}
    for name, query in RULES.items():
        rows = await connection.fetch(f"SELECT to_jsonb(x) AS row FROM ({query}) x LIMIT 3")
        if rows:
            broken[name] = [str(row["row"]) for row in rows]
    return broken


async def assert_book_sound(connection: Connection) -> None:
    """Every rule holds, or the failure names the rule and rows that break it."""
    assert await broken_rules(connection) == {}
