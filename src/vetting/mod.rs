//! Vetting: what a program is measured by, what was found, and what follows.
//!
//! The rubric is reference data in versions. Assessors rule on each of its criteria, with evidence that expires by the
//! clock. What verified reviews tell of tasks and claims, and what a listing's own scope offers, is read against the
//! rubric's task matrix. Everything that the verdict follows from is gathered in one row per program, in the transaction
//! of whatever changes it, so that reading a verdict is one lookup and a pure function of it and of the day.

pub mod coverage;
pub mod export;
pub mod export_store;
pub mod history;
pub mod history_store;
pub mod listing;
pub mod method_routes;
pub mod methodology;
pub mod rubric;
pub mod rubric_input;
pub mod rubric_routes;
pub mod rubric_store;
pub mod signals;
pub mod standing_store;
