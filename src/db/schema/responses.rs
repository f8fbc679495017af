//! The tables of responses to reviews: replies and votes.

use super::{programs, reviews};

diesel::table! {
    /// What is shown with a review and written by others; a review without a response has no row.
    review_responses (review_id) {
        review_id -> Binary,
        program_id -> Binary,
        version -> Integer,
        helpful_count -> Integer,
        erased_votes -> Integer,
    }
}

diesel::table! {
    /// Helpful votes.
    review_votes (review_id, voter_id) {
        review_id -> Binary,
        voter_id -> Binary,
    }
}

diesel::table! {
    /// The provider's reply to a review, and the author's answer to it.
    review_replies (review_id) {
        review_id -> Binary,
        provider_id -> Binary,
        status -> Text,
        version -> Integer,
        revision -> Integer,
        text -> Nullable<Text>,
        updated_at -> BigInt,
        answer_status -> Nullable<Text>,
        answer_revision -> Integer,
        answer -> Nullable<Text>,
        answered_at -> BigInt,
    }
}

diesel::table! {
    /// The texts that a reply or an answer had before its edits.
    review_reply_revisions (review_id, target, revision) {
        review_id -> Binary,
        target -> Text,
        revision -> Integer,
        text -> Text,
        written_at -> BigInt,
    }
}

diesel::joinable!(review_replies -> reviews (review_id));
diesel::joinable!(review_responses -> programs (program_id));
diesel::joinable!(review_responses -> reviews (review_id));
diesel::joinable!(review_votes -> reviews (review_id));
