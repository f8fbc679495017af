-- Vetting: versions of the rubric, assessments with their evidence, what verified reviews report of
-- tasks and claims, and what the verdict of each program follows from.

-- A version is never changed. The first is entered by the program that runs the migrations, from the
-- document inside it.
CREATE TABLE rubrics (
    version INTEGER NOT NULL PRIMARY KEY CHECK (version >= 1),
    document TEXT NOT NULL CHECK (json_valid(document) AND json_type(document) = 'object'),
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    -- NULL = came with the release.
    created_by BLOB REFERENCES principals (id),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999)
) STRICT;

-- All criteria of one program at one time.
CREATE TABLE assessments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_id BLOB NOT NULL REFERENCES programs (id),
    rubric_version INTEGER NOT NULL REFERENCES rubrics (version),
    -- The listing that was assessed.
    listing_version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (
        status IN ('draft', 'submitted', 'signed_off', 'published', 'superseded', 'withdrawn')
    ),
    -- Rises with every change of the row: the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    author_id BLOB NOT NULL REFERENCES principals (id),
    signed_off_by BLOB REFERENCES principals (id),
    -- The rulings with their evidence; former ones are in assessment_revisions.
    content TEXT NOT NULL CHECK (json_valid(content) AND json_type(content) = 'object'),
    -- What the provider says to it.
    answer TEXT CHECK (length(answer) BETWEEN 10 AND 10000),
    -- 0 = not yet.
    answered_at INTEGER NOT NULL DEFAULT 0 CHECK (answered_at BETWEEN 0 AND 253402300799999999),
    submitted_at INTEGER NOT NULL DEFAULT 0 CHECK (submitted_at BETWEEN 0 AND 253402300799999999),
    published_at INTEGER NOT NULL DEFAULT 0 CHECK (published_at BETWEEN 0 AND 253402300799999999),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT assessments_copy_of_listing
        FOREIGN KEY (program_id, listing_version) REFERENCES program_versions (program_id, version),
    CONSTRAINT assessments_signed_off_by_another
        CHECK (signed_off_by IS NULL OR signed_off_by <> author_id),
    CONSTRAINT assessments_signed_off_has_signer
        CHECK (status <> 'signed_off' OR signed_off_by IS NOT NULL),
    CONSTRAINT assessments_answer_has_time CHECK ((answer IS NULL) = (answered_at = 0)),
    CONSTRAINT assessments_published_has_time
        CHECK (status NOT IN ('published', 'superseded') OR (submitted_at > 0 AND published_at > 0))
) STRICT;

-- One in the making and one in force for each program.
CREATE UNIQUE INDEX assessments_one_open ON assessments (program_id)
WHERE status IN ('draft', 'submitted', 'signed_off');
CREATE UNIQUE INDEX assessments_one_in_force ON assessments (program_id)
WHERE status = 'published';
CREATE INDEX assessments_by_program ON assessments (program_id, created_at DESC, id);
CREATE INDEX assessments_by_status ON assessments (status, created_at, id);

-- Every ruling that was ever made in an assessment. Rows are never changed.
CREATE TABLE assessment_revisions (
    assessment_id BLOB NOT NULL REFERENCES assessments (id),
    -- The version that the assessment had after it.
    version INTEGER NOT NULL CHECK (version >= 2),
    editor_id BLOB NOT NULL REFERENCES principals (id),
    criterion TEXT NOT NULL CHECK (length(criterion) BETWEEN 1 AND 60),
    ruling TEXT NOT NULL CHECK (json_valid(ruling) AND json_type(ruling) = 'object'),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (assessment_id, version)
) STRICT, WITHOUT ROWID;

-- What published, verified reviews tell of tasks: rows come and go with the publication of the review.
CREATE TABLE self_report_tasks (
    review_id BLOB NOT NULL REFERENCES reviews (id),
    task TEXT NOT NULL CHECK (length(task) BETWEEN 1 AND 60),
    program_id BLOB NOT NULL REFERENCES programs (id),
    training_level TEXT NOT NULL CHECK (
        training_level IN ('high_school', 'pre_health', 'preclinical', 'clinical', 'licensed')
    ),
    supervision TEXT NOT NULL CHECK (supervision IN ('direct', 'indirect', 'none')),
    consent TEXT NOT NULL CHECK (consent IN ('asked', 'not_asked', 'unknown')),
    half_year INTEGER NOT NULL CHECK (half_year BETWEEN 3800 AND 4399),
    PRIMARY KEY (review_id, task)
) STRICT, WITHOUT ROWID;

CREATE INDEX self_report_tasks_by_program ON self_report_tasks (program_id);

