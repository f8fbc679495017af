-- Who acts (principals), who runs programs (providers), and the programs with all that is read
-- about them.
--
-- No foreign key is deferred: SQLite commits many writes at once, and a key checked only at the
-- commit would fail all of them for the fault of one.

CREATE TABLE providers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE CHECK (
        length(slug) BETWEEN 3 AND 80 AND slug NOT GLOB '*[^a-z0-9-]*'
        AND slug NOT GLOB '-*' AND slug NOT GLOB '*-' AND slug NOT GLOB '*--*'
    ),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 2 AND 140),
    name_key TEXT NOT NULL CHECK (length(name_key) BETWEEN 1 AND 900),
    country TEXT NOT NULL CHECK (country GLOB '[A-Z][A-Z]'),
    website TEXT CHECK (
        length(website) <= 500
        AND (substr(website, 1, 7) = 'http://' OR substr(website, 1, 8) = 'https://')
    ),
    description TEXT NOT NULL CHECK (length(description) BETWEEN 20 AND 5000),
    -- Never part of a public answer.
    contact_email TEXT CHECK (length(contact_email) BETWEEN 3 AND 254),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX providers_by_name ON providers (name_key, id);
CREATE INDEX providers_by_country ON providers (country, name_key, id);

-- A moderator or assessor may be linked to a provider or university too: such a person never
-- decides on its programs.
CREATE TABLE principals (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    role TEXT NOT NULL CHECK (
        role IN ('admin', 'moderator', 'assessor', 'participant', 'provider', 'university')
    ),
    provider_id BLOB REFERENCES providers (id),
    university_id BLOB REFERENCES universities (id),
    -- Tokens issued before this moment are refused.
    tokens_valid_from INTEGER NOT NULL CHECK (tokens_valid_from BETWEEN 0 AND 253402300799999999),
    disabled_at INTEGER CHECK (disabled_at BETWEEN 0 AND 253402300799999999),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT principals_provider_has_its_provider
        CHECK (role <> 'provider' OR provider_id IS NOT NULL),
    CONSTRAINT principals_university_has_its_university
        CHECK (role <> 'university' OR university_id IS NOT NULL)
) STRICT;

