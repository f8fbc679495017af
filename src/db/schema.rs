//! The tables, as diesel sees them: one description for both databases.
//!
//! The truth is in `migrations/`. What only one database has is not described here: SQLite's FTS5
//! indexes (`program_search_index`, `university_search_index`) and PostgreSQL's generated
//! `body_vector` columns.
//!
//! Units: ids are 16 bytes; `*_at` and `tokens_valid_from` are microseconds since 1970 UTC; `*_day`
//! and `*_from` are days since 1970-01-01; `period_*` and `*_month` are months (`year * 12 + month - 1`); `half_year` is
//! `year * 2 + (0 or 1)`.

mod confirmation;
mod flags;
mod identity;
mod moderation;
mod outbox;
mod publication;
mod redress;
mod reports;
mod responses;
mod vetting;

pub use confirmation::*;
pub use flags::*;
pub use identity::*;
pub use moderation::*;
pub use outbox::*;
pub use publication::*;
pub use redress::*;
pub use reports::*;
pub use responses::*;
pub use vetting::*;

diesel::table! {
    /// Universities of the world, kept by imports.
    universities (id) {
        id -> Binary,
        name -> Text,
        name_key -> Text,
        country -> Text,
        state_province -> Nullable<Text>,
        web_pages -> Text,
        source -> Text,
        source_key -> Text,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// The e-mail domains of each university.
    university_domains (domain, university_id) {
        domain -> Text,
        university_id -> Binary,
    }
}

diesel::table! {
    /// Search words of each university, folded and stemmed.
    university_search (number) {
        number -> BigInt,
        university_id -> Binary,
        body -> Text,
    }
}

diesel::table! {
    /// Organisations that run programs.
    providers (id) {
        id -> Binary,
        slug -> Text,
        name -> Text,
        name_key -> Text,
        country -> Text,
        website -> Nullable<Text>,
        description -> Text,
        contact_email -> Nullable<Text>,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    /// Whoever acts: people, providers and universities.
    principals (id) {
        id -> Binary,
        role -> Text,
        provider_id -> Nullable<Binary>,
        university_id -> Nullable<Binary>,
        tokens_valid_from -> BigInt,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        disabled_reason -> Nullable<Text>,
    }
}

diesel::table! {
    /// Programs: state, sort keys, and columns derived from reviews and reports.
    programs (id) {
        id -> Binary,
        slug -> Text,
        provider_id -> Binary,
        status -> Text,
        status_reason -> Nullable<Text>,
        title -> Text,
        title_key -> Text,
        summary -> Text,
        listing_version -> Integer,
        version -> Integer,
        weeks_min -> Integer,
        weeks_max -> Integer,
        fee_currency -> Text,
        fee_total_minor -> BigInt,
        minimum_age -> Integer,
        deadline_day -> Nullable<Integer>,
        listed_at -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        verdict -> Text,
        score_key -> Integer,
        review_count -> Integer,
        verified_review_count -> Integer,
        recommend_count -> Integer,
        report_count -> Integer,
        critical_report_count -> Integer,
        derived_day -> Integer,
        conditions_from -> Integer,
        insufficient_from -> Integer,
        stale_from -> Integer,
        notices -> Text,
        codes_issued -> Integer,
    }
}

diesel::table! {
    /// Every listing that a program ever had; rows are never changed.
    program_versions (program_id, version) {
        program_id -> Binary,
        version -> Integer,
        listing -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// What lists of programs filter and count by.
    program_terms (kind, term, program_id) {
        kind -> Text,
        term -> Text,
        program_id -> Binary,
    }
}

diesel::table! {
    /// Exact counts of the ratings of each program.
    program_tallies (program_id) {
        program_id -> Binary,
        tallies -> Text,
    }
}

diesel::table! {
    /// Search words of each program, folded and stemmed.
    program_search (number) {
        number -> BigInt,
        program_id -> Binary,
        body -> Text,
    }
}

diesel::table! {
    /// Reviews of programs by participants.
    reviews (id) {
        id -> Binary,
        program_id -> Binary,
        participant_id -> Binary,
        status -> Text,
        version -> Integer,
        revision -> Integer,
        pseudonym -> Text,
        half_year -> Integer,
        period_start -> Integer,
        period_end -> Integer,
        training_level -> Text,
        would_recommend -> Nullable<Integer>,
        overall_sum -> Integer,
        overall_count -> Integer,
        overall_key -> Integer,
        verification -> Text,
        content -> Text,
        status_reason -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        published_at -> BigInt,
        findings -> Text,
        release_at -> BigInt,
        vouched_by -> Nullable<Text>,
        vouched_month -> Nullable<Integer>,
        purged -> Integer,
    }
}

diesel::table! {
    /// The contents that a review had before its edits.
    review_revisions (review_id, revision) {
        review_id -> Binary,
        revision -> Integer,
        content -> Text,
        period_start -> Integer,
        period_end -> Integer,
        created_at -> BigInt,
    }
}

diesel::table! {
    /// Red-flag reports about programs.
    red_flag_reports (id) {
        id -> Binary,
        program_id -> Binary,
        reporter_id -> Binary,
        kind -> Text,
        status -> Text,
        version -> Integer,
        severity -> Text,
        training_level -> Text,
        confidentiality -> Text,
        listing_version -> Integer,
        content -> Text,
        public_summary -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        verification -> Text,
        queue_key -> BigInt,
        half_year -> Nullable<Integer>,
        purged -> Integer,
    }
}

diesel::table! {
    /// Every change of state, with its reason; rows are never changed.
    decisions (id) {
        id -> Binary,
        subject_kind -> Text,
        subject_id -> Binary,
        from_status -> Text,
        to_status -> Text,
        action -> Text,
        actor_id -> Nullable<Binary>,
        actor_role -> Text,
        reason -> Text,
        created_at -> BigInt,
        ground -> Nullable<Text>,
        facts -> Nullable<Text>,
        automated -> Integer,
        program_id -> Nullable<Binary>,
        provider_id -> Nullable<Binary>,
        public_month -> Nullable<Integer>,
    }
}

diesel::joinable!(decisions -> principals (actor_id));
diesel::joinable!(principals -> providers (provider_id));
diesel::joinable!(principals -> universities (university_id));
diesel::joinable!(program_search -> programs (program_id));
diesel::joinable!(program_tallies -> programs (program_id));
diesel::joinable!(program_terms -> programs (program_id));
diesel::joinable!(program_versions -> programs (program_id));
diesel::joinable!(programs -> providers (provider_id));
diesel::joinable!(red_flag_reports -> principals (reporter_id));
diesel::joinable!(red_flag_reports -> programs (program_id));
diesel::joinable!(review_revisions -> reviews (review_id));
diesel::joinable!(reviews -> principals (participant_id));
diesel::joinable!(reviews -> programs (program_id));
diesel::joinable!(university_domains -> universities (university_id));
diesel::joinable!(university_search -> universities (university_id));

diesel::allow_tables_to_appear_in_same_query!(
    appeals,
    assessment_revisions,
    assessments,
    audit_events,
    client_secrets,
    clients,
    cohorts,
    confirmation_requests,
    confirmations,
    conflicts_of_interest,
    decisions,
    idempotency_keys,
    moderation_claims,
    notice_addresses,
    notices,
    outside_identities,
    participant_addresses,
    participation_codes,
    participations,
    principals,
    program_search,
    program_tallies,
    program_terms,
    program_versions,
    program_vetting,
    programs,
    providers,
    red_flag_reports,
    refresh_tokens,
    report_answers,
    report_rights,
    reporter_measures,
    review_arrivals,
    review_cases,
    review_flag_reasons,
    review_flags,
    review_replies,
    review_reply_revisions,
    review_responses,
    review_revisions,
    review_sketch_keys,
    review_sketches,
    review_votes,
    reviews,
    revoked_tokens,
    rubrics,
    self_report_claims,
    self_report_tasks,
    sessions,
    sign_in_codes,
    triage_cleared_reviews,
    triage_entries,
    universities,
    university_domains,
    university_search,
    verdict_changes,
);
