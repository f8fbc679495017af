-- The moderators' queue: who is working on what, and acts that wait for a second moderator.

-- At what somebody is working, and until when nobody else decides on it. A row whose time has passed says nothing; the
-- next claim takes its place. The kind is open, so that the queue takes in further kinds without a change here.
CREATE TABLE moderation_claims (
    subject_kind TEXT COLLATE "C" NOT NULL CHECK (length(subject_kind) BETWEEN 1 AND 40),
    -- No foreign key: the table depends on subject_kind.
    subject_id BYTEA NOT NULL CHECK (octet_length(subject_id) = 16),
    moderator_id BYTEA NOT NULL REFERENCES principals (id),
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (subject_kind, subject_id)
);

CREATE INDEX moderation_claims_by_expiry ON moderation_claims (expires_at);

-- Acts that take two moderators, as the first one proposed them. A proposal stands as long as its subject has the version
-- that the proposal gave it: any other change of the subject ends it. Rows are never changed.
CREATE TABLE moderation_proposals (
    subject_kind TEXT COLLATE "C" NOT NULL CHECK (length(subject_kind) BETWEEN 1 AND 40),
    subject_id BYTEA NOT NULL CHECK (octet_length(subject_id) = 16),
    subject_version INTEGER NOT NULL CHECK (subject_version >= 1),
    action TEXT COLLATE "C" NOT NULL CHECK (length(action) BETWEEN 1 AND 40),
    reason TEXT COLLATE "C" NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    proposer_id BYTEA NOT NULL REFERENCES principals (id),
    proposed_at BIGINT NOT NULL CHECK (proposed_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (subject_kind, subject_id, subject_version)
);

-- What waits, in the order of the queue. The status comes first although it is the same in all rows: otherwise SQLite
-- would take another index that has it, and sort.
CREATE INDEX reviews_held ON reviews (status, updated_at, id) WHERE status = 'held';
CREATE INDEX programs_submitted ON programs (status, updated_at, id) WHERE status = 'submitted';