CREATE TABLE programs (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE CHECK (
        length(slug) BETWEEN 3 AND 80 AND slug NOT GLOB '*[^a-z0-9-]*'
        AND slug NOT GLOB '-*' AND slug NOT GLOB '*-' AND slug NOT GLOB '*--*'
    ),
    provider_id BLOB NOT NULL REFERENCES providers (id),
    status TEXT NOT NULL CHECK (
        status IN ('draft', 'submitted', 'listed', 'suspended', 'archived')
    ),
    status_reason TEXT CHECK (length(status_reason) BETWEEN 1 AND 2000),
    title TEXT NOT NULL CHECK (length(title) BETWEEN 5 AND 140),
    title_key TEXT NOT NULL CHECK (length(title_key) BETWEEN 1 AND 900),
    summary TEXT NOT NULL CHECK (length(summary) BETWEEN 20 AND 300),
    -- The newest row of program_versions.
    listing_version INTEGER NOT NULL CHECK (listing_version >= 1),
    -- Rises with every change of the row that a client can see: the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    weeks_min INTEGER NOT NULL CHECK (weeks_min BETWEEN 1 AND 104),
    weeks_max INTEGER NOT NULL CHECK (weeks_max BETWEEN 1 AND 104),
    -- '' = the fees have no single currency; the total is 0 then.
    fee_currency TEXT NOT NULL DEFAULT '' CHECK (
        fee_currency = '' OR fee_currency GLOB '[A-Z][A-Z][A-Z]'
    ),
    fee_total_minor INTEGER NOT NULL DEFAULT 0 CHECK (fee_total_minor BETWEEN 0 AND 20000000000),
    minimum_age INTEGER NOT NULL CHECK (minimum_age BETWEEN 14 AND 99),
    -- Days since 1970-01-01; the bounds are 0000-01-01 and 9999-12-31.
    deadline_day INTEGER CHECK (deadline_day BETWEEN -719528 AND 2932896),
    -- 0 = never.
    listed_at INTEGER NOT NULL DEFAULT 0 CHECK (listed_at BETWEEN 0 AND 253402300799999999),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    -- Derived from reviews and reports, kept up to date by the writes that change those.
    verdict TEXT NOT NULL DEFAULT 'insufficient_evidence' CHECK (
        verdict IN (
            'not_recommended', 'insufficient_evidence', 'meets_with_conditions', 'meets_standard'
        )
    ),
    -- Overall score * 10000, rounded; 0 = no overall score.
    score_key INTEGER NOT NULL DEFAULT 0 CHECK (score_key = 0 OR score_key BETWEEN 10000 AND 50000),
    review_count INTEGER NOT NULL DEFAULT 0 CHECK (review_count >= 0),
    verified_review_count INTEGER NOT NULL DEFAULT 0 CHECK (verified_review_count >= 0),
    recommend_count INTEGER NOT NULL DEFAULT 0 CHECK (recommend_count >= 0),
    -- Substantiated reports; critical ones are counted in both columns.
    report_count INTEGER NOT NULL DEFAULT 0 CHECK (report_count >= 0),
    critical_report_count INTEGER NOT NULL DEFAULT 0 CHECK (critical_report_count >= 0),
    -- The day for which the derived columns were computed; scores move as reviews age.
    derived_day INTEGER NOT NULL DEFAULT 0 CHECK (derived_day BETWEEN 0 AND 2932896),
    CONSTRAINT programs_listing_within_row_version CHECK (listing_version <= version),
    CONSTRAINT programs_weeks_in_order CHECK (weeks_min <= weeks_max),
    CONSTRAINT programs_fee_has_currency CHECK (fee_currency <> '' OR fee_total_minor = 0),
    CONSTRAINT programs_listed_has_time
        CHECK (status NOT IN ('listed', 'suspended') OR listed_at > 0),
    CONSTRAINT programs_score_has_reviews CHECK (score_key = 0 OR review_count > 0),
    CONSTRAINT programs_verified_within_reviews CHECK (verified_review_count <= review_count),
    CONSTRAINT programs_recommend_within_reviews CHECK (recommend_count <= review_count),
    CONSTRAINT programs_critical_within_reports CHECK (critical_report_count <= report_count),
    CONSTRAINT programs_critical_report_decides_verdict
        CHECK (critical_report_count = 0 OR verdict = 'not_recommended')
) STRICT;

-- One index for each sort of the public list; the equality on status comes first in all of them.
CREATE INDEX programs_by_score ON programs (status, score_key DESC, id);
CREATE INDEX programs_by_listing_time ON programs (status, listed_at DESC, id);
CREATE INDEX programs_by_title ON programs (status, title_key, id);
CREATE INDEX programs_by_fee ON programs (status, fee_currency, fee_total_minor, id);
CREATE INDEX programs_by_review_count ON programs (status, review_count DESC, id);
CREATE INDEX programs_by_provider ON programs (provider_id, id);
CREATE INDEX programs_by_derived_day ON programs (derived_day);

