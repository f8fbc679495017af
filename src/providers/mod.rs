//! Providers: the organisations that run programs.
//!
//! An admin registers them; afterwards each keeps its own entry and its own programs.
//! The contact address is for moderators and never public.
//! A provider is read by id or by slug, and its programs are found through the list of programs.
//! Its name is part of the search index of its programs.

pub mod model;
pub mod routes;
pub mod store;
