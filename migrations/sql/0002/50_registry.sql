-- Where a payee's money goes (一卡通 cards of persons, 对公账户 of organisations), payees that poverty money never reaches
-- (负面清单 by payee), and programmes that exclude each other.

-- The first account of a person or organisation counts at once; a changed one only when a second person has confirmed it
-- by its document: changing the card is how money is diverted. A household's money goes to its head's card.
CREATE TABLE payee_account (
    book         bigint  NOT NULL REFERENCES book (book),
    holder_id    uuid    NOT NULL,          -- a person or an organisation
    version      integer NOT NULL CHECK (version >= 1),
    account_hash bytea   NOT NULL CHECK (length(account_hash) = 32),   -- compared with payment_line.card_hash
    sealed       bytea   NOT NULL,          -- AES-256-GCM: the number
    bank         text    NOT NULL DEFAULT '',
    document_no  text    NOT NULL,
    recorded_by  uuid    NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid          xid8    NOT NULL DEFAULT pg_current_xact_id(),        -- see approval.checked_xmin
    PRIMARY KEY (book, holder_id, version)
);
CREATE INDEX payee_account_xid ON payee_account (xid);

CREATE TABLE payee_account_confirmation (
    book         bigint  NOT NULL,
    holder_id    uuid    NOT NULL,
    version      integer NOT NULL,
    confirmed_by uuid    NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid          xid8    NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (book, holder_id, version),
    FOREIGN KEY (book, holder_id, version) REFERENCES payee_account (book, holder_id, version),
    FOREIGN KEY (book, confirmed_by) REFERENCES staff (book, staff_id)
);
CREATE INDEX payee_account_confirmation_xid ON payee_account_confirmation (xid);

-- Of somebody who is in the registry, as the next version, by a maker of an office: once for all rows of a file. Without the
-- second, whoever skips a number leaves one free for later.
CREATE FUNCTION check_payee_accounts() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT a.book, a.recorded_by FROM added a) a
               WHERE NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
                   WHERE s.book = a.book AND s.staff_id = a.recorded_by AND 'maker' = ANY (s.duties)
                     AND u.kind IN ('finance', 'poverty_office', 'township'))) THEN
        RAISE EXCEPTION 'fundledger: accounts are recorded by makers' USING ERRCODE = '23514', CONSTRAINT = 'payee_account_maker', TABLE = TG_TABLE_NAME;
    END IF;
    IF EXISTS (SELECT FROM added a
               LEFT JOIN LATERAL (SELECT true AS found FROM person p WHERE p.book = a.book AND p.person_id = a.holder_id OFFSET 0) p ON true
               LEFT JOIN LATERAL (SELECT true AS found FROM organisation o WHERE p.found IS NULL AND o.book = a.book AND o.organisation_id = a.holder_id OFFSET 0) o ON true
               WHERE p.found IS NULL AND o.found IS NULL) THEN
        RAISE EXCEPTION 'fundledger: an account of nobody' USING ERRCODE = '23503', CONSTRAINT = 'payee_account_holder', TABLE = TG_TABLE_NAME;
    END IF;
    IF EXISTS (SELECT FROM added a
               LEFT JOIN LATERAL (SELECT true AS found FROM payee_account b WHERE b.book = a.book AND b.holder_id = a.holder_id
                                  AND b.version = a.version - 1 OFFSET 0) b ON true
               WHERE a.version > 1 AND b.found IS NULL) THEN
        RAISE EXCEPTION 'fundledger: not the next version' USING ERRCODE = '23514', CONSTRAINT = 'payee_account_version_next', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payee_account_check AFTER INSERT ON payee_account REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION check_payee_accounts();

CREATE FUNCTION refuse_own_confirmation() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM payee_account a WHERE a.book = NEW.book AND a.holder_id = NEW.holder_id AND a.version = NEW.version
               AND a.recorded_by = NEW.confirmed_by) THEN
        RAISE EXCEPTION 'fundledger: an account is confirmed by somebody else' USING ERRCODE = '23514', CONSTRAINT = 'payee_account_two_people';
    END IF;
    IF NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id WHERE s.book = NEW.book
                   AND s.staff_id = NEW.confirmed_by AND 'approver' = ANY (s.duties) AND u.kind IN ('finance', 'poverty_office')) THEN
        RAISE EXCEPTION 'fundledger: an account is confirmed by an approver' USING ERRCODE = '23514', CONSTRAINT = 'payee_account_approver';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payee_account_two_people BEFORE INSERT ON payee_account_confirmation
    FOR EACH ROW EXECUTE FUNCTION refuse_own_confirmation();

-- The account that counts: the newest that is the first or confirmed.
CREATE FUNCTION payee_account_hash(p_book bigint, p_holder uuid) RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT a.account_hash FROM payee_account a WHERE a.book = p_book AND a.holder_id = p_holder
            AND (a.version = 1 OR EXISTS (SELECT FROM payee_account_confirmation c WHERE c.book = a.book AND c.holder_id = a.holder_id
                                          AND c.version = a.version))
            ORDER BY a.version DESC LIMIT 1);
END $$;