-- Every listing that a program ever had. Rows are never changed.
CREATE TABLE program_versions (
    program_id BLOB NOT NULL REFERENCES programs (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    listing TEXT NOT NULL CHECK (json_valid(listing) AND json_type(listing) = 'object'),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (program_id, version)
) STRICT, WITHOUT ROWID;

-- What lists filter and count by: one row for each term of the current listing, one for each pair of
-- its countries and specialties ('NP surgery': the two filters used together most, in one step), and
-- one for each kind of red flag with a substantiated report.
CREATE TABLE program_terms (
    kind TEXT NOT NULL CHECK (
        kind IN (
            'country', 'city', 'specialty', 'track', 'training_level', 'language', 'start_month',
            'red_flag', 'country_specialty'
        )
    ),
    term TEXT NOT NULL CHECK (length(term) BETWEEN 1 AND 300),
    program_id BLOB NOT NULL REFERENCES programs (id),
    PRIMARY KEY (kind, term, program_id),
    CONSTRAINT program_terms_term_fits_kind CHECK (
        CASE kind
            WHEN 'country' THEN term GLOB '[A-Z][A-Z]'
            WHEN 'specialty' THEN term <> '' AND term NOT GLOB '*[^a-z_]*'
            WHEN 'country_specialty' THEN term GLOB '[A-Z][A-Z] [a-z_]*'
                AND substr(term, 4) NOT GLOB '*[^a-z_]*'
            WHEN 'track' THEN term IN (
                'clinical_observation', 'supervised_practice', 'public_health', 'research',
                'telemedicine', 'traditional_medicine', 'health_policy'
            )
            WHEN 'training_level' THEN term IN (
                'high_school', 'pre_health', 'preclinical', 'clinical', 'licensed'
            )
            WHEN 'language' THEN length(term) BETWEEN 2 AND 35
            WHEN 'start_month' THEN term IN (
                '01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12'
            )
            WHEN 'red_flag' THEN term IN (
                'scope_exceeds_training', 'invasive_procedures_by_students',
                'surgical_participation', 'deliveries_by_students',
                'medication_handling_by_students', 'vague_role', 'hands_on_marketing',
                'scope_grows_with_eagerness', 'home_forbidden_selling_point',
                'no_experience_required', 'minors_in_clinical_roles',
                'unsupervised_patient_contact', 'supervisor_not_identified',
                'supervisor_absent_or_unqualified', 'misrepresented_as_clinician',
                'no_patient_consent', 'patient_photography', 'language_gap_no_interpreter',
                'residential_childcare_component', 'no_host_authorization',
                'unlicensed_medicine_import', 'unverifiable_host_or_accreditation',
                'no_local_need_or_continuity', 'burdens_or_displaces_local_staff',
                'savior_or_impact_claims', 'infection_control_or_pep_gap',
                'no_insurance_or_emergency_plan', 'unsafe_housing_or_transport',
                'harassment_or_abuse', 'inadequate_preparation', 'placement_mismatch',
                'opaque_or_unfair_fees', 'admission_advantage_claims', 'credential_inflation',
                'review_manipulation'
            )
            ELSE length(term) >= 1
        END
    )
) STRICT, WITHOUT ROWID;

CREATE INDEX program_terms_by_program ON program_terms (program_id);

-- Exact integer counts of the ratings of published reviews: scores at any date follow from them.
CREATE TABLE program_tallies (
    program_id BLOB NOT NULL PRIMARY KEY REFERENCES programs (id),
    tallies TEXT NOT NULL CHECK (json_valid(tallies))
) STRICT;

-- One row for each program: its folded and stemmed words, joined by one space.
--
-- Words are made of a-z, 0-9 and characters beyond ASCII. The check keeps to that alphabet because
-- SQLite's tokeniser splits at every other ASCII character and PostgreSQL at spaces alone: with any
-- other character in a body the two would find different rows.
-- A word has at most 255 characters: PostgreSQL cuts the length of a longer one to 11 bits unasked.
--
-- Rows are changed with INSERT, UPDATE and DELETE only: REPLACE would skip the delete trigger below
-- and leave stale words in the index.
CREATE TABLE program_search (
    number INTEGER NOT NULL PRIMARY KEY,
    program_id BLOB NOT NULL UNIQUE REFERENCES programs (id),
    body TEXT NOT NULL,
    CONSTRAINT program_search_words_by_one_space CHECK (
        body = trim(body) AND instr(body, '  ') = 0
        AND body NOT GLOB '*[^a-z0-9 ' || char(128) || '-' || char(1114111) || ']*'
        AND body NOT GLOB '*' || replace(hex(zeroblob(128)), '0', '[^ ]') || '*'
    )
) STRICT;

CREATE VIRTUAL TABLE program_search_index USING fts5 (
    body,
    content = 'program_search',
    content_rowid = 'number',
    tokenize = 'ascii'
);

CREATE TRIGGER program_search_after_insert AFTER INSERT ON program_search BEGIN
    INSERT INTO program_search_index (rowid, body) VALUES (new.number, new.body);
END;

CREATE TRIGGER program_search_after_delete AFTER DELETE ON program_search BEGIN
    INSERT INTO program_search_index (program_search_index, rowid, body)
    VALUES ('delete', old.number, old.body);
END;

CREATE TRIGGER program_search_after_update AFTER UPDATE ON program_search BEGIN
    INSERT INTO program_search_index (program_search_index, rowid, body)
    VALUES ('delete', old.number, old.body);
    INSERT INTO program_search_index (rowid, body) VALUES (new.number, new.body);
END;
