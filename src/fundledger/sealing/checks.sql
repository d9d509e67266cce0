-- What must hold in a database: each query finds the first record that breaks one rule, or nothing (see checks.py).
-- Everything derived (totals, days, accounts' keys, the district's side of a crossing) is derived again from the transfers.
-- A query follows a line `-- check: name | 中文 | English` and answers with at most one row, whose columns name the record.

-- check: transfer-totals | 每笔分录前后合计相差其金额 | each transfer moves both totals by its amount
SELECT book, entry_id, line_no FROM transfer
WHERE (amount > 0 AND debit_account <> credit_account AND debit_before >= 0 AND credit_before >= 0
       AND debit_after = debit_before + amount AND credit_after = credit_before + amount) IS NOT TRUE
ORDER BY book, entry_id, line_no LIMIT 1;

-- check: debit-totals-tile | 借方合计首尾相接无缺口 | what an account received tiles without a gap
SELECT book, debit_account AS account_id, debit_before, expected, entry_id, line_no FROM (
    SELECT *, coalesce(lag(debit_after) OVER (PARTITION BY book, debit_account ORDER BY debit_before), 0) AS expected FROM transfer) t
WHERE debit_before <> expected ORDER BY book, debit_account, debit_before LIMIT 1;

-- check: credit-totals-tile | 贷方合计首尾相接无缺口 | what an account gave tiles without a gap
SELECT book, credit_account AS account_id, credit_before, expected, entry_id, line_no FROM (
    SELECT *, coalesce(lag(credit_after) OVER (PARTITION BY book, credit_account ORDER BY credit_before), 0) AS expected FROM transfer) t
WHERE credit_before <> expected ORDER BY book, credit_account, credit_before LIMIT 1;

-- check: account-totals | 账户合计等于分录之和 | account totals are the sums of their transfers
WITH side AS (
    SELECT book, debit_account AS account_id, amount AS received, 0::bigint AS given, 0::bigint AS undone FROM transfer
    UNION ALL SELECT book, credit_account, 0, amount, CASE WHEN undoes_entry_id IS NULL THEN 0 ELSE amount END FROM transfer
), derived AS (SELECT book, account_id, sum(received) AS received, sum(given) AS given, sum(undone) AS undone FROM side GROUP BY 1, 2)
SELECT coalesce(b.book, d.book) AS book, coalesce(b.account_id, d.account_id) AS account_id, b.received, d.received AS derived_received,
       b.given, d.given AS derived_given, b.given_undone, d.undone AS derived_undone
FROM account_balance b FULL JOIN derived d ON d.book = b.book AND d.account_id = b.account_id
WHERE b.book IS NULL OR (b.received, b.given, b.given_undone)
      IS DISTINCT FROM (coalesce(d.received, 0), coalesce(d.given, 0), coalesce(d.undone, 0))
ORDER BY 1, 2 LIMIT 1;

-- check: account-days | 按生效日的合计等于分录之和 | totals by effective day are the sums of their transfers
WITH side AS (
    SELECT t.book, v.account_id, e.effective_on AS day, v.received, v.given FROM transfer t
    JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
    CROSS JOIN LATERAL (VALUES (t.debit_account, t.amount, 0::bigint), (t.credit_account, 0::bigint, t.amount)) v (account_id, received, given)
), derived AS (SELECT book, account_id, day, sum(received) AS received, sum(given) AS given FROM side GROUP BY 1, 2, 3)
SELECT coalesce(b.book, d.book) AS book, coalesce(b.account_id, d.account_id) AS account_id, coalesce(b.day, d.day) AS day,
       b.received, d.received AS derived_received, b.given, d.given AS derived_given
FROM account_day b FULL JOIN derived d ON d.book = b.book AND d.account_id = b.account_id AND d.day = b.day
WHERE (b.received, b.given) IS DISTINCT FROM (d.received::bigint, d.given::bigint)
  AND (coalesce(b.received, 0), coalesce(b.given, 0)) <> (coalesce(d.received, 0), coalesce(d.given, 0))
ORDER BY 1, 2, 3 LIMIT 1;

