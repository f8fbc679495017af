//! The tables of the moderators' queue.

diesel::table! {
    /// Who is working on what, and until when.
    moderation_claims (subject_kind, subject_id) {
        subject_kind -> Text,
        subject_id -> Binary,
        moderator_id -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// Acts that wait for a second moderator.
    moderation_proposals (subject_kind, subject_id, subject_version) {
        subject_kind -> Text,
        subject_id -> Binary,
        subject_version -> Integer,
        action -> Text,
        reason -> Text,
        proposer_id -> Binary,
        proposed_at -> BigInt,
    }
}
