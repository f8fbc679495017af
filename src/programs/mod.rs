//! Programs: listings of medical internships, from draft to archive.
//!
//! A provider writes a listing, a moderator lists, rejects or suspends it, and every edit keeps the former version.
//! Lists filter by terms taken from the listing and sort by keys kept in the row; the score, the counts and the verdict
//! are columns too, brought up to date by whatever changes them ([`derived`]).
//! Only listed programs stand in lists; a suspended one stays readable, with the reason.

pub mod compare;
pub mod derived;
pub mod desk;
pub mod desk_store;
pub mod detail_store;
pub mod history_store;
pub mod list;
pub mod list_query;
pub mod list_sql;
pub mod list_store;
pub mod listing;
mod listing_parts;
pub mod model;
pub mod routes;
pub mod store;
pub mod write_store;

pub use derived::{rebuild, refresh};
