-- Flags: readers say that something is wrong with a published review, moderators look at it once for all of them.
-- Measures: what moderators do about people who report without ground.

-- What moderators look at: at most one open case for each review.
CREATE TABLE review_cases (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    review_id BYTEA NOT NULL REFERENCES reviews (id),
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'closed')),
    -- Rises with every flag and every change: a part of the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    -- 1 = a flag took the review out of public view, and nobody has ruled on that yet.
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    -- 1 = a flag tells of something that may be held at once, whether it was or not.
    grave INTEGER NOT NULL DEFAULT 0 CHECK (grave IN (0, 1)),
    outcome TEXT COLLATE "C" CHECK (outcome IN ('kept', 'held', 'rejected', 'lapsed')),
    -- Why a moderator decided so; the author reads it with the review.
    reason TEXT COLLATE "C" CHECK (length(reason) BETWEEN 10 AND 2000),
    -- Which text of the review was before whoever closed the case.
    seen_revision INTEGER CHECK (seen_revision >= 1),
    opened_at BIGINT NOT NULL CHECK (opened_at BETWEEN 0 AND 253402300799999999),
    -- 0 = not closed.
    closed_at BIGINT NOT NULL DEFAULT 0 CHECK (closed_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT review_cases_outcome_when_closed CHECK (
        (status = 'closed') = (outcome IS NOT NULL) AND (status = 'closed') = (closed_at <> 0)
    )
);

CREATE UNIQUE INDEX review_cases_one_open ON review_cases (review_id) WHERE status = 'open';
CREATE INDEX review_cases_by_review ON review_cases (review_id, closed_at);
CREATE INDEX review_cases_by_status ON review_cases (status, opened_at, id);

CREATE TABLE review_flags (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    case_id BYTEA NOT NULL REFERENCES review_cases (id),
    review_id BYTEA NOT NULL REFERENCES reviews (id),
    party_class TEXT COLLATE "C" NOT NULL CHECK (party_class IN ('participant', 'provider', 'university')),
    -- A participant's principal, a provider or a university; no foreign key, because the table depends on party_class.
    -- NULL = a participant whose identity is erased.
    party_id BYTEA CHECK (length(party_id) = 16),
    note TEXT COLLATE "C" CHECK (length(note) BETWEEN 10 AND 2000),
    -- 1 = this flag took the review out of public view.
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999)
);

CREATE UNIQUE INDEX review_flags_once ON review_flags (review_id, party_id) WHERE party_id IS NOT NULL;
CREATE INDEX review_flags_that_held ON review_flags (created_at) WHERE held = 1;
CREATE INDEX review_flags_by_case ON review_flags (case_id);
CREATE INDEX review_flags_by_party ON review_flags (party_id, created_at) WHERE party_id IS NOT NULL;

CREATE TABLE review_flag_reasons (
    flag_id BYTEA NOT NULL REFERENCES review_flags (id),
    reason TEXT COLLATE "C" NOT NULL CHECK (
        reason IN (
            'spam', 'not_a_participant', 'personal_data', 'identifiable_patient', 'hate_or_harassment',
            'illegal_content', 'conflict_of_interest', 'off_topic', 'other'
        )
    ),
    PRIMARY KEY (flag_id, reason)
);

-- What a moderator did about the reporter of a report that was not found true. Reason and time are in the decision.
CREATE TABLE reporter_measures (
    -- No foreign key: the decision is written last.
    decision_id BYTEA NOT NULL PRIMARY KEY CHECK (length(decision_id) = 16),
    report_id BYTEA NOT NULL REFERENCES red_flag_reports (id),
    reporter_id BYTEA NOT NULL REFERENCES principals (id),
    action TEXT COLLATE "C" NOT NULL CHECK (action IN ('warn', 'suspend', 'restore')),
    -- Until when the right to report is suspended; 0 = it is not by this measure.
    suspended_until BIGINT NOT NULL DEFAULT 0 CHECK (suspended_until BETWEEN 0 AND 253402300799999999),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT reporter_measures_until_when_suspended CHECK ((action = 'suspend') = (suspended_until <> 0))
);

CREATE INDEX reporter_measures_by_report ON reporter_measures (report_id, created_at);
CREATE INDEX reporter_measures_by_reporter ON reporter_measures (reporter_id, action, created_at);

-- Whose right to report and to flag is suspended. A row whose time is over says nothing.
CREATE TABLE report_rights (
    principal_id BYTEA NOT NULL PRIMARY KEY REFERENCES principals (id),
    suspended_until BIGINT NOT NULL CHECK (suspended_until BETWEEN 0 AND 253402300799999999),
    -- The measure that suspended it.
    decision_id BYTEA NOT NULL REFERENCES reporter_measures (decision_id)
);
