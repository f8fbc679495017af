-- Flags: readers say that something is wrong with a published review, moderators look at it once for all of them.
-- Measures: what moderators do about people who report without ground.

-- What moderators look at: at most one open case for each review.
CREATE TABLE review_cases (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    review_id BLOB NOT NULL REFERENCES reviews (id),
    status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    -- Rises with every flag and every change: a part of the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    -- 1 = a flag took the review out of public view, and nobody has ruled on that yet.
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    -- 1 = a flag tells of something that may be held at once, whether it was or not.
    grave INTEGER NOT NULL DEFAULT 0 CHECK (grave IN (0, 1)),
    outcome TEXT CHECK (outcome IN ('kept', 'held', 'rejected', 'lapsed')),
    -- Why a moderator decided so; the author reads it with the review.
    reason TEXT CHECK (length(reason) BETWEEN 10 AND 2000),
    -- Which text of the review was before whoever closed the case.
    seen_revision INTEGER CHECK (seen_revision >= 1),
    opened_at INTEGER NOT NULL CHECK (opened_at BETWEEN 0 AND 253402300799999999),
    -- 0 = not closed.
    closed_at INTEGER NOT NULL DEFAULT 0 CHECK (closed_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT review_cases_outcome_when_closed CHECK (
        (status = 'closed') = (outcome IS NOT NULL) AND (status = 'closed') = (closed_at <> 0)
    )
) STRICT;

CREATE UNIQUE INDEX review_cases_one_open ON review_cases (review_id) WHERE status = 'open';
CREATE INDEX review_cases_by_review ON review_cases (review_id, closed_at);
CREATE INDEX review_cases_by_status ON review_cases (status, opened_at, id);

CREATE TABLE review_flags (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    case_id BLOB NOT NULL REFERENCES review_cases (id),
    review_id BLOB NOT NULL REFERENCES reviews (id),
    party_class TEXT NOT NULL CHECK (party_class IN ('participant', 'provider', 'university')),
    -- A participant's principal, a provider or a university; no foreign key, because the table depends on party_class.
    -- NULL = a participant whose identity is erased.
    party_id BLOB CHECK (length(party_id) = 16),
    note TEXT CHECK (length(note) BETWEEN 10 AND 2000),
    -- 1 = this flag took the review out of public view.
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE UNIQUE INDEX review_flags_once ON review_flags (review_id, party_id) WHERE party_id IS NOT NULL;
CREATE INDEX review_flags_that_held ON review_flags (created_at) WHERE held = 1;
CREATE INDEX review_flags_by_case ON review_flags (case_id);
CREATE INDEX review_flags_by_party ON review_flags (party_id, created_at) WHERE party_id IS NOT NULL;

CREATE TABLE review_flag_reasons (
    flag_id BLOB NOT NULL REFERENCES review_flags (id),
    reason TEXT NOT NULL CHECK (
        reason IN (
            'spam', 'not_a_participant', 'personal_data', 'identifiable_patient', 'hate_or_harassment',
            'illegal_content', 'conflict_of_interest', 'off_topic', 'other'
        )
    ),
    PRIMARY KEY (flag_id, reason)
) STRICT, WITHOUT ROWID;

-- What a moderator did about the reporter of a report that was not found true. Reason and time are in the decision.
CREATE TABLE reporter_measures (
    -- No foreign key: the decision is written last.
    decision_id BLOB NOT NULL PRIMARY KEY CHECK (length(decision_id) = 16),
    report_id BLOB NOT NULL REFERENCES red_flag_reports (id),
    reporter_id BLOB NOT NULL REFERENCES principals (id),
    action TEXT NOT NULL CHECK (action IN ('warn', 'suspend', 'restore')),
    -- Until when the right to report is suspended; 0 = it is not by this measure.
    suspended_until INTEGER NOT NULL DEFAULT 0 CHECK (suspended_until BETWEEN 0 AND 253402300799999999),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT reporter_measures_until_when_suspended CHECK ((action = 'suspend') = (suspended_until <> 0))
) STRICT;

CREATE INDEX reporter_measures_by_report ON reporter_measures (report_id, created_at);
CREATE INDEX reporter_measures_by_reporter ON reporter_measures (reporter_id, action, created_at);

-- Whose right to report and to flag is suspended. A row whose time is over says nothing.
CREATE TABLE report_rights (
    principal_id BLOB NOT NULL PRIMARY KEY REFERENCES principals (id),
    suspended_until INTEGER NOT NULL CHECK (suspended_until BETWEEN 0 AND 253402300799999999),
    -- The measure that suspended it.
    decision_id BLOB NOT NULL REFERENCES reporter_measures (decision_id)
) STRICT;
