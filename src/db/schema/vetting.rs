//! The tables of vetting.

use super::{programs, reviews};

diesel::table! {
    /// Versions of the rubric with its task matrix; rows are never changed.
    rubrics (version) {
        version -> Integer,
        document -> Text,
        reason -> Text,
        created_by -> Nullable<Binary>,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// All criteria of one program at one time.
    assessments (id) {
        id -> Binary,
        program_id -> Binary,
        rubric_version -> Integer,
        listing_version -> Integer,
        status -> Text,
        version -> Integer,
        author_id -> Binary,
        signed_off_by -> Nullable<Binary>,
        content -> Text,
        answer -> Nullable<Text>,
        answered_at -> BigInt,
        submitted_at -> BigInt,
        published_at -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Every ruling that was ever made in an assessment; rows are never changed.
    assessment_revisions (assessment_id, version) {
        assessment_id -> Binary,
        version -> Integer,
        editor_id -> Binary,
        criterion -> Text,
        ruling -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// What published, verified reviews tell of tasks.
    self_report_tasks (review_id, task) {
        review_id -> Binary,
        task -> Text,
        program_id -> Binary,
        training_level -> Text,
        supervision -> Text,
        consent -> Text,
        half_year -> Integer,
    }
}

diesel::table! {
    /// What published, verified reviews tell of the listing's claims.
    self_report_claims (review_id, number) {
        review_id -> Binary,
        number -> Integer,
        program_id -> Binary,
        claim -> Text,
        claim_key -> Text,
        outcome -> Text,
    }
}

diesel::table! {
    /// What moderators do about critical signals, by program and kind of red flag.
    triage_entries (id) {
        id -> Binary,
        program_id -> Binary,
        kind -> Text,
        status -> Text,
        version -> Integer,
        reason -> Nullable<Text>,
        proof -> Nullable<Text>,
        opened_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// The reviews whose signal was dismissed or remediated.
    triage_cleared_reviews (triage_entry_id, review_id) {
        triage_entry_id -> Binary,
        review_id -> Binary,
    }
}

diesel::table! {
    /// Everything that the verdict of a program follows from.
    program_vetting (program_id) {
        program_id -> Binary,
        inputs -> Text,
        rubric_version -> Integer,
    }
}

diesel::table! {
    /// Every verdict that a program had; rows are never changed.
    verdict_changes (program_id, number) {
        program_id -> Binary,
        number -> Integer,
        verdict -> Text,
        conditions_from -> Integer,
        insufficient_from -> Integer,
        reasons -> Text,
        rubric_version -> Integer,
        changed_at -> BigInt,
    }
}

diesel::joinable!(assessment_revisions -> assessments (assessment_id));
diesel::joinable!(assessments -> programs (program_id));
diesel::joinable!(program_vetting -> programs (program_id));
diesel::joinable!(self_report_claims -> reviews (review_id));
diesel::joinable!(self_report_tasks -> reviews (review_id));
diesel::joinable!(triage_cleared_reviews -> triage_entries (triage_entry_id));
diesel::joinable!(triage_entries -> programs (program_id));
diesel::joinable!(verdict_changes -> programs (program_id));