-- check: never-below-zero | 非来源账户任何一天不为负 | no account but a source is below zero on any day
SELECT book, account_id, day, balance FROM (
    SELECT d.book, d.account_id, d.day, sum(d.received - d.given) OVER (PARTITION BY d.book, d.account_id ORDER BY d.day) AS balance
    FROM account_day d JOIN account a ON a.book = d.book AND a.account_id = d.account_id
    JOIN account_kind k ON k.account_kind = a.account_kind AND NOT k.is_source) x
WHERE balance < 0 ORDER BY book, account_id, day LIMIT 1;

-- check: accounts-are-what-they-say | 账户编号与其内容相符 | each account's id is derived from what it belongs to
SELECT a.book, a.account_id FROM account a JOIN account_kind k ON k.account_kind = a.account_kind
LEFT JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id
WHERE a.account_id <> md5(a.account_kind || '|' || coalesce(a.budget_line_id::text, '') || '|' || coalesce(a.allocation_id::text, '')
        || '|' || coalesce(a.project_id::text, '') || '|' || a.exec_year::text || coalesce('|' || a.payee_id::text, ''))::uuid OR b.is_source IS DISTINCT FROM k.is_source
ORDER BY a.book, a.account_id LIMIT 1;

-- check: entries-add-up | 凭证与其分录张数、金额一致 | entries have the lines and the total they say
WITH lines AS (SELECT book, entry_id, count(*) AS lines, sum(amount) AS total FROM transfer GROUP BY 1, 2)
SELECT coalesce(e.book, l.book) AS book, coalesce(e.entry_id, l.entry_id) AS entry_id, e.line_count, l.lines, e.total, l.total AS lines_total
FROM entry e FULL JOIN lines l ON l.book = e.book AND l.entry_id = e.entry_id
WHERE (e.line_count, e.total) IS DISTINCT FROM (l.lines::integer, l.total::bigint) ORDER BY 1, 2 LIMIT 1;

-- check: accounts-fit-the-kind | 分录账户符合凭证种类 | money moves between the kinds of account its entry allows
SELECT t.book, t.entry_id, t.line_no, e.entry_kind, c.account_kind AS payer_kind, d.account_kind AS receiver_kind
FROM transfer t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
LEFT JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
LEFT JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
LEFT JOIN transfer o ON o.book = t.book AND o.entry_id = t.undoes_entry_id AND o.line_no = t.undoes_line_no
WHERE (t.undoes_entry_id IS NULL AND NOT EXISTS (SELECT FROM posting_rule r WHERE r.entry_kind = e.entry_kind
           AND r.payer_kind = c.account_kind AND r.receiver_kind = d.account_kind))
   OR (t.undoes_entry_id IS NOT NULL AND (o.debit_account = t.credit_account AND o.credit_account = t.debit_account) IS NOT TRUE)
ORDER BY 1, 2, 3 LIMIT 1;

-- check: undone-at-most-once | 冲退不超过原金额 | no more is undone than was posted
SELECT t.book, t.undoes_entry_id AS entry_id, t.undoes_line_no AS line_no, sum(t.amount) AS undone, o.amount
FROM transfer t LEFT JOIN transfer o ON o.book = t.book AND o.entry_id = t.undoes_entry_id AND o.line_no = t.undoes_line_no
WHERE t.undoes_entry_id IS NOT NULL GROUP BY 1, 2, 3, o.amount HAVING (sum(t.amount) <= o.amount) IS NOT TRUE ORDER BY 1, 2, 3 LIMIT 1;

