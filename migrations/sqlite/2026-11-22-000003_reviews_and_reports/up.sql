-- Reviews, red-flag reports, and the decisions taken on them and on programs.
--
-- Months are year * 12 + month - 1, half-years year * 2 + (0 or 1); the bounds are the years 1900
-- to 2199.

CREATE TABLE reviews (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_id BLOB NOT NULL REFERENCES programs (id),
    participant_id BLOB NOT NULL REFERENCES principals (id),
    status TEXT NOT NULL CHECK (
        status IN ('pending', 'held', 'published', 'rejected', 'withdrawn')
    ),
    -- Rises with every change of the row that a client can see: the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    -- Rises with every edit of the content; former contents are in review_revisions.
    revision INTEGER NOT NULL CHECK (revision >= 1),
    pseudonym TEXT NOT NULL CHECK (length(pseudonym) BETWEEN 1 AND 80),
    -- The half-year in which the experience ended: all that is shown of the period.
    half_year INTEGER NOT NULL CHECK (half_year BETWEEN 3800 AND 4399),
    period_start INTEGER NOT NULL CHECK (period_start BETWEEN 22800 AND 26399),
    period_end INTEGER NOT NULL CHECK (period_end BETWEEN 22800 AND 26399),
    training_level TEXT NOT NULL CHECK (
        training_level IN ('high_school', 'pre_health', 'preclinical', 'clinical', 'licensed')
    ),
    would_recommend INTEGER CHECK (would_recommend IN (0, 1)),
    -- Sum and count of the ratings given, and their mean * 10000 as a whole number; 0 = no rating.
    overall_sum INTEGER NOT NULL,
    overall_count INTEGER NOT NULL CHECK (overall_count BETWEEN 0 AND 11),
    overall_key INTEGER NOT NULL,
    verification TEXT NOT NULL CHECK (
        verification IN ('participation_code', 'university_confirmed', 'university_email', 'none')
    ),
    content TEXT NOT NULL CHECK (json_valid(content) AND json_type(content) = 'object'),
    status_reason TEXT CHECK (length(status_reason) BETWEEN 1 AND 2000),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    -- 0 = never.
    published_at INTEGER NOT NULL DEFAULT 0 CHECK (published_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT reviews_revision_within_version CHECK (revision <= version),
    CONSTRAINT reviews_period_in_order CHECK (period_start <= period_end),
    CONSTRAINT reviews_half_year_of_period_end CHECK (half_year = period_end / 6),
    -- Each rating is 1 to 5.
    CONSTRAINT reviews_sum_fits_count
        CHECK (overall_sum BETWEEN overall_count AND 5 * overall_count),
    -- The key may be rounded either way, so it is allowed to be less than one off.
    CONSTRAINT reviews_key_is_mean CHECK (
        CASE overall_count
            WHEN 0 THEN overall_key = 0
            ELSE overall_key BETWEEN 10000 AND 50000
                AND abs(overall_key * overall_count - overall_sum * 10000) < overall_count
        END
    ),
    CONSTRAINT reviews_published_has_time CHECK (status <> 'published' OR published_at > 0)
) STRICT;

-- One review for each participant, program and period; a withdrawn one leaves the place free.
CREATE UNIQUE INDEX reviews_one_per_period ON reviews (participant_id, program_id, half_year)
WHERE status <> 'withdrawn';
CREATE INDEX reviews_by_publication ON reviews (program_id, status, published_at DESC, id);
CREATE INDEX reviews_by_rating ON reviews (program_id, status, overall_key DESC, id);
CREATE INDEX reviews_by_participant ON reviews (participant_id, created_at, id);
CREATE INDEX reviews_by_status ON reviews (status, created_at, id);

-- The contents that a review had before its edits.
CREATE TABLE review_revisions (
    review_id BLOB NOT NULL REFERENCES reviews (id),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    content TEXT NOT NULL CHECK (json_valid(content) AND json_type(content) = 'object'),
    period_start INTEGER NOT NULL CHECK (period_start BETWEEN 22800 AND 26399),
    period_end INTEGER NOT NULL CHECK (period_end BETWEEN 22800 AND 26399),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (review_id, revision),
    CONSTRAINT review_revisions_period_in_order CHECK (period_start <= period_end)
) STRICT, WITHOUT ROWID;

CREATE TABLE red_flag_reports (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_id BLOB NOT NULL REFERENCES programs (id),
    reporter_id BLOB NOT NULL REFERENCES principals (id),
    kind TEXT NOT NULL CHECK (
        kind IN (
            'scope_exceeds_training', 'invasive_procedures_by_students', 'surgical_participation',
            'deliveries_by_students', 'medication_handling_by_students', 'vague_role',
            'hands_on_marketing', 'scope_grows_with_eagerness', 'home_forbidden_selling_point',
            'no_experience_required', 'minors_in_clinical_roles', 'unsupervised_patient_contact',
            'supervisor_not_identified', 'supervisor_absent_or_unqualified',
            'misrepresented_as_clinician', 'no_patient_consent', 'patient_photography',
            'language_gap_no_interpreter', 'residential_childcare_component',
            'no_host_authorization', 'unlicensed_medicine_import',
            'unverifiable_host_or_accreditation', 'no_local_need_or_continuity',
            'burdens_or_displaces_local_staff', 'savior_or_impact_claims',
            'infection_control_or_pep_gap', 'no_insurance_or_emergency_plan',
            'unsafe_housing_or_transport', 'harassment_or_abuse', 'inadequate_preparation',
            'placement_mismatch', 'opaque_or_unfair_fees', 'admission_advantage_claims',
            'credential_inflation', 'review_manipulation'
        )
    ),
    status TEXT NOT NULL CHECK (
        status IN (
            'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated', 'withdrawn',
            'remediated'
        )
    ),
    version INTEGER NOT NULL CHECK (version >= 1),
    severity TEXT NOT NULL CHECK (severity IN ('critical', 'major', 'minor', 'info')),
    training_level TEXT NOT NULL CHECK (
        training_level IN ('high_school', 'pre_health', 'preclinical', 'clinical', 'licensed')
    ),
    confidentiality TEXT NOT NULL CHECK (
        confidentiality IN ('public_summary', 'moderators_only')
    ),
    listing_version INTEGER NOT NULL,
    content TEXT NOT NULL CHECK (json_valid(content) AND json_type(content) = 'object'),
    public_summary TEXT CHECK (length(public_summary) BETWEEN 20 AND 2000),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    -- The listing as it stood when the report was made: versions are never changed.
    CONSTRAINT red_flag_reports_copy_of_listing
        FOREIGN KEY (program_id, listing_version) REFERENCES program_versions (program_id, version),
    -- A remediated report was substantiated before.
    CONSTRAINT red_flag_reports_substantiated_has_summary
        CHECK (status NOT IN ('substantiated', 'remediated') OR public_summary IS NOT NULL)
) STRICT;

CREATE INDEX red_flag_reports_by_program ON red_flag_reports (program_id, status, created_at, id);
CREATE INDEX red_flag_reports_by_status ON red_flag_reports (status, created_at, id);
CREATE INDEX red_flag_reports_by_reporter ON red_flag_reports (reporter_id, created_at, id);

-- Every change of state, with its statement of reasons. Rows are never changed.
CREATE TABLE decisions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    subject_kind TEXT NOT NULL CHECK (
        subject_kind IN ('program', 'review', 'red_flag_report')
    ),
    -- No foreign key: the table depends on subject_kind.
    subject_id BLOB NOT NULL CHECK (length(subject_id) = 16),
    -- '' = the subject was made by this act.
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    action TEXT NOT NULL CHECK (
        length(action) <= 40 AND action <> '' AND action NOT GLOB '*[^a-z_]*'
    ),
    -- NULL = the service itself acted.
    actor_id BLOB REFERENCES principals (id),
    actor_role TEXT NOT NULL CHECK (
        actor_role IN (
            'admin', 'moderator', 'assessor', 'participant', 'provider', 'university', 'system'
        )
    ),
    reason TEXT NOT NULL CHECK (length(reason) <= 2000),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT decisions_system_has_no_actor CHECK (actor_role <> 'system' OR actor_id IS NULL),
    CONSTRAINT decisions_from_status_fits_subject CHECK (
        CASE subject_kind
            WHEN 'program' THEN from_status IN (
                '', 'draft', 'submitted', 'listed', 'suspended', 'archived'
            )
            WHEN 'review' THEN from_status IN (
                '', 'pending', 'held', 'published', 'rejected', 'withdrawn'
            )
            ELSE from_status IN (
                '', 'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
                'withdrawn', 'remediated'
            )
        END
    ),
    CONSTRAINT decisions_to_status_fits_subject CHECK (
        CASE subject_kind
            WHEN 'program' THEN to_status IN (
                'draft', 'submitted', 'listed', 'suspended', 'archived'
            )
            WHEN 'review' THEN to_status IN (
                'pending', 'held', 'published', 'rejected', 'withdrawn'
            )
            ELSE to_status IN (
                'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
                'withdrawn', 'remediated'
            )
        END
    )
) STRICT;

CREATE INDEX decisions_by_subject ON decisions (subject_kind, subject_id, created_at, id);
