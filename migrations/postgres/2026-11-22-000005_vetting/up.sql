-- Vetting: versions of the rubric, assessments with their evidence, what verified reviews report of
-- tasks and claims, and what the verdict of each program follows from.

-- A version is never changed. The first is entered by the program that runs the migrations, from the
-- document inside it.
CREATE TABLE rubrics (
    version INTEGER NOT NULL PRIMARY KEY CHECK (version >= 1),
    document TEXT COLLATE "C" NOT NULL CHECK (json_typeof(document::json) = 'object'),
    reason TEXT COLLATE "C" NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    -- NULL = came with the release.
    created_by BYTEA REFERENCES principals (id),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999)
);

-- All criteria of one program at one time.
CREATE TABLE assessments (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    program_id BYTEA NOT NULL REFERENCES programs (id),
    rubric_version INTEGER NOT NULL REFERENCES rubrics (version),
    -- The listing that was assessed.
    listing_version INTEGER NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (
        status IN ('draft', 'submitted', 'signed_off', 'published', 'superseded', 'withdrawn')
    ),
    -- Rises with every change of the row: the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    author_id BYTEA NOT NULL REFERENCES principals (id),
    signed_off_by BYTEA REFERENCES principals (id),
    -- The rulings with their evidence; former ones are in assessment_revisions.
    content TEXT COLLATE "C" NOT NULL CHECK (json_typeof(content::json) = 'object'),
    -- What the provider says to it.
    answer TEXT COLLATE "C" CHECK (length(answer) BETWEEN 10 AND 10000),
    -- 0 = not yet.
    answered_at BIGINT NOT NULL DEFAULT 0 CHECK (answered_at BETWEEN 0 AND 253402300799999999),
    submitted_at BIGINT NOT NULL DEFAULT 0 CHECK (submitted_at BETWEEN 0 AND 253402300799999999),
    published_at BIGINT NOT NULL DEFAULT 0 CHECK (published_at BETWEEN 0 AND 253402300799999999),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at BIGINT NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT assessments_copy_of_listing
        FOREIGN KEY (program_id, listing_version) REFERENCES program_versions (program_id, version),
    CONSTRAINT assessments_signed_off_by_another
        CHECK (signed_off_by IS NULL OR signed_off_by <> author_id),
    CONSTRAINT assessments_signed_off_has_signer
        CHECK (status <> 'signed_off' OR signed_off_by IS NOT NULL),
    CONSTRAINT assessments_answer_has_time CHECK ((answer IS NULL) = (answered_at = 0)),
    CONSTRAINT assessments_published_has_time
        CHECK (status NOT IN ('published', 'superseded') OR (submitted_at > 0 AND published_at > 0))
);

-- One in the making and one in force for each program.
CREATE UNIQUE INDEX assessments_one_open ON assessments (program_id)
WHERE status IN ('draft', 'submitted', 'signed_off');
CREATE UNIQUE INDEX assessments_one_in_force ON assessments (program_id)
WHERE status = 'published';
CREATE INDEX assessments_by_program ON assessments (program_id, created_at DESC, id);
CREATE INDEX assessments_by_status ON assessments (status, created_at, id);

-- Every ruling that was ever made in an assessment. Rows are never changed.
CREATE TABLE assessment_revisions (
    assessment_id BYTEA NOT NULL REFERENCES assessments (id),
    -- The version that the assessment had after it.
    version INTEGER NOT NULL CHECK (version >= 2),
    editor_id BYTEA NOT NULL REFERENCES principals (id),
    criterion TEXT COLLATE "C" NOT NULL CHECK (length(criterion) BETWEEN 1 AND 60),
    ruling TEXT COLLATE "C" NOT NULL CHECK (json_typeof(ruling::json) = 'object'),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (assessment_id, version)
);

-- What published, verified reviews tell of tasks: rows come and go with the publication of the review.
CREATE TABLE self_report_tasks (
    review_id BYTEA NOT NULL REFERENCES reviews (id),
    task TEXT COLLATE "C" NOT NULL CHECK (length(task) BETWEEN 1 AND 60),
    program_id BYTEA NOT NULL REFERENCES programs (id),
    training_level TEXT COLLATE "C" NOT NULL CHECK (
        training_level IN ('high_school', 'pre_health', 'preclinical', 'clinical', 'licensed')
    ),
    supervision TEXT COLLATE "C" NOT NULL CHECK (supervision IN ('direct', 'indirect', 'none')),
    consent TEXT COLLATE "C" NOT NULL CHECK (consent IN ('asked', 'not_asked', 'unknown')),
    half_year INTEGER NOT NULL CHECK (half_year BETWEEN 3800 AND 4399),
    PRIMARY KEY (review_id, task)
);

CREATE INDEX self_report_tasks_by_program ON self_report_tasks (program_id);

-- What published, verified reviews tell of the listing's claims.
CREATE TABLE self_report_claims (
    review_id BYTEA NOT NULL REFERENCES reviews (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 19),
    program_id BYTEA NOT NULL REFERENCES programs (id),
    claim TEXT COLLATE "C" NOT NULL CHECK (length(claim) BETWEEN 3 AND 200),
    -- The claim folded, so that two spellings are one claim.
    claim_key TEXT COLLATE "C" NOT NULL CHECK (length(claim_key) <= 1000),
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('confirmed', 'contradicted', 'not_seen')),
    PRIMARY KEY (review_id, number)
);

