"""What the database says of an account: now, at the end of a day, and after an entry, each in its own way."""

from __future__ import annotations

BALANCES = """
SELECT a.book, a.account_kind, coalesce(a.budget_line_id, a.allocation_id) AS owner, a.project_id, b.received - b.given AS balance
FROM account a JOIN account_balance b USING (book, account_id)
"""
ON_DAY = """
SELECT coalesce(sum(d.received - d.given), 0) FROM account a JOIN account_day d USING (book, account_id)
WHERE a.book = $1 AND a.account_kind = $2 AND coalesce(a.budget_line_id, a.allocation_id) = $3
  AND a.project_id IS NOT DISTINCT FROM $4 AND d.day <= $5
"""
AT_ENTRY = """
SELECT coalesce(sum(CASE WHEN t.debit_account = a.account_id THEN t.amount ELSE -t.amount END), 0)
FROM account a JOIN transfer t ON t.book = a.book AND a.account_id IN (t.debit_account, t.credit_account)
JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
WHERE a.book = $1 AND a.account_kind = $2 AND coalesce(a.budget_line_id, a.allocation_id) = $3
  AND a.project_id IS NOT DISTINCT FROM $4 AND e.order_no <= $5
"""
