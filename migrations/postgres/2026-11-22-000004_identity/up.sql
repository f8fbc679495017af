-- Who gets in, by which door, and what it leaves behind.
--
-- No table holds a secret: client secrets, refresh tokens and codes are stored as SHA-256 (of at
-- least 128 random bits), addresses and outside identities as keyed hashes, and what must be
-- readable again (an address, a stored answer) is sealed with a key of the data directory.

ALTER TABLE principals DROP CONSTRAINT principals_role_check;
ALTER TABLE principals ADD CONSTRAINT principals_role_check CHECK (
    role IN (
        'admin', 'moderator', 'assessor', 'participant', 'provider', 'university', 'frontend'
    )
);

-- Why an admin took all rights away; empty where the principal erased its own identity.
ALTER TABLE principals
ADD COLUMN disabled_reason TEXT COLLATE "C"
CHECK (length(disabled_reason) BETWEEN 1 AND 2000);

CREATE INDEX principals_by_role ON principals (role, id);

-- OAuth 2 clients: the programs by which providers, universities and frontends call the API.
CREATE TABLE clients (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    principal_id BYTEA NOT NULL UNIQUE REFERENCES principals (id),
    name TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 2 AND 100),
    -- What its tokens may be used for at the most: words, sorted, one space between.
    scopes TEXT COLLATE "C" NOT NULL CHECK (length(scopes) BETWEEN 1 AND 500),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at BIGINT NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    revoked_at BIGINT CHECK (revoked_at BETWEEN 0 AND 253402300799999999)
);

CREATE TABLE client_secrets (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    client_id BYTEA NOT NULL REFERENCES clients (id),
    secret_hash BYTEA NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    -- The last characters, by which people tell secrets apart.
    hint TEXT COLLATE "C" NOT NULL CHECK (length(hint) = 4),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999),
    last_used_at BIGINT CHECK (last_used_at BETWEEN 0 AND 253402300799999999),
    revoked_at BIGINT CHECK (revoked_at BETWEEN 0 AND 253402300799999999)
);

CREATE INDEX client_secrets_by_client ON client_secrets (client_id, created_at, id);

-- What a sign-in opens: a family of refresh tokens, of which one holds at a time.
CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    principal_id BYTEA NOT NULL REFERENCES principals (id),
    door TEXT COLLATE "C" NOT NULL CHECK (door IN ('email', 'participation_code')),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    last_used_at BIGINT NOT NULL CHECK (last_used_at BETWEEN 0 AND 253402300799999999),
    -- However often it is refreshed, it ends then.
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999),
    ended_at BIGINT CHECK (ended_at BETWEEN 0 AND 253402300799999999)
);

CREATE INDEX sessions_by_principal ON sessions (principal_id, created_at, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    token_hash BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    session_id BYTEA NOT NULL REFERENCES sessions (id),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    -- Unused until then, it does not hold any more.
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999),
    used_at BIGINT CHECK (used_at BETWEEN 0 AND 253402300799999999)
);

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id, created_at);

-- Access tokens revoked before they expire, by their `jti`.
CREATE TABLE revoked_tokens (
    jti BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(jti) = 16),
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
);

CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- One code at a time for an address; gone once used. `sent` counts the codes since `counted_from`.
CREATE TABLE sign_in_codes (
    address_hash BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(address_hash) = 32),
    code_hash BYTEA NOT NULL CHECK (octet_length(code_hash) = 32),
    attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 10),
    sent INTEGER NOT NULL CHECK (sent BETWEEN 1 AND 10),
    counted_from BIGINT NOT NULL CHECK (counted_from BETWEEN 0 AND 253402300799999999),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
);

CREATE INDEX sign_in_codes_by_expiry ON sign_in_codes (expires_at);

-- Erasure deletes the row.
CREATE TABLE participant_addresses (
    principal_id BYTEA NOT NULL PRIMARY KEY REFERENCES principals (id),
    address_hash BYTEA NOT NULL UNIQUE CHECK (octet_length(address_hash) = 32),
    sealed BYTEA NOT NULL CHECK (octet_length(sealed) BETWEEN 28 AND 400),
    -- The university whose mail domain the address has.
    university_id BYTEA REFERENCES universities (id)
);

-- Participants known by (issuer, subject) of an outside identity provider. Erasure deletes the row.
CREATE TABLE outside_identities (
    identity_hash BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(identity_hash) = 32),
    principal_id BYTEA NOT NULL UNIQUE REFERENCES principals (id)
);

-- The participants of one program in one period.
CREATE TABLE cohorts (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    program_id BYTEA NOT NULL REFERENCES programs (id),
    period_start INTEGER NOT NULL CHECK (period_start BETWEEN 22800 AND 26399),
    period_end INTEGER NOT NULL CHECK (period_end BETWEEN 22800 AND 26399),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT cohorts_period_in_order CHECK (period_start <= period_end)
);

CREATE INDEX cohorts_by_program ON cohorts (program_id, period_end, id);

-- A code knows its cohort and whether it was redeemed; not when, and not by whom.
CREATE TABLE participation_codes (
    code_hash BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    cohort_id BYTEA NOT NULL REFERENCES cohorts (id),
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'redeemed', 'revoked')),
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
);

CREATE INDEX participation_codes_by_cohort ON participation_codes (cohort_id, status);

-- Who has shown a code of which cohort. Erasure deletes the row.
CREATE TABLE participations (
    principal_id BYTEA NOT NULL REFERENCES principals (id),
    cohort_id BYTEA NOT NULL REFERENCES cohorts (id),
    PRIMARY KEY (principal_id, cohort_id)
);

-- Providers and universities that a moderator or assessor is linked to, and never decides on.
CREATE TABLE conflicts_of_interest (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    principal_id BYTEA NOT NULL REFERENCES principals (id),
    provider_id BYTEA REFERENCES providers (id),
    university_id BYTEA REFERENCES universities (id),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT conflicts_of_interest_name_one_party
        CHECK ((provider_id IS NULL) <> (university_id IS NULL)),
    UNIQUE (principal_id, provider_id),
    UNIQUE (principal_id, university_id)
);

-- Answers to requests that carried an Idempotency-Key, written with the effect they tell of.
CREATE TABLE idempotency_keys (
    key_hash BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    -- Who sent the request. Erasure deletes the rows.
    principal_id BYTEA NOT NULL REFERENCES principals (id),
    fingerprint BYTEA NOT NULL CHECK (octet_length(fingerprint) = 32),
    sealed BYTEA NOT NULL CHECK (octet_length(sealed) >= 28),
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999999)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_principal ON idempotency_keys (principal_id);

-- What concerns security, in one chain: each row's hash covers the row before it.
CREATE TABLE audit_events (
    seq BIGINT NOT NULL PRIMARY KEY CHECK (seq >= 1),
    at BIGINT NOT NULL CHECK (at BETWEEN 0 AND 253402300799999999),
    kind TEXT COLLATE "C" NOT NULL CHECK (length(kind) BETWEEN 1 AND 60),
    actor_id BYTEA CHECK (octet_length(actor_id) = 16),
    subject TEXT COLLATE "C" NOT NULL CHECK (length(subject) <= 200),
    hash BYTEA NOT NULL CHECK (octet_length(hash) = 32)
);

-- What a participant's own data is exported with.
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, seq);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
