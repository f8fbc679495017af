//! Appeals: whoever a ruling goes against may have somebody else look at it again.
//!
//! An appeal that is upheld undoes the ruling where it still stands and can be undone; that is a decision of its own, by
//! the same moderator and in the same transaction. Nobody rules on an appeal against themselves.

pub mod body;
pub mod list_store;
pub mod model;
mod reversal_store;
pub mod routes;
pub mod store;
