-- Who gets in, by which door, and what it leaves behind.
--
-- No table holds a secret: client secrets, refresh tokens and codes are stored as SHA-256 (of at
-- least 128 random bits), addresses and outside identities as keyed hashes, and what must be
-- readable again (an address, a stored answer) is sealed with a key of the data directory.

-- A column's CHECK can only be changed in the schema itself (https://sqlite.org/lang_altertable.html,
-- section 8); RESET reads it anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql, '''provider'', ''university'')', '''provider'', ''university'', ''frontend'')')
WHERE type = 'table' AND name = 'principals';
PRAGMA writable_schema = RESET;

-- Why an admin took all rights away; empty where the principal erased its own identity.
ALTER TABLE principals
ADD COLUMN disabled_reason TEXT CHECK (length(disabled_reason) BETWEEN 1 AND 2000);

CREATE INDEX principals_by_role ON principals (role, id);

-- OAuth 2 clients: the programs by which providers, universities and frontends call the API.
CREATE TABLE clients (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    principal_id BLOB NOT NULL UNIQUE REFERENCES principals (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 2 AND 100),
    -- What its tokens may be used for at the most: words, sorted, one space between.
    scopes TEXT NOT NULL CHECK (length(scopes) BETWEEN 1 AND 500),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    revoked_at INTEGER CHECK (revoked_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE TABLE client_secrets (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id BLOB NOT NULL REFERENCES clients (id),
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    -- The last characters, by which people tell secrets apart.
    hint TEXT NOT NULL CHECK (length(hint) = 4),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999),
    last_used_at INTEGER CHECK (last_used_at BETWEEN 0 AND 253402300799999999),
    revoked_at INTEGER CHECK (revoked_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX client_secrets_by_client ON client_secrets (client_id, created_at, id);

-- What a sign-in opens: a family of refresh tokens, of which one holds at a time.
CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    principal_id BLOB NOT NULL REFERENCES principals (id),
    door TEXT NOT NULL CHECK (door IN ('email', 'participation_code')),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    last_used_at INTEGER NOT NULL CHECK (last_used_at BETWEEN 0 AND 253402300799999999),
    -- However often it is refreshed, it ends then.
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999),
    ended_at INTEGER CHECK (ended_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX sessions_by_principal ON sessions (principal_id, created_at, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id BLOB NOT NULL REFERENCES sessions (id),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    -- Unused until then, it does not hold any more.
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999),
    used_at INTEGER CHECK (used_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id, created_at);

-- Access tokens revoked before they expire, by their `jti`.
CREATE TABLE revoked_tokens (
    jti BLOB NOT NULL PRIMARY KEY CHECK (length(jti) = 16),
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- One code at a time for an address; gone once used. `sent` counts the codes since `counted_from`.
CREATE TABLE sign_in_codes (
    address_hash BLOB NOT NULL PRIMARY KEY CHECK (length(address_hash) = 32),
    code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
    attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 10),
    sent INTEGER NOT NULL CHECK (sent BETWEEN 1 AND 10),
    counted_from INTEGER NOT NULL CHECK (counted_from BETWEEN 0 AND 253402300799999999),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX sign_in_codes_by_expiry ON sign_in_codes (expires_at);

-- Erasure deletes the row.
CREATE TABLE participant_addresses (
    principal_id BLOB NOT NULL PRIMARY KEY REFERENCES principals (id),
    address_hash BLOB NOT NULL UNIQUE CHECK (length(address_hash) = 32),
    sealed BLOB NOT NULL CHECK (length(sealed) BETWEEN 28 AND 400),
    -- The university whose mail domain the address has.
    university_id BLOB REFERENCES universities (id)
) STRICT;

-- Participants known by (issuer, subject) of an outside identity provider. Erasure deletes the row.
CREATE TABLE outside_identities (
    identity_hash BLOB NOT NULL PRIMARY KEY CHECK (length(identity_hash) = 32),
    principal_id BLOB NOT NULL UNIQUE REFERENCES principals (id)
) STRICT;

-- The participants of one program in one period.
CREATE TABLE cohorts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_id BLOB NOT NULL REFERENCES programs (id),
    period_start INTEGER NOT NULL CHECK (period_start BETWEEN 22800 AND 26399),
    period_end INTEGER NOT NULL CHECK (period_end BETWEEN 22800 AND 26399),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT cohorts_period_in_order CHECK (period_start <= period_end)
) STRICT;

CREATE INDEX cohorts_by_program ON cohorts (program_id, period_end, id);

-- A code knows its cohort and whether it was redeemed; not when, and not by whom.
CREATE TABLE participation_codes (
    code_hash BLOB NOT NULL PRIMARY KEY CHECK (length(code_hash) = 32),
    cohort_id BLOB NOT NULL REFERENCES cohorts (id),
    status TEXT NOT NULL CHECK (status IN ('open', 'redeemed', 'revoked')),
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX participation_codes_by_cohort ON participation_codes (cohort_id, status);

-- Who has shown a code of which cohort. Erasure deletes the row.
CREATE TABLE participations (
    principal_id BLOB NOT NULL REFERENCES principals (id),
    cohort_id BLOB NOT NULL REFERENCES cohorts (id),
    PRIMARY KEY (principal_id, cohort_id)
) STRICT, WITHOUT ROWID;

-- Providers and universities that a moderator or assessor is linked to, and never decides on.
CREATE TABLE conflicts_of_interest (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    principal_id BLOB NOT NULL REFERENCES principals (id),
    provider_id BLOB REFERENCES providers (id),
    university_id BLOB REFERENCES universities (id),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT conflicts_of_interest_name_one_party
        CHECK ((provider_id IS NULL) <> (university_id IS NULL)),
    UNIQUE (principal_id, provider_id),
    UNIQUE (principal_id, university_id)
) STRICT;

-- Answers to requests that carried an Idempotency-Key, written with the effect they tell of.
CREATE TABLE idempotency_keys (
    key_hash BLOB NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    -- Who sent the request. Erasure deletes the rows.
    principal_id BLOB NOT NULL REFERENCES principals (id),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    sealed BLOB NOT NULL CHECK (length(sealed) >= 28),
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_principal ON idempotency_keys (principal_id);

-- What concerns security, in one chain: each row's hash covers the row before it.
CREATE TABLE audit_events (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 1),
    at INTEGER NOT NULL CHECK (at BETWEEN 0 AND 253402300799999999),
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 60),
    actor_id BLOB CHECK (length(actor_id) = 16),
    subject TEXT NOT NULL CHECK (length(subject) <= 200),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- What a participant's own data is exported with.
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, seq);

CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events BEGIN
    SELECT raise(ABORT, 'rows of audit_events are never changed');
END;

CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN
    SELECT raise(ABORT, 'rows of audit_events are never changed');
END;
