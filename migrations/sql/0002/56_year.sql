-- The turn of the year: when money is surplus, what is left of a year, and closing it (关账).
--
-- Idle money grows old from the last day of its fiscal year, whatever project or village it went to meanwhile (国办发
-- 〔2014〕70号, 财预〔2015〕15号): after `surplus_days` it is no more carried over or released but handed in.

-- The first day on which money of a fiscal year is surplus (结余), by the rule in force on a day; null: there is no rule.
CREATE FUNCTION surplus_on(p_fiscal_year integer, p_day date) RETURNS date
LANGUAGE sql STABLE AS $$ SELECT make_date(p_fiscal_year, 12, 31) + parameter_value('surplus_days', p_day)::integer $$;

CREATE TABLE year_close (                   -- 年度关账: after it the year's accounts only give out what comes back to them
    book          bigint   NOT NULL REFERENCES book (book),
    fiscal_year   smallint NOT NULL CHECK (fiscal_year BETWEEN 2000 AND 2999),
    year_close_id uuid     NOT NULL UNIQUE,
    closed_by     uuid     NOT NULL,
    document_no   text     NOT NULL CHECK (document_no <> ''),
    order_no      bigint   NOT NULL,
    closed_at     timestamptz NOT NULL,
    PRIMARY KEY (book, fiscal_year),
    FOREIGN KEY (book, closed_by) REFERENCES staff (book, staff_id)
);

-- What is left (余额) in accounts that a year's turn looks at; fen. A district's accounts belong to the year in which the
-- money is executed, the city's unreleased ones to the fiscal year.
CREATE VIEW year_balance AS
    SELECT c.book, c.exec_year, c.account_kind, c.allocation_id, c.project_id, c.payee_id, a.origin_book, a.fund_code, a.fiscal_year,
           a.village_code, a.document_no, b.balance
    FROM account c
    CROSS JOIN LATERAL (SELECT b.received - b.given AS balance FROM account_balance b
                        WHERE b.book = c.book AND b.account_id = c.account_id OFFSET 0) b
    CROSS JOIN LATERAL (SELECT * FROM allocation a WHERE a.book = c.book AND a.allocation_id = c.allocation_id OFFSET 0) a
    WHERE c.account_kind IN ('unreleased', 'executable', 'available', 'advanced') AND b.balance > 0;

-- Closes a year of a book. In a district nothing may be left to spend in that year's accounts: it was carried over, recovered
-- or handed in; unsettled advances stay. In the city no unreleased money may be left that is surplus by the year's end.
--
-- The months are locked first, then the balances, each sorted, as gate_post does: a posting that moves money of the year is
-- waited for, and one that waits for us finds the year closed (gate_check_year reads it under the same balances).
CREATE FUNCTION gate_close_year(p_book bigint, p_year integer, p_id uuid, p_staff uuid, p_document text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz;
    v_order bigint;
    v_faults gate_fault[];
    v_first date := make_date(p_year, 1, 1);
    v_last date := make_date(p_year, 12, 31);
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM 1 FROM period p WHERE p.book = p_book AND p.month BETWEEN v_first AND v_last ORDER BY p.month FOR UPDATE;
    PERFORM 1 FROM (SELECT c.account_id FROM account c WHERE c.book = p_book
                    AND ((c.account_kind IN ('executable', 'available') AND c.exec_year = p_year)
                         OR (c.account_kind = 'unreleased' AND c.exec_year <= p_year)) ORDER BY 1) m
    CROSS JOIN LATERAL (SELECT 1 FROM account_balance b WHERE b.book = p_book AND b.account_id = m.account_id FOR NO KEY UPDATE) b;
    -- Statements of their own, so that they see what was committed while the locks were waited for.
    v_faults := ARRAY(
        SELECT gate_fault_of(1, 'closer-without-duty', '{}')
        WHERE NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
            WHERE s.book = p_book AND s.staff_id = p_staff AND u.kind = 'finance' AND 'approver' = ANY (s.duties))
        UNION ALL
        SELECT gate_fault_of(1, 'year-not-over', jsonb_build_object('fiscal_year', p_year)) WHERE v_last >= shanghai_today()
        UNION ALL
        SELECT gate_fault_of(1, 'year-closed', jsonb_build_object('book', p_book::text, 'fiscal_year', p_year))
        FROM year_close y WHERE y.book = p_book AND y.fiscal_year = p_year
        UNION ALL
        SELECT gate_fault_of(1, 'year-months-open', jsonb_build_object('months', string_agg(to_char(m.month, 'YYYY-MM'), ', ' ORDER BY m.month)))
        FROM generate_series(v_first, v_last, interval '1 month') m (month)
        WHERE NOT EXISTS (SELECT FROM period_close c WHERE c.book = p_book AND c.month = m.month::date) HAVING count(*) > 0
        UNION ALL
        (SELECT gate_fault_of(1, 'year-has-balance', jsonb_build_object('account_kind', b.account_kind, 'allocation_id', b.allocation_id,
                'project_id', b.project_id, 'remaining', b.balance))
         FROM year_balance b
         WHERE b.book = p_book AND ((b.account_kind IN ('executable', 'available') AND b.exec_year = p_year)
             OR (b.account_kind = 'unreleased' AND v_last >= surplus_on(b.fiscal_year, v_last)))
         ORDER BY b.account_kind DESC, b.allocation_id, b.project_id LIMIT 200));
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM unnest(v_faults) f;
    v_now := clock_timestamp();
    v_order := nextval('record_order');
    INSERT INTO year_close (book, fiscal_year, year_close_id, closed_by, document_no, order_no, closed_at)
    VALUES (p_book, p_year, p_id, p_staff, p_document, v_order, v_now);
    INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (v_order, p_book, 'year_close', p_id);
    RETURN v_now;
END $$;

GRANT EXECUTE ON FUNCTION gate_close_year(bigint, integer, uuid, uuid, text) TO fundledger_service;
GRANT EXECUTE ON FUNCTION surplus_on(integer, date) TO fundledger_service, fundledger_reader;
