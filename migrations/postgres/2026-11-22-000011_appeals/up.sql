-- Statements of reasons, the public record of decisions, and appeals against them.

ALTER TABLE decisions DROP CONSTRAINT decisions_subject_kind_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_subject_kind_check CHECK (
    subject_kind IN (
        'program', 'review', 'red_flag_report', 'assessment', 'triage_entry',
        'review_reply', 'review_answer', 'appeal'
    )
);
ALTER TABLE decisions DROP CONSTRAINT decisions_from_status_fits_subject;
ALTER TABLE decisions ADD CONSTRAINT decisions_from_status_fits_subject CHECK (
    CASE subject_kind
        WHEN 'program' THEN from_status IN (
            '', 'draft', 'submitted', 'listed', 'suspended', 'archived'
        )
        WHEN 'review' THEN from_status IN (
            '', 'pending', 'held', 'published', 'rejected', 'withdrawn'
        )
        WHEN 'assessment' THEN from_status IN (
            '', 'draft', 'submitted', 'signed_off', 'published', 'superseded', 'withdrawn'
        )
        WHEN 'triage_entry' THEN from_status IN (
            '', 'open', 'confirmed', 'dismissed', 'remediated'
        )
        WHEN 'appeal' THEN from_status IN (
            '', 'pending', 'upheld', 'denied'
        )
        WHEN 'review_reply' THEN from_status IN (
            '', 'published', 'removed', 'withdrawn'
        )
        WHEN 'review_answer' THEN from_status IN (
            '', 'published', 'removed', 'withdrawn'
        )
        ELSE from_status IN (
            '', 'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
            'withdrawn', 'remediated'
        )
    END
);
ALTER TABLE decisions DROP CONSTRAINT decisions_to_status_fits_subject;
ALTER TABLE decisions ADD CONSTRAINT decisions_to_status_fits_subject CHECK (
    CASE subject_kind
        WHEN 'program' THEN to_status IN (
            'draft', 'submitted', 'listed', 'suspended', 'archived'
        )
        WHEN 'review' THEN to_status IN (
            'pending', 'held', 'published', 'rejected', 'withdrawn'
        )
        WHEN 'assessment' THEN to_status IN (
            'draft', 'submitted', 'signed_off', 'published', 'superseded', 'withdrawn'
        )
        WHEN 'triage_entry' THEN to_status IN (
            'open', 'confirmed', 'dismissed', 'remediated'
        )
        WHEN 'appeal' THEN to_status IN (
            'pending', 'upheld', 'denied'
        )
        WHEN 'review_reply' THEN to_status IN (
            'published', 'removed', 'withdrawn'
        )
        WHEN 'review_answer' THEN to_status IN (
            'published', 'removed', 'withdrawn'
        )
        ELSE to_status IN (
            'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
            'withdrawn', 'remediated'
        )
    END
);

-- The statement of reasons. NULL = none was asked for when the decision was taken.
ALTER TABLE decisions ADD COLUMN ground TEXT COLLATE "C"
CHECK (length(ground) BETWEEN 1 AND 40);
ALTER TABLE decisions ADD COLUMN facts TEXT COLLATE "C"
CHECK (length(facts) BETWEEN 1 AND 2000);
-- Whether the automatic checks found what was decided on.
ALTER TABLE decisions ADD COLUMN automated INTEGER NOT NULL DEFAULT 0 CHECK (automated IN (0, 1));
UPDATE decisions SET automated = 1 WHERE actor_role = 'system';
-- The program that it concerns and its provider, which follow from the subject and never change.
ALTER TABLE decisions ADD COLUMN program_id BYTEA CHECK (octet_length(program_id) = 16);
ALTER TABLE decisions ADD COLUMN provider_id BYTEA CHECK (octet_length(provider_id) = 16);
UPDATE decisions SET program_id = CASE subject_kind
    WHEN 'program' THEN subject_id
    WHEN 'review' THEN (SELECT program_id FROM reviews WHERE reviews.id = decisions.subject_id)
    WHEN 'review_reply' THEN (SELECT program_id FROM reviews WHERE reviews.id = decisions.subject_id)
    WHEN 'review_answer' THEN (SELECT program_id FROM reviews WHERE reviews.id = decisions.subject_id)
    WHEN 'assessment' THEN (SELECT program_id FROM assessments WHERE assessments.id = decisions.subject_id)
    WHEN 'triage_entry' THEN (SELECT program_id FROM triage_entries WHERE triage_entries.id = decisions.subject_id)
    WHEN 'red_flag_report' THEN (
        SELECT program_id FROM red_flag_reports WHERE red_flag_reports.id = decisions.subject_id
    )
