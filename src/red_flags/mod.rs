//! Red-flag reports: one person's account of one kind of red flag in a program.
//!
//! Each report keeps the version of the listing that it was made against.
//! Only its reporter and moderators can read it; the public sees counts and summaries written by moderators.
//! The provider may be asked about it, and reads a moderator's summary.
//! A moderator triages it and finds it substantiated or not; a substantiated one stands until remediated with proof.
//! Standing reports decide the verdict, in the same transaction.

pub mod answer_store;
pub mod answers;
pub mod body;
pub mod group_store;
pub mod list_store;
pub mod listing_diff;
pub mod measure_store;
pub mod measures;
pub mod model;
pub mod routes;
pub mod store;
