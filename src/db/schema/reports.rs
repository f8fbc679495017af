//! What is kept about red-flag reports besides the reports themselves.

use super::{providers, red_flag_reports};

diesel::table! {
    /// What the provider was asked about a report before it is found true, and what it said.
    report_answers (report_id) {
        report_id -> Binary,
        provider_id -> Binary,
        summary -> Text,
        answer_until -> Integer,
        answer -> Nullable<Text>,
    }
}

diesel::joinable!(report_answers -> providers (provider_id));
diesel::joinable!(report_answers -> red_flag_reports (report_id));