END;
UPDATE decisions SET provider_id = (SELECT provider_id FROM programs WHERE programs.id = decisions.program_id);
-- The month under which it stands in the public record (year * 12 + month - 1); NULL = it does not. Decisions before this
-- migration do not: their ids carry the moment.
ALTER TABLE decisions ADD COLUMN public_month INTEGER CHECK (public_month BETWEEN 22800 AND 26399);

CREATE INDEX decisions_public ON decisions (public_month, id) WHERE public_month IS NOT NULL;
CREATE INDEX decisions_public_by_kind ON decisions (subject_kind, public_month, id)
WHERE public_month IS NOT NULL;
CREATE INDEX decisions_public_by_action ON decisions (action, public_month, id)
WHERE public_month IS NOT NULL;
CREATE INDEX decisions_public_by_program ON decisions (program_id, public_month, id)
WHERE public_month IS NOT NULL;
CREATE INDEX decisions_public_by_provider ON decisions (provider_id, public_month, id)
WHERE public_month IS NOT NULL;
-- When programs were handed in and triage entries opened, for the figures of transparency.
CREATE INDEX decisions_begun ON decisions (subject_kind, created_at)
WHERE action IN ('submit', 'open');

-- What those say who are affected by a decision, and what became of it.
CREATE TABLE appeals (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    decision_id BYTEA NOT NULL REFERENCES decisions (id),
    -- What the decision is about, and the program and provider that it concerns.
    subject_kind TEXT COLLATE "C" NOT NULL CHECK (length(subject_kind) BETWEEN 1 AND 40),
    subject_id BYTEA NOT NULL CHECK (octet_length(subject_id) = 16),
    program_id BYTEA NOT NULL REFERENCES programs (id),
    provider_id BYTEA NOT NULL REFERENCES providers (id),
    party TEXT COLLATE "C" NOT NULL CHECK (party IN ('author', 'provider', 'reporter')),
    -- Who wrote it. A provider's appeals belong to the provider.
    appellant_id BYTEA NOT NULL REFERENCES principals (id),
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'upheld', 'denied')),
    -- Rises with every change of the row: the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    -- NULL = erased.
    words TEXT COLLATE "C" CHECK (length(words) BETWEEN 20 AND 5000),
    -- What became of the decision; NULL while it is pending.
    effect TEXT COLLATE "C" CHECK (effect IN ('reversed', 'none')),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at BIGINT NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT appeals_decided_has_effect CHECK ((status = 'pending') = (effect IS NULL)),
    CONSTRAINT appeals_denied_has_none CHECK (status <> 'denied' OR effect = 'none')
);

CREATE UNIQUE INDEX appeals_one_per_party ON appeals (decision_id, party);
CREATE UNIQUE INDEX appeals_one_pending ON appeals (subject_kind, subject_id) WHERE status = 'pending';
CREATE INDEX appeals_by_status ON appeals (status, created_at, id);
CREATE INDEX appeals_by_time ON appeals (created_at, id);
CREATE INDEX appeals_by_appellant ON appeals (appellant_id, created_at, id);
CREATE INDEX appeals_by_provider ON appeals (provider_id, party, created_at, id);
