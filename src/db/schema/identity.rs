//! The tables of identity: who gets in, by which door, and what it leaves behind.

use super::{principals, programs};

diesel::table! {
    /// OAuth 2 clients: the programs by which providers, universities and frontends call the API.
    clients (id) {
        id -> Binary,
        principal_id -> Binary,
        name -> Text,
        scopes -> Text,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// Secrets of clients, as hashes.
    client_secrets (id) {
        id -> Binary,
        client_id -> Binary,
        secret_hash -> Binary,
        hint -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// What a sign-in opens: a family of refresh tokens, of which one holds at a time.
    sessions (id) {
        id -> Binary,
        principal_id -> Binary,
        door -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// Refresh tokens, as hashes; a used one that comes back ends its session.
    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// Access tokens revoked before they expire, by their `jti`.
    revoked_tokens (jti) {
        jti -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// One code at a time for an address; gone once used or expired.
    sign_in_codes (address_hash) {
        address_hash -> Binary,
        code_hash -> Binary,
        attempts -> Integer,
        sent -> Integer,
        counted_from -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// E-mail addresses of participants, as keyed hashes and sealed; erasure deletes the row.
    participant_addresses (principal_id) {
        principal_id -> Binary,
        address_hash -> Binary,
        sealed -> Binary,
        university_id -> Nullable<Binary>,
    }
}

diesel::table! {
    /// Participants known by (issuer, subject) of an outside identity provider. Erasure deletes the row.
    outside_identities (identity_hash) {
        identity_hash -> Binary,
        principal_id -> Binary,
    }
}

diesel::table! {
    /// The participants of one program in one period.
    cohorts (id) {
        id -> Binary,
        program_id -> Binary,
        period_start -> Integer,
        period_end -> Integer,
        created_at -> BigInt,
        voucher -> Text,
        university_id -> Nullable<Binary>,
        provider_id -> Nullable<Binary>,
        size -> Integer,
        issued -> Integer,
        revoked -> Integer,
        redeemed -> Integer,
        counted_on -> Integer,
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// A code knows its cohort and whether it was redeemed; not when, and not by whom.
    participation_codes (code_hash) {
        code_hash -> Binary,
        cohort_id -> Binary,
        status -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// Who has shown a code of which cohort. Erasure deletes the row.
    participations (principal_id, cohort_id) {
        principal_id -> Binary,
        cohort_id -> Binary,
    }
}

diesel::table! {
    /// Providers and universities that a moderator or assessor is linked to, and never decides on.
    conflicts_of_interest (id) {
        id -> Binary,
        principal_id -> Binary,
        provider_id -> Nullable<Binary>,
        university_id -> Nullable<Binary>,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// Answers to requests that carried an Idempotency-Key, written with the effect they tell of.
    idempotency_keys (key_hash) {
        key_hash -> Binary,
        principal_id -> Binary,
        fingerprint -> Binary,
        sealed -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// What concerns security, in one chain: each row's hash covers the row before it.
    audit_events (seq) {
        seq -> BigInt,
        at -> BigInt,
        kind -> Text,
        actor_id -> Nullable<Binary>,
        subject -> Text,
        hash -> Binary,
    }
}

diesel::joinable!(client_secrets -> clients (client_id));
diesel::joinable!(clients -> principals (principal_id));
diesel::joinable!(cohorts -> programs (program_id));
diesel::joinable!(conflicts_of_interest -> principals (principal_id));
diesel::joinable!(outside_identities -> principals (principal_id));
diesel::joinable!(participant_addresses -> principals (principal_id));
diesel::joinable!(participation_codes -> cohorts (cohort_id));
diesel::joinable!(participations -> cohorts (cohort_id));
diesel::joinable!(participations -> principals (principal_id));
diesel::joinable!(idempotency_keys -> principals (principal_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(sessions -> principals (principal_id));
