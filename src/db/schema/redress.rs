//! The table of appeals.

use super::decisions;

diesel::table! {
    /// What those say who are affected by a decision, and what became of it.
    appeals (id) {
        id -> Binary,
        decision_id -> Binary,
        subject_kind -> Text,
        subject_id -> Binary,
        program_id -> Binary,
        provider_id -> Binary,
        party -> Text,
        appellant_id -> Binary,
        status -> Text,
        version -> Integer,
        words -> Nullable<Text>,
        effect -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::joinable!(appeals -> decisions (decision_id));