-- check: advances-are-settled-at-most-once | 清算和退回不超过预拨 | no more of an advance is settled or taken back than was given
SELECT t.book, t.entry_id, t.line_no, t.amount, x.settled, x.undone FROM transfer t
JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id AND e.entry_kind = 'advance'
CROSS JOIN LATERAL (SELECT coalesce(sum(s.amount) FILTER (WHERE s.settles_entry_id IS NOT NULL), 0) AS settled,
                           coalesce(sum(s.amount) FILTER (WHERE s.undoes_entry_id IS NOT NULL), 0) AS undone
    FROM (SELECT s.amount, s.settles_entry_id, s.undoes_entry_id FROM transfer s
          WHERE s.book = t.book AND s.settles_entry_id = t.entry_id AND s.settles_line_no = t.line_no
          UNION ALL SELECT s.amount, s.settles_entry_id, s.undoes_entry_id FROM transfer s
          WHERE s.book = t.book AND s.undoes_entry_id = t.entry_id AND s.undoes_line_no = t.line_no
          -- a settlement that was reversed gives the advance back what it took
          UNION ALL SELECT -u.amount, s.entry_id, NULL FROM transfer s JOIN transfer u ON u.book = s.book
              AND u.undoes_entry_id = s.entry_id AND u.undoes_line_no = s.line_no
          WHERE s.book = t.book AND s.settles_entry_id = t.entry_id AND s.settles_line_no = t.line_no) s) x
WHERE x.settled + x.undone > t.amount ORDER BY 1, 2, 3 LIMIT 1;

-- check: returned-lines-are-reissued-once | 退票行只重发一次，且为同一收款人 | a returned line is paid again once, to its payee, and came back whole
SELECT t.book, t.entry_id, t.line_no FROM transfer t
LEFT JOIN transfer o ON o.book = t.book AND o.entry_id = t.reissues_entry_id AND o.line_no = t.reissues_line_no
WHERE t.reissues_entry_id IS NOT NULL AND ((o.payee_id = t.payee_id AND o.amount = t.amount) IS NOT TRUE
   OR o.amount > coalesce((SELECT sum(u.amount) FROM transfer u WHERE u.book = o.book AND u.undoes_entry_id = o.entry_id
                           AND u.undoes_line_no = o.line_no), 0)
   OR EXISTS (SELECT FROM transfer x WHERE x.book = t.book AND x.reissues_entry_id = t.reissues_entry_id
              AND x.reissues_line_no = t.reissues_line_no AND (x.entry_id, x.line_no) <> (t.entry_id, t.line_no)))
ORDER BY 1, 2, 3 LIMIT 1;

-- check: crossings-are-equal | 跨账簿两边相等 | both sides of a crossing are there and equal
SELECT crossing_id, array_agg(book::text ORDER BY book) AS books, array_agg(total::text ORDER BY book) AS totals FROM entry
WHERE crossing_id IS NOT NULL GROUP BY crossing_id
HAVING count(*) <> 2 OR count(DISTINCT book) <> 2 OR count(DISTINCT (total, line_count, effective_on, entry_kind, instruction_id)) <> 1
ORDER BY 1 LIMIT 1;

-- check: transfers-from-above | 上级转移指标等于负的已下达 | what a district got from above is what the city released
WITH side AS (SELECT a.allocation_id, a.account_kind, sum(b.received - b.given) AS balance FROM account a
    JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id
    WHERE a.account_kind IN ('upper_transfer', 'released') GROUP BY 1, 2)
SELECT allocation_id, sum(balance) AS difference FROM side GROUP BY 1 HAVING sum(balance) <> 0 ORDER BY 1 LIMIT 1;

-- check: duties-are-separate | 制单、审批、支付为不同的人 | maker, approver and payer are different people, as approved
SELECT e.book, e.entry_id FROM entry e JOIN book b ON b.book = e.book
LEFT JOIN approval a ON a.instruction_id = e.instruction_id
    AND a.book = CASE WHEN e.crossing_id IS NULL THEN e.book ELSE coalesce(b.parent_book, b.book) END
WHERE a.approver_id IS DISTINCT FROM e.approver_id OR a.content_sha256 IS DISTINCT FROM e.content_sha256
   OR e.maker_id = e.approver_id OR e.payer_id IN (e.maker_id, e.approver_id) OR (e.entry_kind IN ('pay', 'advance', 'pay_other')) <> (e.payer_id IS NOT NULL)
ORDER BY 1, 2 LIMIT 1;

-- check: payments-are-their-lists | 支付分录与发放清单逐行一致 | what was paid is the approved list, line by line
WITH paid AS (SELECT t.book, e.instruction_id, t.entry_id, t.line_no, t.amount, t.payee_id, t.reissues_entry_id, t.reissues_line_no FROM transfer t
    JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id AND e.entry_kind IN ('pay', 'advance', 'pay_other')),