-- 负面清单 N3, N5, N9, N10 by payee: whom poverty money never reaches, whatever the payment is called.
CREATE TABLE organisation_flag (
    book            bigint  NOT NULL,
    organisation_id uuid    NOT NULL,
    negative_code   text    NOT NULL CHECK (negative_code ~ '^N([1-9]|1[01])$'),
    valid_from      date    NOT NULL,
    version         integer NOT NULL CHECK (version >= 1),   -- a later version corrects the same day
    flagged         boolean NOT NULL,       -- false: lifted from that day on
    reason          text    NOT NULL,
    document_no     text    NOT NULL,
    recorded_by     uuid    NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, organisation_id, negative_code, valid_from, version),
    FOREIGN KEY (book, organisation_id) REFERENCES organisation (book, organisation_id),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);

-- Flags are set and lifted by makers of the bureaus; whoever flagged an organisation does not lift the flag.
CREATE FUNCTION refuse_own_lifting() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id WHERE s.book = NEW.book
                   AND s.staff_id = NEW.recorded_by AND 'maker' = ANY (s.duties) AND u.kind IN ('finance', 'poverty_office')) THEN
        RAISE EXCEPTION 'fundledger: flags are set by makers of the bureaus' USING ERRCODE = '23514', CONSTRAINT = 'organisation_flag_maker';
    END IF;
    IF NOT NEW.flagged AND EXISTS (SELECT FROM organisation_flag f WHERE f.book = NEW.book AND f.organisation_id = NEW.organisation_id
            AND f.negative_code = NEW.negative_code AND f.flagged AND f.recorded_by = NEW.recorded_by) THEN
        RAISE EXCEPTION 'fundledger: a flag is lifted by somebody else' USING ERRCODE = '23514', CONSTRAINT = 'organisation_flag_two_people';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER organisation_flag_two_people BEFORE INSERT ON organisation_flag FOR EACH ROW EXECUTE FUNCTION refuse_own_lifting();

-- 互斥项目: of two programmes, whoever had the one is not paid the other: in the same period, in the same year, or ever.
CREATE TABLE programme_exclusion (
    programme_a text NOT NULL REFERENCES programme (programme_code),
    programme_b text NOT NULL REFERENCES programme (programme_code),
    scope       text NOT NULL CHECK (scope IN ('period', 'year', 'ever')),
    per         text NOT NULL CHECK (per IN ('household', 'person')),   -- whose payments count: of the household and its members, or the person's own
    rule        text NOT NULL,
    PRIMARY KEY (programme_a, programme_b),
    CHECK (programme_a < programme_b)
);

INSERT INTO programme VALUES
    ('relocation', '易地扶贫搬迁补助', 'Relocation grant', 'household', 'housing', '2210199', '30399', true, false, false, NULL, 'M28'),
    ('destitute_support', '特困人员救助供养', 'Support of the destitute', 'person', 'minimum_living', '2082102', '30305',
     true, false, false, NULL, 'M30');

INSERT INTO programme_exclusion VALUES
    ('housing_repair', 'relocation', 'ever', 'household', 'FCL-11: 易地扶贫搬迁户不再享受危房改造补助'),
    ('destitute_support', 'dibao_topup', 'period', 'household', 'FCL-11: 低保与特困供养同期不重复享受');

-- What 301 said already, now by its own number too; 三公 spending within 302.
INSERT INTO negative_list VALUES
    ('N2', '30103', '奖金', 'bonuses'), ('N2', '30106', '伙食补助', 'meal allowances of staff'),
    ('N1', '30212', '因公出国费用', 'official travel abroad'), ('N1', '30217', '公务接待费', 'official hospitality'),
    ('N1', '30231', '公务用车运行维护费', 'running official cars');

ALTER TABLE registry_import DROP CONSTRAINT registry_import_kind_check;
ALTER TABLE registry_import ADD CONSTRAINT registry_import_kind_check CHECK (kind IN ('households', 'statuses', 'roster', 'cards'));

CREATE OR REPLACE FUNCTION refresh_statistics(p_tables text[]) RETURNS void   -- as in 0001/70_, with the accounts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_table text;
    v_allowed text[] := ARRAY['account', 'account_balance', 'account_day', 'allocation', 'approval', 'bank_result', 'claim_window',
        'division', 'entry', 'household', 'idempotency', 'instruction', 'instruction_leg', 'log_leaf', 'log_queue', 'notice',
        'organisation', 'payee_account', 'payment_line', 'payment_line_private', 'payment_list', 'person', 'project',
        'registry_status', 'roster_member', 'transfer', 'village_list', 'village_list_version'];
BEGIN
    FOR v_table IN SELECT DISTINCT t FROM unnest(p_tables) t ORDER BY 1 LOOP
        IF v_table IS NULL OR NOT v_table = ANY (v_allowed) THEN
            RAISE EXCEPTION 'refresh_statistics: % is not on the list', v_table USING ERRCODE = '22023';
        END IF;
        EXECUTE format('ANALYZE (SKIP_LOCKED) %I', v_table);
    END LOOP;
END $$;

GRANT INSERT (book, holder_id, version, account_hash, sealed, bank, document_no, recorded_by) ON payee_account TO fundledger_service;
GRANT INSERT (book, holder_id, version, confirmed_by) ON payee_account_confirmation TO fundledger_service;
GRANT INSERT ON organisation_flag TO fundledger_service;
GRANT EXECUTE ON FUNCTION payee_account_hash(bigint, uuid) TO fundledger_service, fundledger_reader;