CREATE INDEX self_report_claims_by_program ON self_report_claims (program_id);

-- What moderators do about critical signals: one entry for each program and kind of red flag.
CREATE TABLE triage_entries (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    program_id BYTEA NOT NULL REFERENCES programs (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (length(kind) BETWEEN 1 AND 60),
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'confirmed', 'dismissed', 'remediated')),
    version INTEGER NOT NULL CHECK (version >= 1),
    -- Why it was confirmed, dismissed or taken as remediated.
    reason TEXT COLLATE "C" CHECK (length(reason) BETWEEN 1 AND 2000),
    -- What shows that the cause was removed.
    proof TEXT COLLATE "C" CHECK (length(proof) BETWEEN 1 AND 2000),
    opened_at BIGINT NOT NULL CHECK (opened_at BETWEEN 0 AND 253402300799999999),
    updated_at BIGINT NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999)
);

CREATE UNIQUE INDEX triage_entries_one_per_kind ON triage_entries (program_id, kind);
CREATE INDEX triage_entries_by_status ON triage_entries (status, opened_at, id);
CREATE INDEX triage_entries_by_time ON triage_entries (opened_at, id);

-- The reviews whose signal was dismissed or remediated: they count no longer for this kind.
CREATE TABLE triage_cleared_reviews (
    triage_entry_id BYTEA NOT NULL REFERENCES triage_entries (id),
    review_id BYTEA NOT NULL REFERENCES reviews (id),
    PRIMARY KEY (triage_entry_id, review_id)
);

-- Everything that the verdict of a program follows from, gathered by the writes that change it.
CREATE TABLE program_vetting (
    program_id BYTEA NOT NULL PRIMARY KEY REFERENCES programs (id),
    inputs TEXT COLLATE "C" NOT NULL CHECK (json_typeof(inputs::json) = 'object'),
    -- The rubric in force when they were gathered.
    rubric_version INTEGER NOT NULL REFERENCES rubrics (version)
);

CREATE INDEX program_vetting_by_rubric ON program_vetting (rubric_version, program_id);

-- Every verdict that a program had, each with what the clock alone makes of it. Rows are never changed.
CREATE TABLE verdict_changes (
    program_id BYTEA NOT NULL REFERENCES programs (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    verdict TEXT COLLATE "C" NOT NULL CHECK (
        verdict IN (
            'not_recommended', 'insufficient_evidence', 'meets_with_conditions', 'meets_standard'
        )
    ),
    conditions_from INTEGER NOT NULL CHECK (conditions_from BETWEEN 0 AND 2932896),
    insufficient_from INTEGER NOT NULL CHECK (insufficient_from BETWEEN 0 AND 2932896),
    -- The codes of the reasons, the decisive one first.
    reasons TEXT COLLATE "C" NOT NULL CHECK (json_typeof(reasons::json) = 'array'),
    rubric_version INTEGER NOT NULL REFERENCES rubrics (version),
    changed_at BIGINT NOT NULL CHECK (changed_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (program_id, number)
);

-- Evidence expires by the clock: the days from which the verdict is at best meets_with_conditions, at
-- best insufficient_evidence, and from which the notice "stale" stands. 2932896, the last day,
-- is never.
ALTER TABLE programs ADD COLUMN conditions_from INTEGER NOT NULL DEFAULT 2932896
CHECK (conditions_from BETWEEN 0 AND 2932896);
ALTER TABLE programs ADD COLUMN insufficient_from INTEGER NOT NULL DEFAULT 2932896
CHECK (insufficient_from BETWEEN 0 AND 2932896);
ALTER TABLE programs ADD COLUMN stale_from INTEGER NOT NULL DEFAULT 2932896
CHECK (stale_from BETWEEN 0 AND 2932896);
-- The notices that no clock changes, in fixed order, joined by commas; suspension is in the status.
ALTER TABLE programs ADD COLUMN notices TEXT COLLATE "C" NOT NULL DEFAULT ''
CHECK (length(notices) <= 200);
-- Participation codes issued and not taken back.
ALTER TABLE programs ADD COLUMN codes_issued INTEGER NOT NULL DEFAULT 0 CHECK (codes_issued >= 0);
UPDATE programs SET codes_issued = (
    SELECT count(*)
    FROM cohorts
    INNER JOIN participation_codes ON participation_codes.cohort_id = cohorts.id
    WHERE cohorts.program_id = programs.id AND participation_codes.status <> 'revoked'
);

-- Decisions are taken on assessments and triage entries too.
ALTER TABLE decisions DROP CONSTRAINT decisions_subject_kind_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_subject_kind_check CHECK (
    subject_kind IN ('program', 'review', 'red_flag_report', 'assessment', 'triage_entry')
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
        ELSE to_status IN (
            'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
            'withdrawn', 'remediated'
        )
    END
);
