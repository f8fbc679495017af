//! What has become of a listing since it was assessed.

use crate::{programs::model::ProgramInput, reference::TrainingLevel};

/// Whether a listing has changed in what an assessment looks at: in anything but dates, places left, and addresses.
#[must_use]
pub fn differs(assessed: &ProgramInput, now: &ProgramInput) -> bool {
    let neutral = ProgramInput {
        slug: now.slug.clone(),
        start_months: now.start_months.clone(),
        application_deadline: now.application_deadline,
        group_size_max: now.group_size_max,
        scholarships: now.scholarships.clone(),
        website: now.website.clone(),
        ..assessed.clone()
    };
    neutral != *now
}

/// The training levels that a listing takes now and did not take when it was assessed, in order.
#[must_use]
pub fn levels_added(assessed: &ProgramInput, now: &ProgramInput) -> Vec<TrainingLevel> {
    let added = now.training_levels.iter().filter(|level| !assessed.training_levels.contains(level));
    let mut added: Vec<TrainingLevel> = added.copied().collect();
    added.sort_unstable();
    added
}
