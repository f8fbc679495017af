//! The tables between the writing of a review and its publication.

use super::reviews;

diesel::table! {
    /// Sketches of the long texts of reviews.
    review_sketches (review_id) {
        review_id -> Binary,
        sketches -> Binary,
    }
}

diesel::table! {
    /// Values of sketches, by which near copies are found.
    review_sketch_keys (provider_id, sketch_key, review_id) {
        provider_id -> Binary,
        sketch_key -> Integer,
        review_id -> Binary,
    }
}

diesel::table! {
    /// How many reviews were written, by quarters of days.
    review_arrivals (provider_id, quarter_day, program_id) {
        provider_id -> Binary,
        quarter_day -> Integer,
        program_id -> Binary,
        arrived -> Integer,
    }
}

diesel::joinable!(review_sketches -> reviews (review_id));