listed AS (SELECT p.book, p.instruction_id, e.entry_id, p.line_no, p.amount, p.payee_id, p.reissues_entry_id, p.reissues_line_no FROM payment_line p
    JOIN entry e ON e.book = p.book AND e.instruction_id = p.instruction_id)
SELECT coalesce(p.book, l.book) AS book, coalesce(p.entry_id, l.entry_id) AS entry_id, coalesce(p.line_no, l.line_no) AS line_no
FROM paid p FULL JOIN listed l ON l.book = p.book AND l.entry_id = p.entry_id AND l.line_no = p.line_no
WHERE (p.amount, p.payee_id, p.reissues_entry_id, p.reissues_line_no)
      IS DISTINCT FROM (l.amount, l.payee_id, l.reissues_entry_id, l.reissues_line_no) ORDER BY 1, 2, 3 LIMIT 1;

-- check: openings-go-by-erasure-only | 个人信息仅经两人批准删除 | a line's opening is gone if, and only if, two people of one office erased it
WITH done AS MATERIALIZED (
    SELECT e.book, e.proposal_id, (e.approver_id <> p.proposed_by AND a.unit_id = m.unit_id
               AND e.content_sha256 = erasure_digest(e.book, e.proposal_id)) AS by_two
    FROM erasure e JOIN erasure_proposal p ON p.book = e.book AND p.proposal_id = e.proposal_id
    LEFT JOIN staff a ON a.book = e.book AND a.staff_id = e.approver_id
    LEFT JOIN staff m ON m.book = p.book AND m.staff_id = p.proposed_by
), erased AS (
    SELECT l.book, l.instruction_id, l.line_no, bool_and(d.by_two) AS by_two FROM done d
    JOIN erasure_proposal_line l ON l.book = d.book AND l.proposal_id = d.proposal_id GROUP BY 1, 2, 3)
SELECT l.book, l.instruction_id, l.line_no, s.book IS NOT NULL AS is_open, x.book IS NOT NULL AS is_erased
FROM payment_line l
LEFT JOIN payment_line_private s ON s.book = l.book AND s.instruction_id = l.instruction_id AND s.line_no = l.line_no
LEFT JOIN erased x ON x.book = l.book AND x.instruction_id = l.instruction_id AND x.line_no = l.line_no
WHERE (s.book IS NULL) <> (x.book IS NOT NULL) OR (x.book IS NOT NULL AND x.by_two IS NOT TRUE)
ORDER BY 1, 2, 3 LIMIT 1;

-- check: closed-months-stay-closed | 结账后无新凭证 | nothing was posted into a month after it was closed
SELECT e.book, e.entry_id, c.month FROM entry e JOIN period_close c
    ON c.book = e.book AND c.month = date_trunc('month', e.effective_on)::date AND e.order_no > c.order_no
ORDER BY 1, 2 LIMIT 1;

-- check: newest-days | 账户最近生效日与分录一致 | each account's newest effective day is that of its transfers
WITH side AS (
    SELECT t.book, v.account_id, max(e.effective_on) AS day FROM transfer t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
    CROSS JOIN LATERAL (VALUES (t.debit_account), (t.credit_account)) v (account_id) GROUP BY 1, 2)
SELECT b.book, b.account_id, b.last_effective_on, s.day AS derived FROM account_balance b
LEFT JOIN side s ON s.book = b.book AND s.account_id = b.account_id
WHERE b.last_effective_on <> coalesce(s.day, '0001-01-01') ORDER BY 1, 2 LIMIT 1;

