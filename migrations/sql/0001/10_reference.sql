-- Reference data: small, slow, without a book. A book, a fund, a programme, a posting rule: what the gate knows by heart.
-- Filled by migrations only; the service's role can read it and nothing else.

CREATE TABLE book (                         -- 账套: one per government level; the code is GB/T 2260
    book        bigint PRIMARY KEY,
    name        text   NOT NULL,
    name_en     text   NOT NULL,
    level       text   NOT NULL CHECK (level IN ('city', 'district')),
    parent_book bigint REFERENCES book (book),
    CHECK ((level = 'city') = (parent_book IS NULL))
);

CREATE TABLE fund (                         -- 资金类别
    fund_code          text PRIMARY KEY,
    name_zh            text NOT NULL,
    name_en            text NOT NULL,
    origin             text NOT NULL CHECK (origin IN ('city', 'district')),
    basis              text NOT NULL CHECK (basis IN ('village_standard', 'floor', 'factor')),
    standard_parameter text,                -- fen per village and year, where the standard is per village
    floor_parameter    text,                -- percent of the declared figure, where the policy sets a floor
    rule               text NOT NULL        -- money rule of domain.md section 1.1
);

CREATE TABLE programme (                    -- 补助项目类型: what a payment is for
    programme_code         text PRIMARY KEY,
    name_zh                text NOT NULL,
    name_en                text NOT NULL,
    payee_kind             text NOT NULL CHECK (payee_kind IN ('household', 'person', 'organisation')),
    category               text NOT NULL,   -- one of the eight programmes (八大工程) or 'public_affairs'
    functional_class       text NOT NULL,   -- 21305xx and others, domain.md 5.3
    economic_class         text NOT NULL,   -- 部门预算支出经济分类
    roster_required        boolean NOT NULL,
    participation_required boolean NOT NULL, -- M16: household money is tied to participation
    paid_in_full           boolean NOT NULL, -- M29: housing money reaches the household in full
    standard_parameter     text,            -- fen per unit; null: no unit standard
    rule                   text NOT NULL
);

CREATE TABLE negative_list (                -- 负面清单 N1-N11: economic classes that poverty money never pays
    code           text NOT NULL,
    economic_class text NOT NULL,           -- a prefix
    name_zh        text NOT NULL,
    name_en        text NOT NULL,
    PRIMARY KEY (code, economic_class)
);

CREATE TABLE exemption_rule (               -- 招投标豁免: which categories may go without a tender, up to what estimate
    exemption_code   text PRIMARY KEY,
    name_zh          text NOT NULL,
    name_en          text NOT NULL,
    categories       text[] NOT NULL,       -- project categories; '{*}' means every category
    payee_kinds      text[] NOT NULL,       -- '{*}' means every payee
    limit_parameter  text,                  -- fen; null: no limit
    rule             text NOT NULL
);

CREATE TABLE parameter (                    -- 政策参数: every limit, day count, percentage and standard, versioned
    code       text    NOT NULL,
    version    integer NOT NULL CHECK (version >= 1),
    value      bigint  NOT NULL,            -- in `unit`
    unit       text    NOT NULL CHECK (unit IN ('fen', 'percent', 'days', 'count')),
    valid_from date    NOT NULL,
    valid_to   date,                        -- last day, inclusive
    source     text    NOT NULL,            -- document and clause
    note       text    NOT NULL DEFAULT '',
    parameter_id uuid  NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    PRIMARY KEY (code, version),
    CHECK (valid_to IS NULL OR valid_to >= valid_from)
);

CREATE FUNCTION parameter_value(p_code text, p_on date) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$               -- plpgsql keeps the plan; an SQL function would plan anew in each query
BEGIN
    RETURN (SELECT value FROM parameter
            WHERE code = p_code AND valid_from <= p_on AND (valid_to IS NULL OR valid_to >= p_on)
            ORDER BY version DESC LIMIT 1);
END $$;

CREATE TABLE account_kind (                 -- 账户种类: own codes with the official Chinese names (财办〔2022〕36号)
    account_kind text PRIMARY KEY,
    name_zh      text NOT NULL,
    name_en      text NOT NULL,
    is_source    boolean NOT NULL,          -- only a source may go below zero
    is_terminal  boolean NOT NULL           -- money leaves it only by an undo
);

CREATE TABLE posting_rule (                 -- which accounts an entry kind moves money between
    entry_kind   text     NOT NULL,
    side         smallint NOT NULL CHECK (side IN (1, 2)),  -- 2: the district's leg of a crossing
    payer_kind   text     NOT NULL REFERENCES account_kind (account_kind),
    receiver_kind text    NOT NULL REFERENCES account_kind (account_kind),
    PRIMARY KEY (entry_kind, side)
);

CREATE TABLE entry_kind (                   -- 凭证种类
    entry_kind  text PRIMARY KEY,
    name_zh     text NOT NULL,
    name_en     text NOT NULL,
    level       text NOT NULL CHECK (level IN ('city', 'district', 'any')),
    maker_units text[] NOT NULL,            -- unit kinds whose makers may draft it
    is_payment  boolean NOT NULL,           -- needs all five of the five-to-district and a payer
    is_undo     boolean NOT NULL            -- every leg names the transfer it undoes
);
