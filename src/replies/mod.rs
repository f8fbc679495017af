//! Replies: what the provider says to a review, once, and what the author answers, once.
//!
//! Both stand with the review. An edit keeps the former text, which anyone may read; a withdrawn reply leaves a
//! tombstone without texts. Moderators remove what names people, with a reason, and may restore it.

pub mod body;
pub mod erase_store;
pub mod model;
pub mod routes;
pub mod store;
