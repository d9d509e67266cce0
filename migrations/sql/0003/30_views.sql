-- Auditors' own SQL (审计查询): the book in accountants' terms, one schema, Chinese names, for the reader's role only. Yuan with two
-- decimals. Every view is a plain join over stored rows: a filter on its key columns becomes an index seek (docs/auditors-sql.md says
-- which, tests/exports/test_auditors_sql.py keeps it so), and a running balance is carried by the totals that every transfer stored, never added up.
-- Nothing here is personal: payees are ids, organisations have their registered names. Officials stand with their names.

CREATE SCHEMA audit;

CREATE FUNCTION audit.yuan(p_fen bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (p_fen::numeric / 100)::numeric(20, 2) $$;

-- 账户: what an account is; version 1 of a project is never renamed.
CREATE VIEW audit.账户 AS
    SELECT a.book AS 账套, a.account_id AS 账户, a.account_kind AS 科目, k.name_zh AS 科目名称, k.is_source AS 来源科目,
           a.budget_line_id AS 预算科目, a.allocation_id AS 指标, coalesce(l.document_no, n.document_no) AS 指标文号,
           coalesce(l.fund_code, n.fund_code) AS 资金, f.name_zh AS 资金名称, coalesce(l.fiscal_year, n.fiscal_year)::integer AS 预算年度,
           l.district AS 区, l.village_code AS 村, a.project_id AS 项目, p.code AS 项目编号, p.name AS 项目名称,
           a.exec_year::integer AS 执行年度, a.payee_id AS 收款人,
           audit.yuan(b.received) AS 借方累计, audit.yuan(b.given) AS 贷方累计, audit.yuan(b.received - b.given) AS 余额
    FROM account a
    JOIN account_kind k ON k.account_kind = a.account_kind
    LEFT JOIN allocation l ON l.book = a.book AND l.allocation_id = a.allocation_id
    LEFT JOIN budget_line n ON n.book = a.book AND n.budget_line_id = a.budget_line_id
    LEFT JOIN fund f ON f.fund_code = coalesce(l.fund_code, n.fund_code)
    LEFT JOIN project p ON p.book = a.book AND p.project_id = a.project_id AND p.version = 1
    LEFT JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id;

-- 凭证: one row per transfer, with its two accounts; the same entry's rows have one 凭证号.
CREATE VIEW audit.凭证 AS
    SELECT e.book AS 账套, f.position AS 日志位置, e.entry_id AS 凭证号, t.line_no AS 行号, e.entry_kind AS 凭证字, k.name_zh AS 凭证类型,
           e.effective_on AS 记账日期, e.recorded_at AS 录入时间, e.document_no AS 文号, e.summary AS 摘要,
           t.debit_account AS 借方账户, d.account_kind AS 借方科目, dk.name_zh AS 借方科目名称, d.allocation_id AS 借方指标,
           d.project_id AS 借方项目, t.credit_account AS 贷方账户, c.account_kind AS 贷方科目, ck.name_zh AS 贷方科目名称,
           c.allocation_id AS 贷方指标, c.project_id AS 贷方项目, audit.yuan(t.amount) AS 金额, t.payee_id AS 收款人,
           e.functional_class AS 功能分类, e.economic_class AS 经济分类, m.name AS 制单人, v.name AS 审核人, y.name AS 支付人,
           e.officer_id AS 责任人, e.supervisor_id AS 监管责任人, e.crossing_id AS 上下级凭证,
           t.undoes_entry_id AS 冲销凭证, t.undoes_line_no AS 冲销行号, t.settles_entry_id AS 清算凭证, t.settles_line_no AS 清算行号,
           t.reissues_entry_id AS 重发凭证, t.reissues_line_no AS 重发行号
    -- The leaf stands early: PostgreSQL orders the first eight (join_collapse_limit) together, and a filter on 日志位置 begins there.
    FROM entry e
    LEFT JOIN log_leaf f ON f.book = e.book AND f.kind = 'entry' AND f.record_id = e.entry_id AND f.version = 1
    JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
    JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
    JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
    JOIN entry_kind k ON k.entry_kind = e.entry_kind
    JOIN account_kind dk ON dk.account_kind = d.account_kind
    JOIN account_kind ck ON ck.account_kind = c.account_kind
    -- A crossing's district side was made and approved in the city's book.
    LEFT JOIN book b ON b.book = e.book AND e.crossing_id IS NOT NULL
    LEFT JOIN staff m ON m.book = coalesce(b.parent_book, e.book) AND m.staff_id = e.maker_id
    LEFT JOIN staff v ON v.book = coalesce(b.parent_book, e.book) AND v.staff_id = e.approver_id
    LEFT JOIN staff y ON y.book = e.book AND y.staff_id = e.payer_id;

-- 明细账: an account's transfers in lock order. Ask for one account: both sides are then read by their keys, and no other account.
CREATE VIEW audit.明细账 AS
    SELECT s.book AS 账套, s.account_id AS 账户, row_number() OVER w AS 序号, f.position AS 日志位置, s.entry_id AS 凭证号,
           s.line_no AS 行号, s.entry_kind AS 凭证字, s.effective_on AS 记账日期, s.document_no AS 文号, s.summary AS 摘要,
           audit.yuan(s.debit) AS 借方金额, audit.yuan(s.credit) AS 贷方金额,
           audit.yuan(coalesce(max(s.received) OVER w, 0)) AS 借方累计, audit.yuan(coalesce(max(s.given) OVER w, 0)) AS 贷方累计,
           audit.yuan(coalesce(max(s.received) OVER w, 0) - coalesce(max(s.given) OVER w, 0)) AS 余额,
           s.counter_account AS 对方账户, k.account_kind AS 对方科目, kk.name_zh AS 对方科目名称, s.payee_id AS 收款人
    FROM (
        SELECT t.book, t.debit_account AS account_id, t.entry_id, t.line_no, t.amount AS debit, NULL::bigint AS credit,
               t.debit_after AS received, NULL::bigint AS given, t.credit_account AS counter_account, t.payee_id,
               e.order_no, e.entry_kind, e.effective_on, e.document_no, e.summary
        FROM transfer t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
        UNION ALL
        SELECT t.book, t.credit_account, t.entry_id, t.line_no, NULL, t.amount, NULL, t.credit_after, t.debit_account, t.payee_id,
               e.order_no, e.entry_kind, e.effective_on, e.document_no, e.summary
        FROM transfer t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
    ) s
    JOIN account k ON k.book = s.book AND k.account_id = s.counter_account
    JOIN account_kind kk ON kk.account_kind = k.account_kind
    LEFT JOIN log_leaf f ON f.book = s.book AND f.kind = 'entry' AND f.record_id = s.entry_id AND f.version = 1
    WINDOW w AS (PARTITION BY s.book, s.account_id ORDER BY s.order_no, s.line_no ROWS UNBOUNDED PRECEDING);

-- 余额表: an account in a month by effective day; the months are those in which the book has postings.
CREATE VIEW audit.余额表 AS
    SELECT a.账套, p.month AS 会计期间, a.账户, a.科目, a.科目名称, a.指标, a.指标文号, a.资金, a.预算年度, a.项目, a.项目编号, a.执行年度, a.收款人,
           audit.yuan(s.opening) AS 期初余额, audit.yuan(s.debit) AS 借方发生额, audit.yuan(s.credit) AS 贷方发生额,
           audit.yuan(s.opening + s.debit - s.credit) AS 期末余额
    FROM audit.账户 a
    JOIN period p ON p.book = a.账套
    CROSS JOIN LATERAL (
        SELECT count(*) AS days, coalesce(sum(d.received - d.given) FILTER (WHERE d.day < p.month), 0)::bigint AS opening,
               coalesce(sum(d.received) FILTER (WHERE d.day >= p.month), 0)::bigint AS debit,
               coalesce(sum(d.given) FILTER (WHERE d.day >= p.month), 0)::bigint AS credit
        FROM account_day d
        WHERE d.book = a.账套 AND d.account_id = a.账户 AND d.day < (p.month + interval '1 month')::date
    ) s
    WHERE s.days > 0;

-- 截至余额表: every account of a book as it was known at a log position, from the totals its last transfer stored.
CREATE FUNCTION audit.截至余额表(p_book bigint, p_position bigint)
RETURNS TABLE (账套 bigint, 日志位置 bigint, 账户 uuid, 科目 text, 科目名称 text, 指标 uuid, 指标文号 text, 项目 uuid, 执行年度 integer,
               收款人 uuid, 借方累计 numeric, 贷方累计 numeric, 余额 numeric)
LANGUAGE sql STABLE AS $$
    SELECT a.账套, p_position, a.账户, a.科目, a.科目名称, a.指标, a.指标文号, a.项目, a.执行年度, a.收款人,
           audit.yuan(t.received), audit.yuan(t.given), audit.yuan(t.received - t.given)
    FROM audit.账户 a
    JOIN account_balance b ON b.book = a.账套 AND b.account_id = a.账户
    CROSS JOIN LATERAL (
        SELECT public.account_side_at(a.账套, a.账户, true, b.received, p_position) AS received,
               public.account_side_at(a.账套, a.账户, false, b.given, p_position) AS given OFFSET 0
    ) t
    WHERE a.账套 = p_book AND t.received + t.given > 0
$$;

-- 指标执行: how far each allocation has come (see allocation_status).
CREATE VIEW audit.指标执行 AS
    SELECT s.book AS 账套, s.allocation_id AS 指标, s.document_no AS 指标文号, s.supplementary_document_no AS 追加文号, s.district AS 区,
           s.village_code AS 村, s.fund_code AS 资金, f.name_zh AS 资金名称, s.fiscal_year::integer AS 预算年度,
           audit.yuan(s.allocated) AS 已分配, audit.yuan(s.released) AS 已下达, audit.yuan(s.executable) AS 可执行,
           audit.yuan(s.funded) AS 已安排项目, audit.yuan(s.advanced) AS 预拨未清算, audit.yuan(s.paid) AS 已支付, audit.yuan(s.surplus) AS 结余
    FROM allocation_status s JOIN fund f ON f.fund_code = s.fund_code;

-- 支付明细: one row per line that was paid or advanced, and what the bank said of it.
CREATE VIEW audit.支付明细 AS
    SELECT e.book AS 账套, f.position AS 日志位置, e.entry_id AS 凭证号, t.line_no AS 行号, e.entry_kind AS 凭证字, e.effective_on AS 支付日期,
           e.document_no AS 文号, e.summary AS 摘要, audit.yuan(t.amount) AS 金额, l.payee_kind AS 收款人类型, t.payee_id AS 收款人,
           o.name AS 收款单位, o.credit_code AS 统一社会信用代码, p.household_id AS 户, p.programme_code AS 补助项目, p.period AS 期间,
           p.quantity AS 数量, p.participation_ref AS 参与记录, p.exception_document_no AS 特批文号,
           c.allocation_id AS 指标, i.document_no AS 指标文号, i.fund_code AS 资金, i.fiscal_year::integer AS 预算年度,
           c.project_id AS 项目, j.code AS 项目编号, l.procurement_id AS 招投标, l.claim_id AS 报账单,
           e.functional_class AS 功能分类, e.economic_class AS 经济分类,
           audit.yuan((SELECT coalesce(sum(u.amount), 0)::bigint FROM transfer u WHERE u.book = t.book AND u.undoes_entry_id = t.entry_id
                       AND u.undoes_line_no = t.line_no)) AS 已退回,
           (SELECT min(r.settled_on) FROM bank_result r WHERE r.book = t.book AND r.entry_id = t.entry_id AND r.line_no = t.line_no
                       AND r.outcome = 'credited') AS 入账日期,
           t.reissues_entry_id AS 重发凭证, t.reissues_line_no AS 重发行号
    FROM entry e
    JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
    JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
    LEFT JOIN payment_list l ON l.book = e.book AND l.instruction_id = e.instruction_id
    LEFT JOIN payment_line p ON p.book = e.book AND p.instruction_id = e.instruction_id AND p.line_no = t.line_no
    LEFT JOIN organisation o ON o.book = t.book AND o.organisation_id = t.payee_id
    LEFT JOIN allocation i ON i.book = c.book AND i.allocation_id = c.allocation_id
    LEFT JOIN project j ON j.book = c.book AND j.project_id = c.project_id AND j.version = 1
    LEFT JOIN log_leaf f ON f.book = e.book AND f.kind = 'entry' AND f.record_id = e.entry_id AND f.version = 1
    WHERE e.entry_kind IN ('pay', 'advance', 'pay_other');

CREATE VIEW audit.日志 AS                    -- 封存日志: what was sealed at which position
    SELECT position AS 日志位置, book AS 账套, kind AS 种类, record_id AS 记录, version AS 版本, encode(leaf_hash, 'hex') AS 叶哈希,
           encode(lines_root, 'hex') AS 分录根, appended_at AS 封存时间
    FROM log_leaf;

CREATE VIEW audit.检查点 AS                  -- 检查点: what the log's key signed, and which witnesses cosigned
    SELECT c.size AS 日志大小, encode(c.root, 'hex') AS 树根, c.signed_at AS 签名时间, c.note AS 签名文本,
           (SELECT count(*) FROM log_cosignature s WHERE s.size = c.size) AS 见证数
    FROM log_checkpoint c;

COMMENT ON SCHEMA audit IS 'Auditors'' SQL: the book in accountants'' terms (docs/auditors-sql.md)';
COMMENT ON VIEW audit.账户 IS 'Accounts and what they hold now; yuan';
COMMENT ON VIEW audit.凭证 IS 'Voucher lines: one row per transfer, debit and credit account, maker, approver, payer; yuan';
COMMENT ON VIEW audit.明细账 IS 'Subsidiary ledger of an account in lock order with its running balance; filter by 账套 and 账户; yuan';
COMMENT ON VIEW audit.余额表 IS 'Trial balance by account and month of effective days; yuan';
COMMENT ON FUNCTION audit.截至余额表 IS 'Trial balance of a book as known at a log position; yuan';
COMMENT ON VIEW audit.指标执行 IS 'How far each allocation has come; yuan';
COMMENT ON VIEW audit.支付明细 IS 'Payments and advances by line, payees as ids; yuan';
COMMENT ON VIEW audit.日志 IS 'The sealed log';
COMMENT ON VIEW audit.检查点 IS 'Signed checkpoints and how many witnesses cosigned them';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO fundledger_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA audit TO fundledger_reader;
GRANT EXECUTE ON FUNCTION audit.yuan(bigint), audit.截至余额表(bigint, bigint) TO fundledger_reader;
