//! The tables of flags on reviews, and of measures about reporters.

use super::{principals, red_flag_reports, reviews};

diesel::table! {
    /// What moderators look at when readers flag a review: at most one open case for each.
    review_cases (id) {
        id -> Binary,
        review_id -> Binary,
        status -> Text,
        version -> Integer,
        held -> Integer,
        grave -> Integer,
        outcome -> Nullable<Text>,
        reason -> Nullable<Text>,
        seen_revision -> Nullable<Integer>,
        opened_at -> BigInt,
        closed_at -> BigInt,
    }
}

diesel::table! {
    /// Flags on reviews, one for each party and review.
    review_flags (id) {
        id -> Binary,
        case_id -> Binary,
        review_id -> Binary,
        party_class -> Text,
        party_id -> Nullable<Binary>,
        note -> Nullable<Text>,
        held -> Integer,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// The reasons of each flag.
    review_flag_reasons (flag_id, reason) {
        flag_id -> Binary,
        reason -> Text,
    }
}

diesel::table! {
    /// What moderators did about reporters; reason and time are in the decisions of the same id.
    reporter_measures (decision_id) {
        decision_id -> Binary,
        report_id -> Binary,
        reporter_id -> Binary,
        action -> Text,
        suspended_until -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// Whose right to report and to flag is suspended, and until when.
    report_rights (principal_id) {
        principal_id -> Binary,
        suspended_until -> BigInt,
        decision_id -> Binary,
    }
}

diesel::joinable!(report_rights -> reporter_measures (decision_id));
diesel::joinable!(reporter_measures -> red_flag_reports (report_id));
diesel::joinable!(report_rights -> principals (principal_id));
diesel::joinable!(review_cases -> reviews (review_id));
diesel::joinable!(review_flag_reasons -> review_flags (flag_id));
diesel::joinable!(review_flags -> review_cases (case_id));
diesel::allow_columns_to_appear_in_same_group_by_clause!(
    review_flags::party_class,
    review_cases::outcome,
    review_flag_reasons::reason,
);
