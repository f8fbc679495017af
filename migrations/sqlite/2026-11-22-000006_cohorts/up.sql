-- Who vouches for a cohort, and what a university confirms by itself.

ALTER TABLE cohorts ADD COLUMN voucher TEXT NOT NULL DEFAULT 'service'
CHECK (voucher IN ('university', 'provider', 'service'));
ALTER TABLE cohorts ADD COLUMN university_id BLOB REFERENCES universities (id);
ALTER TABLE cohorts ADD COLUMN provider_id BLOB REFERENCES providers (id)
CHECK (
    (voucher = 'university') = (university_id IS NOT NULL)
    AND (voucher = 'provider') = (provider_id IS NOT NULL)
);
-- How many took part, as whoever vouches says.
ALTER TABLE cohorts ADD COLUMN size INTEGER NOT NULL DEFAULT 1 CHECK (size BETWEEN 1 AND 10000);
-- Codes ever made, and those of them that were taken back.
ALTER TABLE cohorts ADD COLUMN issued INTEGER NOT NULL DEFAULT 0 CHECK (issued >= 0);
ALTER TABLE cohorts ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked >= 0);
-- Codes redeemed by the start of the day counted_on: whoever issued them is not to know the moment.
ALTER TABLE cohorts ADD COLUMN redeemed INTEGER NOT NULL DEFAULT 0 CHECK (redeemed >= 0);
-- 2932896, the last day, is: all codes have expired, and nothing changes any more.
ALTER TABLE cohorts ADD COLUMN counted_on INTEGER NOT NULL DEFAULT 0 CHECK (counted_on BETWEEN 0 AND 2932896);
-- When the last of its codes expires.
ALTER TABLE cohorts ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0
CHECK (expires_at BETWEEN 0 AND 253402300799999999);

UPDATE cohorts SET
    issued = (SELECT count(*) FROM participation_codes AS c WHERE c.cohort_id = cohorts.id),
    revoked = (
        SELECT count(*) FROM participation_codes AS c WHERE c.cohort_id = cohorts.id AND c.status = 'revoked'
    ),
    expires_at = coalesce((SELECT max(c.expires_at) FROM participation_codes AS c WHERE c.cohort_id = cohorts.id), 0);
UPDATE cohorts SET size = min(max(issued, 1), 10000);

CREATE INDEX cohorts_by_university ON cohorts (university_id, id) WHERE university_id IS NOT NULL;
CREATE INDEX cohorts_by_provider ON cohorts (provider_id, id) WHERE provider_id IS NOT NULL;
CREATE INDEX cohorts_by_count ON cohorts (counted_on, id);

-- The class of whoever vouched that the author took part, and the month in which they did. No cohort.
ALTER TABLE reviews ADD COLUMN vouched_by TEXT CHECK (vouched_by IN ('university', 'provider', 'service'));
ALTER TABLE reviews ADD COLUMN vouched_month INTEGER CHECK (vouched_month BETWEEN 22800 AND 26399);
UPDATE reviews SET vouched_by = 'service' WHERE verification = 'participation_code';
UPDATE reviews SET vouched_by = 'university' WHERE verification = 'university_confirmed';

-- What participants ask a university to confirm. Once it is decided or withdrawn, the row neither says who asked nor
-- what they wrote.
CREATE TABLE confirmation_requests (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    principal_id BLOB REFERENCES principals (id),
    university_id BLOB NOT NULL REFERENCES universities (id),
    program_id BLOB NOT NULL REFERENCES programs (id),
    period_start INTEGER NOT NULL CHECK (period_start BETWEEN 22800 AND 26399),
    period_end INTEGER NOT NULL CHECK (period_end BETWEEN 22800 AND 26399),
    status TEXT NOT NULL CHECK (status IN ('pending', 'confirmed', 'refused', 'withdrawn')),
    version INTEGER NOT NULL CHECK (version >= 1),
    -- Sealed.
    statement BLOB CHECK (length(statement) BETWEEN 28 AND 4000),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    decided_month INTEGER CHECK (decided_month BETWEEN 22800 AND 26399),
    CONSTRAINT confirmation_requests_period_in_order CHECK (period_start <= period_end),
    CONSTRAINT confirmation_requests_name_nobody_once_decided
        CHECK ((status = 'pending') = (principal_id IS NOT NULL) AND (status = 'pending') = (statement IS NOT NULL)),
    CONSTRAINT confirmation_requests_decided_has_month CHECK ((status = 'pending') = (decided_month IS NULL))
) STRICT;

CREATE INDEX confirmation_requests_by_university ON confirmation_requests (university_id, created_at, id);
CREATE INDEX confirmation_requests_by_status ON confirmation_requests (university_id, status, created_at, id);
CREATE INDEX confirmation_requests_by_principal ON confirmation_requests (principal_id, created_at)
WHERE principal_id IS NOT NULL;

-- What universities decided, as the participant knows it: without the request. Erasure deletes the row.
CREATE TABLE confirmations (
    -- Random, so that it carries no time.
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    principal_id BLOB NOT NULL REFERENCES principals (id),
    university_id BLOB NOT NULL REFERENCES universities (id),
    program_id BLOB NOT NULL REFERENCES programs (id),
    period_start INTEGER NOT NULL CHECK (period_start BETWEEN 22800 AND 26399),
    period_end INTEGER NOT NULL CHECK (period_end BETWEEN 22800 AND 26399),
    outcome TEXT NOT NULL CHECK (outcome IN ('confirmed', 'refused')),
    -- Sealed: whoever wrote it would know it again.
    reason BLOB NOT NULL CHECK (length(reason) BETWEEN 28 AND 8000),
    decided_month INTEGER NOT NULL CHECK (decided_month BETWEEN 22800 AND 26399),
    CONSTRAINT confirmations_period_in_order CHECK (period_start <= period_end)
) STRICT;

CREATE INDEX confirmations_by_principal ON confirmations (principal_id, program_id);
