//! What universities confirm by themselves. The tables of cohorts and codes are in `identity`.

use super::{principals, programs};

diesel::table! {
    /// What participants ask a university to confirm; once decided, without person and statement.
    confirmation_requests (id) {
        id -> Binary,
        principal_id -> Nullable<Binary>,
        university_id -> Binary,
        program_id -> Binary,
        period_start -> Integer,
        period_end -> Integer,
        status -> Text,
        version -> Integer,
        statement -> Nullable<Binary>,
        created_at -> BigInt,
        decided_month -> Nullable<Integer>,
    }
}

diesel::table! {
    /// What universities decided, without the request. Erasure deletes the row.
    confirmations (id) {
        id -> Binary,
        principal_id -> Binary,
        university_id -> Binary,
        program_id -> Binary,
        period_start -> Integer,
        period_end -> Integer,
        outcome -> Text,
        reason -> Binary,
        decided_month -> Integer,
    }
}

diesel::joinable!(confirmation_requests -> principals (principal_id));
diesel::joinable!(confirmation_requests -> programs (program_id));
diesel::joinable!(confirmations -> principals (principal_id));
diesel::joinable!(confirmations -> programs (program_id));
