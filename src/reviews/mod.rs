//! Reviews: what participants tell about a program, in ratings, text and a structured report of what they did.
//!
//! One review per participant, program and half-year; an edit keeps the former content as a revision.
//! Others see a pseudonym that differs per program, and the half-year instead of the months.
//! A moderator can hold, publish or reject with a reason; the author can withdraw.
//! What the automatic checks find holds a review for a moderator; a verified one of a small cohort waits for others.
//! Published reviews count in the program's score, in the same transaction.

pub mod body;
pub mod checks;
pub mod cohort;
pub mod list_store;
pub mod model;
pub mod pseudonym;
pub mod response_store;
pub mod routes;
mod state;
pub mod store;