-- check: undone-parts-tile | 冲退部分首尾相接 | what undoes a transfer tiles from nothing, and names its amount
SELECT book, entry_id, line_no, undoes_before, expected, undoes_amount, amount FROM (
    SELECT t.book, t.entry_id, t.line_no, t.undoes_before, t.undoes_amount, o.amount,
           coalesce(sum(t.amount) OVER (PARTITION BY t.book, t.undoes_entry_id, t.undoes_line_no ORDER BY t.undoes_before
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS expected
    FROM transfer t LEFT JOIN transfer o ON o.book = t.book AND o.entry_id = t.undoes_entry_id AND o.line_no = t.undoes_line_no
    WHERE t.undoes_entry_id IS NOT NULL) x
WHERE (undoes_before = expected AND undoes_amount = amount) IS NOT TRUE ORDER BY 1, 2, 3 LIMIT 1;

-- check: entries-are-their-instructions | 凭证与所审批指令一致 | an entry says what the instruction says that was approved
SELECT e.book, e.entry_id, e.instruction_id FROM entry e JOIN book b ON b.book = e.book
LEFT JOIN instruction n ON n.instruction_id = e.instruction_id
    AND n.book = CASE WHEN e.crossing_id IS NULL THEN e.book ELSE coalesce(b.parent_book, b.book) END
WHERE (e.entry_kind, e.effective_on, e.document_no, e.summary, e.functional_class, e.economic_class, e.officer_id, e.supervisor_id,
       e.maker_id, e.total, e.line_count)
      IS DISTINCT FROM (n.entry_kind, n.effective_on, n.document_no, n.summary, n.functional_class, n.economic_class, n.officer_id,
       n.supervisor_id, n.maker_id, n.total, n.line_count) ORDER BY 1, 2 LIMIT 1;

-- check: instructions-add-up | 已记账指令与其明细合计一致 | a posted instruction's total and lines are those of its legs or list
WITH posted AS (SELECT DISTINCT n.book, n.instruction_id, n.total, n.line_count, e.payer_id IS NOT NULL AS pays FROM instruction n
    JOIN entry e ON e.book = n.book AND e.instruction_id = n.instruction_id),
legs AS (SELECT book, instruction_id, sum(amount) AS total, count(*) AS lines FROM instruction_leg GROUP BY 1, 2),
listed AS (SELECT book, instruction_id, sum(amount) AS total, count(*) AS lines FROM payment_line GROUP BY 1, 2)
SELECT p.book, p.instruction_id, p.total, l.total AS legs_total, s.total AS list_total FROM posted p
LEFT JOIN legs l ON l.book = p.book AND l.instruction_id = p.instruction_id
LEFT JOIN listed s ON s.book = p.book AND s.instruction_id = p.instruction_id
WHERE l.total IS DISTINCT FROM p.total OR (p.pays AND (s.total, s.lines) IS DISTINCT FROM (p.total::numeric, p.line_count::bigint))
   OR (NOT p.pays AND l.lines <> p.line_count) ORDER BY 1, 2 LIMIT 1;

-- check: claim-windows | 发放窗口与已付清单一致 | who was last paid of a programme and year is what the payments say
WITH paid AS (SELECT e.book, p.programme_code, left(p.period, 4) AS year, max(e.order_no) AS order_no FROM entry e
    JOIN payment_list p ON p.book = e.book AND p.instruction_id = e.instruction_id AND p.payee_kind <> 'organisation' GROUP BY 1, 2, 3)
SELECT coalesce(c.book, p.book) AS book, coalesce(c.programme_code, p.programme_code) AS programme_code, coalesce(c.year, p.year) AS year,
       c.paid_order_no, p.order_no AS derived FROM claim_window c
FULL JOIN paid p ON p.book = c.book AND p.programme_code = c.programme_code AND p.year = c.year
WHERE coalesce(c.paid_order_no, 0) <> coalesce(p.order_no, 0) ORDER BY 1, 2, 3 LIMIT 1;

-- check: refusal-counts | 重复拒绝次数与其痕迹一致 | how often a refusal was repeated is what its marks say
-- Each of the first 16 repeats is marked, then each power of two; a count of revision 0002 is marked where it stood.
WITH milestone AS (SELECT n::bigint FROM generate_series(1, 16) n UNION ALL SELECT 1::bigint << k FROM generate_series(5, 62) k),
marked AS (SELECT book, refusal_id, min(repeats) AS first, max(repeats) AS newest, count(*) AS marks, max(marked_at) AS marked_at
           FROM refusal_repeat GROUP BY 1, 2)
SELECT coalesce(c.book, m.book) AS book, coalesce(c.refusal_id, m.refusal_id) AS refusal_id, c.repeats, c.last_at, m.newest, m.marks, m.marked_at
FROM refusal_count c FULL JOIN marked m ON m.book = c.book AND m.refusal_id = c.refusal_id
LEFT JOIN refusal r ON r.book = c.book AND r.refusal_id = c.refusal_id
CROSS JOIN LATERAL (SELECT count(*) AS marks, max(n) AS newest FROM milestone WHERE n > m.first AND n <= c.repeats) x
WHERE (r.refusal_id IS NOT NULL AND c.repeats >= 1 AND m.newest = coalesce(x.newest, m.first) AND m.marks = 1 + x.marks
       AND m.first <= c.repeats AND CASE c.repeats WHEN m.newest THEN c.last_at = m.marked_at ELSE c.last_at >= m.marked_at END) IS NOT TRUE ORDER BY 1, 2 LIMIT 1;

-- check: bank-files | 代发文件的行数和金额与已付清单一致 | what a bank file was said to hold is what its list paid
SELECT f.book, f.bank_file_id, f.instruction_id, f.line_count, e.line_count AS paid_lines, f.total, e.total AS paid_total FROM bank_file f
LEFT JOIN entry e ON e.book = f.book AND e.instruction_id = f.instruction_id
WHERE (f.line_count, f.total) IS DISTINCT FROM (e.line_count, e.total) ORDER BY 1, 2 LIMIT 1;

-- check: village-counts | 村名单的村数与名单一致 | a village list has as many villages as it says
WITH listed AS (
    SELECT v.book, v.fund_code, v.fiscal_year, v.version, count(l.village_code) AS villages FROM village_list_version v
    JOIN book b ON b.book = v.book
    LEFT JOIN village_list l ON (b.level = 'city' OR l.book = v.book)
        AND (l.fund_code, l.fiscal_year, l.version) = (v.fund_code, v.fiscal_year, v.version) GROUP BY 1, 2, 3, 4)
SELECT v.book, v.list_id, v.version, v.village_count, l.villages FROM village_list_version v
JOIN listed l ON (l.book, l.fund_code, l.fiscal_year, l.version) = (v.book, v.fund_code, v.fiscal_year, v.version)
WHERE v.village_count <> l.villages ORDER BY 1, 2 LIMIT 1;

-- check: parameters-are-their-proposals | 参数与审批的提议一致 | a changed parameter is the proposal that was approved
SELECT a.book, a.proposal_id, a.parameter_id, a.version FROM parameter_approval a
LEFT JOIN parameter_proposal p ON p.book = a.book AND p.proposal_id = a.proposal_id
LEFT JOIN parameter x ON x.parameter_id = a.parameter_id
WHERE (a.content_sha256, x.version, x.code, x.value, x.unit, x.valid_from, x.valid_to, x.source, x.note)
      IS DISTINCT FROM (parameter_digest(a.book, a.proposal_id), a.version, p.code, p.value, p.unit, p.valid_from, p.valid_to, p.source, p.note)
ORDER BY 1, 2 LIMIT 1;

-- check: months-are-there | 每张凭证的会计期间存在 | the month of every entry and close is a period of its book
SELECT x.book, x.record_id, x.month FROM (
    SELECT book, entry_id AS record_id, date_trunc('month', effective_on)::date AS month FROM entry
    UNION ALL SELECT book, period_close_id, month FROM period_close) x
WHERE NOT EXISTS (SELECT FROM period p WHERE p.book = x.book AND p.month = x.month) ORDER BY 1, 2 LIMIT 1;

-- check: allocations-are-one | 指标在上下级账簿相同 | an allocation is the same in the city's and the district's book
SELECT a.book, a.allocation_id FROM allocation a LEFT JOIN allocation o ON o.book = a.origin_book AND o.allocation_id = a.allocation_id
LEFT JOIN entry e ON e.book = a.origin_book AND e.entry_id = a.entry_id
WHERE (o.fund_code, o.fiscal_year, o.district, o.village_code, o.document_no, o.supplementary_document_no, o.budget_line_id, o.entry_id)
      IS DISTINCT FROM (a.fund_code, a.fiscal_year, a.district, a.village_code, a.document_no, a.supplementary_document_no, a.budget_line_id,
      a.entry_id) OR e.entry_id IS NULL ORDER BY 1, 2 LIMIT 1;

-- check: positions-without-gap | 日志位置无缺口 | positions of the log have no gap
SELECT position, expected FROM (SELECT position, row_number() OVER (ORDER BY position) - 1 AS expected FROM log_leaf) x
WHERE position <> expected ORDER BY position LIMIT 1;

-- check: every-record-once-in-the-log | 每条记录在日志中恰有一处 | every record is in the log once, or waits for its position
WITH record AS (
    SELECT book, 'entry' AS kind, entry_id AS record_id, 1 AS version FROM entry
    UNION ALL SELECT book, 'approval', approval_id, 1 FROM approval
    UNION ALL SELECT book, 'refusal', refusal_id, 1 FROM refusal
    UNION ALL SELECT book, 'notice', notice_id, version FROM notice
    UNION ALL SELECT 420100, 'parameter', parameter_id, 1 FROM parameter
    UNION ALL SELECT book, 'period_close', period_close_id, 1 FROM period_close
    UNION ALL SELECT book, 'year_close', year_close_id, 1 FROM year_close
    UNION ALL SELECT book, 'erasure', erasure_id, 1 FROM erasure
), logged AS (
    SELECT book, kind, record_id, version, count(*) AS times FROM (
        SELECT book, kind, record_id, version FROM log_leaf UNION ALL SELECT book, kind, record_id, version FROM log_queue) x GROUP BY 1, 2, 3, 4)
SELECT coalesce(r.book, l.book) AS book, coalesce(r.kind, l.kind) AS kind, coalesce(r.record_id, l.record_id) AS record_id,
       coalesce(r.version, l.version) AS version, coalesce(l.times, 0) AS times, r.record_id IS NOT NULL AS recorded
FROM record r FULL JOIN logged l ON l.book = r.book AND l.kind = r.kind AND l.record_id = r.record_id AND l.version = r.version
WHERE r.record_id IS NULL OR l.times IS DISTINCT FROM 1 ORDER BY 1, 2, 3, 4 LIMIT 1;

-- check: the-queue-is-in-order | 待封存记录按其顺序排队 | what waits for a position waits in the order it was recorded
-- Parameters and erasures keep no order of their own.
WITH record AS (
    SELECT book, 'entry' AS kind, entry_id AS record_id, 1 AS version, order_no FROM entry
    UNION ALL SELECT book, 'approval', approval_id, 1, order_no FROM approval
    UNION ALL SELECT book, 'refusal', refusal_id, 1, order_no FROM refusal
    UNION ALL SELECT book, 'notice', notice_id, version, order_no FROM notice
    UNION ALL SELECT book, 'period_close', period_close_id, 1, order_no FROM period_close
    UNION ALL SELECT book, 'year_close', year_close_id, 1, order_no FROM year_close)
SELECT q.book, q.kind, q.record_id, q.version, q.order_no, r.order_no AS recorded FROM log_queue q
JOIN record r ON (r.book, r.kind, r.record_id, r.version) = (q.book, q.kind, q.record_id, q.version)
WHERE q.order_no <> r.order_no ORDER BY 5 LIMIT 1;

-- check: log-follows-the-accounts | 同一账户日志顺序与合计一致 | on each account the log has postings in the order of its totals
WITH sealed AS (
    SELECT l.position, t.line_no, v.* FROM log_leaf l JOIN transfer t ON t.book = l.book AND t.entry_id = l.record_id
    CROSS JOIN LATERAL (VALUES (t.book, t.debit_account, 'debit', t.debit_before), (t.book, t.credit_account, 'credit', t.credit_before))
        v (book, account_id, side, before)
    WHERE l.kind = 'entry')
SELECT book, account_id, side, position FROM (
    SELECT *, lag(before) OVER (PARTITION BY book, account_id, side ORDER BY position, line_no) AS earlier FROM sealed) x
WHERE before <= earlier ORDER BY position LIMIT 1;
