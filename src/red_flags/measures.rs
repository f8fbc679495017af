//! What moderators do about people who report without ground. They never learn who it is: a measure hangs on a report.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::model::ReportStatus;
use crate::{rules::fault_at, text_enum::text_enum, time::Timestamp};

text_enum! {
    /// What a moderator does about a reporter.
    pub enum ReporterMeasureAction {
        /// Tell them that the report had no ground.
        Warn = "warn",
        /// Suspend their right to report and to flag for a time.
        Suspend = "suspend",
        /// End a suspension before its time.
        Restore = "restore",
    }
}

impl ReporterMeasureAction {
    /// The word for it in the record of decisions.
    #[must_use]
    pub const fn recorded(self) -> &'static str {
        match self {
            Self::Warn => "warn_reporter",
            Self::Suspend => "suspend_reporter",
            Self::Restore => "restore_reporter",
        }
    }
}

/// A measure about the reporter of a report that was not found true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "days_belong_to_suspend"))]
pub struct ReporterMeasureInput {
    /// What is done.
    pub action: ReporterMeasureAction,
    /// Why; the reporter reads it.
    #[schema(min_length = 20, max_length = 2000)]
    pub reason: String,
    /// For how many days; needed with `suspend`, refused otherwise.
    #[schema(minimum = 1, maximum = 365, format = "int32", example = 30)]
    pub days: Option<i32>,
}

fn days_belong_to_suspend(measure: &ReporterMeasureInput) -> Result<(), ValidationError> {
    match (measure.action, measure.days) {
        (ReporterMeasureAction::Suspend, None) => {
            Err(fault_at("required", "`suspend` needs a number of days.", "/days"))
        }
        (ReporterMeasureAction::Suspend, Some(_)) | (_, None) => Ok(()),
        _ => Err(fault_at("not_applicable", "Days go with `suspend` only.", "/days")),
    }
}

impl ReporterMeasureInput {
    /// Until when the right is suspended; `None` for other measures.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.days.map(|days| now.plus_seconds(i64::from(days) * 24 * 60 * 60))
    }
}

/// A measure as the reporter and moderators read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReporterMeasure {
    /// What was done.
    pub action: ReporterMeasureAction,
    /// Why.
    #[schema(min_length = 20, max_length = 2000)]
    pub reason: String,
    /// Until when the right to report and to flag is suspended, unless it is restored before; null for other measures.
    pub suspended_until: Option<Timestamp>,
    /// When it was done.
    pub created_at: Timestamp,
}

/// That somebody's right to report and to flag is suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportingSuspension {
    /// Until when.
    pub until: Timestamp,
    /// Why.
    #[schema(min_length = 20, max_length = 2000)]
    pub reason: String,
}

/// What decides whether a measure can be taken.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and the rule is a table of them")]
pub struct MeasureFacts {
    /// State of the report.
    pub report: ReportStatus,
    /// Whether its reporter was warned or suspended for it before.
    pub measured: bool,
    /// Whether the reporter was warned for another report before this one was made.
    pub warned_before: bool,
    /// Whether the reporter's right is suspended now.
    pub suspended: bool,
    /// Whether it is suspended for this report.
    pub suspended_by_this: bool,
}

/// Refuses a measure that the state does not allow, with what the moderator is told.
pub const fn permit(action: ReporterMeasureAction, facts: MeasureFacts) -> Result<(), &'static str> {
    use ReporterMeasureAction as A;
    match action {
        _ if !matches!(facts.report, ReportStatus::Unsubstantiated) => {
            Err("A measure is taken only about a report that is `unsubstantiated`.")
        }
        A::Restore if facts.suspended_by_this => Ok(()),
        A::Restore => Err("Nobody's right to report is suspended because of this report."),
        _ if facts.measured => Err("A measure was taken about this report already."),
        A::Warn => Ok(()),
        A::Suspend if facts.suspended => Err("The right to report is suspended already."),
        A::Suspend if facts.warned_before => Ok(()),
        A::Suspend => Err(
            "The right to report is suspended only after a warning about an earlier report, if another one without ground \
             was made since. Warn first.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_takes_what_the_rule_says() {
        use ReporterMeasureAction as A;
        let both = [false, true];
        for report in ReportStatus::ALL {
            for bits in 0..16 {
                let [measured, warned_before, suspended, by_this] =
                    [1, 2, 4, 8].map(|bit| both[usize::from(bits & bit != 0)]);
                // Who is suspended for this report is suspended, and was measured for it.
                if by_this && !(suspended && measured) {
                    continue;
                }
                let facts =
                    MeasureFacts { report: *report, measured, warned_before, suspended, suspended_by_this: by_this };
                let unfounded = *report == ReportStatus::Unsubstantiated;
                assert_eq!(permit(A::Warn, facts).is_ok(), unfounded && !measured, "{facts:?}");
                let may = unfounded && !measured && warned_before && !suspended;
                assert_eq!(permit(A::Suspend, facts).is_ok(), may, "{facts:?}");
                assert_eq!(permit(A::Restore, facts).is_ok(), unfounded && by_this, "{facts:?}");
            }
        }
    }

    #[test]
    fn days_go_with_a_suspension_and_nothing_else() {
        for action in ReporterMeasureAction::ALL {
            for days in [None, Some(7)] {
                let reason = "The account contradicts itself in each part.".to_owned();
                let measure = ReporterMeasureInput { action: *action, reason, days };
                let fits = (*action == ReporterMeasureAction::Suspend) == days.is_some();
                assert_eq!(measure.validate().is_ok(), fits, "{measure:?}");
            }
        }
    }
}