-- What published, verified reviews tell of the listing's claims.
CREATE TABLE self_report_claims (
    review_id BLOB NOT NULL REFERENCES reviews (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 19),
    program_id BLOB NOT NULL REFERENCES programs (id),
    claim TEXT NOT NULL CHECK (length(claim) BETWEEN 3 AND 200),
    -- The claim folded, so that two spellings are one claim.
    claim_key TEXT NOT NULL CHECK (length(claim_key) <= 1000),
    outcome TEXT NOT NULL CHECK (outcome IN ('confirmed', 'contradicted', 'not_seen')),
    PRIMARY KEY (review_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX self_report_claims_by_program ON self_report_claims (program_id);

-- What moderators do about critical signals: one entry for each program and kind of red flag.
CREATE TABLE triage_entries (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_id BLOB NOT NULL REFERENCES programs (id),
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 60),
    status TEXT NOT NULL CHECK (status IN ('open', 'confirmed', 'dismissed', 'remediated')),
    version INTEGER NOT NULL CHECK (version >= 1),
    -- Why it was confirmed, dismissed or taken as remediated.
    reason TEXT CHECK (length(reason) BETWEEN 1 AND 2000),
    -- What shows that the cause was removed.
    proof TEXT CHECK (length(proof) BETWEEN 1 AND 2000),
    opened_at INTEGER NOT NULL CHECK (opened_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE UNIQUE INDEX triage_entries_one_per_kind ON triage_entries (program_id, kind);
CREATE INDEX triage_entries_by_status ON triage_entries (status, opened_at, id);
CREATE INDEX triage_entries_by_time ON triage_entries (opened_at, id);

-- The reviews whose signal was dismissed or remediated: they count no longer for this kind.
CREATE TABLE triage_cleared_reviews (
    triage_entry_id BLOB NOT NULL REFERENCES triage_entries (id),
    review_id BLOB NOT NULL REFERENCES reviews (id),
    PRIMARY KEY (triage_entry_id, review_id)
) STRICT, WITHOUT ROWID;

-- Everything that the verdict of a program follows from, gathered by the writes that change it.
CREATE TABLE program_vetting (
    program_id BLOB NOT NULL PRIMARY KEY REFERENCES programs (id),
    inputs TEXT NOT NULL CHECK (json_valid(inputs) AND json_type(inputs) = 'object'),
    -- The rubric in force when they were gathered.
    rubric_version INTEGER NOT NULL REFERENCES rubrics (version)
) STRICT;

CREATE INDEX program_vetting_by_rubric ON program_vetting (rubric_version, program_id);

-- Every verdict that a program had, each with what the clock alone makes of it. Rows are never changed.
CREATE TABLE verdict_changes (
    program_id BLOB NOT NULL REFERENCES programs (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    verdict TEXT NOT NULL CHECK (
        verdict IN (
            'not_recommended', 'insufficient_evidence', 'meets_with_conditions', 'meets_standard'
        )
    ),
    conditions_from INTEGER NOT NULL CHECK (conditions_from BETWEEN 0 AND 2932896),
    insufficient_from INTEGER NOT NULL CHECK (insufficient_from BETWEEN 0 AND 2932896),
    -- The codes of the reasons, the decisive one first.
    reasons TEXT NOT NULL CHECK (json_valid(reasons) AND json_type(reasons) = 'array'),
    rubric_version INTEGER NOT NULL REFERENCES rubrics (version),
    changed_at INTEGER NOT NULL CHECK (changed_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (program_id, number)
) STRICT, WITHOUT ROWID;

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
ALTER TABLE programs ADD COLUMN notices TEXT NOT NULL DEFAULT ''
CHECK (length(notices) <= 200);
-- Participation codes issued and not taken back.
ALTER TABLE programs ADD COLUMN codes_issued INTEGER NOT NULL DEFAULT 0 CHECK (codes_issued >= 0);
UPDATE programs SET codes_issued = (
    SELECT count(*)
    FROM cohorts
    INNER JOIN participation_codes ON participation_codes.cohort_id = cohorts.id
    WHERE cohorts.program_id = programs.id AND participation_codes.status <> 'revoked'
);

-- Decisions are taken on assessments and triage entries too. A CHECK can only be changed in the schema
-- itself (https://sqlite.org/lang_altertable.html, section 8); RESET reads it anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(
    replace(
        replace(
            sql,
            'subject_kind IN (''program'', ''review'', ''red_flag_report'')',
            'subject_kind IN (''program'', ''review'', ''red_flag_report'', ''assessment'', ''triage_entry'')'
        ),
        'ELSE from_status IN (',
        'WHEN ''assessment'' THEN from_status IN (
                '''', ''draft'', ''submitted'', ''signed_off'', ''published'', ''superseded'', ''withdrawn''
            )
            WHEN ''triage_entry'' THEN from_status IN (
                '''', ''open'', ''confirmed'', ''dismissed'', ''remediated''
            )
            ELSE from_status IN ('
    ),
    'ELSE to_status IN (',
    'WHEN ''assessment'' THEN to_status IN (
                ''draft'', ''submitted'', ''signed_off'', ''published'', ''superseded'', ''withdrawn''
            )
            WHEN ''triage_entry'' THEN to_status IN (
                ''open'', ''confirmed'', ''dismissed'', ''remediated''
            )
            ELSE to_status IN ('
)
WHERE type = 'table' AND name = 'decisions';
PRAGMA writable_schema = RESET;
