//! Decisions as statements of reasons: the public record of rulings, and what those read who are affected.
//!
//! The public reads of a ruling what it was, what it rests on, and the month; which item it was about only while that item
//! is public, and never who took it or whom it affects. Rows are written by [`crate::moderation`].

pub mod body;
pub mod routes;
pub mod store;
