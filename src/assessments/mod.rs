//! Assessments: all criteria of one program at one time, with the evidence that each ruling rests on.
//!
//! An assessor opens one, rules on each criterion, and submits it. Where a critical criterion is met at the highest
//! level of evidence, or not met, a second assessor signs it off. The provider may answer. Published, it decides the
//! verdict until a later one takes its place, or until its evidence expires.

pub mod body;
pub mod decision_store;
pub mod list_store;
pub mod model;
pub mod routes;
pub mod ruling;
pub mod store;
