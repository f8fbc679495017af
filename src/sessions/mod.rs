//! Sessions: what a sign-in opens, by whichever door.
//!
//! A session is a family of refresh tokens of which one holds at a time. Each use of the token gives a successor and an
//! access token; a used token that comes back after the grace period means that two hold it, and ends the session.
//! The successor is computed from the token, so that an answer that was lost can be given again and ten requests at
//! once get the same one. Ending a session ends its access tokens with the next request.

pub mod body;
pub mod model;
pub mod store;

pub use model::{Door, Grant};
