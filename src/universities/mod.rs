//! Universities: the record that participants' mail domains and later approvals refer to.
//!
//! They come from an imported list, not from requests.
//! An import adds what is new, updates what has changed, leaves what is equal, and names each row it refuses.
//! They are found by words of their name and by mail domain; a subdomain finds the university of its parent domain.
//! Rows are never deleted by an import.

pub mod domain;
pub mod import;
pub mod routes;
pub mod store;
