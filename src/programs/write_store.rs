//! Writes on programs: new ones, edits of the listing, and changes of state.
//!
//! Everything here runs inside a transaction of the caller's, and takes time and ids as arguments.

use std::collections::BTreeSet;

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::{
    model::{ProgramAction, ProgramInput, ProgramStatus},
    store::{self, Key, ProgramKey, ProgramRow},
};
use crate::{
    audit::AuditKey,
    auth::{Caller, Role},
    db::{
        Conn,
        schema::{program_search, program_versions, programs},
    },
    http::{Error, FaultCode},
    ids::{DecisionId, ProgramId, ProviderId},
    moderation::{self, Act, SubjectKind},
    providers::store::ProviderRow,
    rules::{free_slug, numbered_slugs},
    time::{Day, Timestamp},
    verdict::{Notice, Verdict},
    vetting::standing_store::{self, Standing},
};

/// Slugs that would be hidden by other addresses below `/v1/programs/`.
const RESERVED: [&str; 2] = ["compare", "facets"];

/// The columns of a row that follow from its listing.
#[derive(AsChangeset)]
#[diesel(table_name = programs, treat_none_as_null = true)]
struct FromListing {
    slug: String,
    title: String,
    title_key: String,
    summary: String,
    weeks_min: i32,
    weeks_max: i32,
    fee_currency: String,
    fee_total_minor: i64,
    minimum_age: i32,
    deadline_day: Option<Day>,
}

impl FromListing {
    fn of(input: &ProgramInput, slug: &str) -> Self {
        let (currency, total) = input.fee_total().unwrap_or_default();
        Self {
            slug: slug.to_owned(),
            title: input.title.clone(),
            title_key: input.title_key(),
            summary: input.summary.clone(),
            weeks_min: input.weeks_min,
            weeks_max: input.weeks_max,
            fee_currency: currency.to_owned(),
            fee_total_minor: total,
            minimum_age: input.minimum_age,
            deadline_day: input.application_deadline,
        }
    }
}

/// Adds a program as a draft of `provider`. A slug that was asked for and is taken is a conflict; one made from the
/// title gets a number. The stored listing has the slug that the program got.
pub fn create(
    conn: &mut Conn,
    provider: &ProviderRow,
    input: &ProgramInput,
    id: ProgramId,
    now: Timestamp,
) -> Result<ProgramRow, Error> {
    let slug = new_slug(conn, input)?;
    let input = ProgramInput { slug: Some(slug.clone()), ..input.clone() };
    let listed = FromListing::of(&input, &slug);
    let row = ProgramRow {
        id,
        slug: listed.slug,
        provider_id: provider.id,
        status: ProgramStatus::Draft,
        status_reason: None,
        title: listed.title,
        title_key: listed.title_key,
        summary: listed.summary,
        listing_version: 1,
        version: 1,
        weeks_min: listed.weeks_min,
        weeks_max: listed.weeks_max,
        fee_currency: listed.fee_currency,
        fee_total_minor: listed.fee_total_minor,
        minimum_age: listed.minimum_age,
        deadline_day: listed.deadline_day,
        listed_at: Timestamp::EPOCH,
        created_at: now,
        updated_at: now,
        standing: Standing::unknown(),
        score_key: 0,
        review_count: 0,
        verified_review_count: 0,
        recommend_count: 0,
        report_count: 0,
        critical_report_count: 0,
        derived_day: now.day(),
        codes_issued: 0,
    };
    store::insert(conn, &row, &input, &provider.name).map_err(|error| taken(error, &slug))?;
    standing_store::refresh(conn, id, now)?;
    found(conn, id)
}

/// Replaces the listing of a program that is still as `current` says, and keeps the former one. Without a slug in
/// `input` the program keeps the one it has. An edit that changes nothing makes no version.
pub fn edit(
    conn: &mut Conn,
    current: &ProgramRow,
    provider_name: &str,
    input: &ProgramInput,
    now: Timestamp,
) -> Result<ProgramRow, Error> {
    if !current.status.is_editable() {
        return Err(Error::Conflict(format!("The listing cannot be edited while the status is `{}`.", current.status)));
    }
    let slug = input.slug.as_ref().unwrap_or(&current.slug);
    if *slug != current.slug {
        refuse_reserved(slug)?;
    }
    let input = ProgramInput { slug: Some(slug.clone()), ..input.clone() };
    if input == store::listing(conn, current.id, current.listing_version)? {
        return Ok(current.clone());
    }
    let listing_version = current.listing_version + 1;
    let unchanged = programs::table.find(current.id).filter(programs::version.eq(current.version));
    let changed = diesel::update(unchanged)
        .set((
            FromListing::of(&input, slug),
            programs::listing_version.eq(listing_version),
            programs::version.eq(programs::version + 1),
            programs::updated_at.eq(now),
        ))
        .execute(conn);
    if changed.map_err(|error| taken(error.into(), slug))? == 0 {
        return Err(Error::PreconditionFailed);
    }
    store::add_version(conn, current.id, listing_version, &input, now)?;
    store::reindex(conn, current.id, &input, provider_name)?;
    standing_store::refresh(conn, current.id, now)?;
    found(conn, current.id)
}

/// A change of a program's state.
#[derive(Debug, Clone, Copy)]
pub struct ProgramAct<'a> {
    /// The id of the decision that records it.
    pub decision: DecisionId,
    /// Who acts.
    pub by: Caller,
    /// What is done.
    pub action: ProgramAction,
    /// Why; empty where the provider acts.
    pub reason: &'a str,
    /// When.
    pub at: Timestamp,
    /// The key of the security log, for a ruling.
    pub audit: Option<&'a AuditKey>,
}

/// The columns that an act changes.
#[derive(AsChangeset)]
#[diesel(table_name = programs, treat_none_as_null = true)]
struct AfterAct {
    status: ProgramStatus,
    status_reason: Option<String>,
    listed_at: Timestamp,
    updated_at: Timestamp,
    derived_day: Day,
}

/// A provider cannot take a program from public view while it is suspended, not recommended or under review, or a
/// substantiated report stands: the warning would go with it. A moderator can, with a reason.
fn refuse_hiding(row: &ProgramRow, act: &ProgramAct<'_>) -> Result<(), Error> {
    let hides = act.action == ProgramAction::Archive && act.by.role == Role::Provider;
    let today = act.at.day();
    let warns = row.status == ProgramStatus::Suspended
        || row.report_count > 0
        || row.standing.verdict_on(today) == Verdict::NotRecommended
        || row.standing.notices_on(today, row.status).contains(&Notice::UnderReview);
    if hides && warns {
        let reason = "A program that is suspended, not recommended or under review, or has substantiated reports, can only \
                      be archived by a moderator.";
        return Err(Error::Conflict(reason.to_owned()));
    }
    Ok(())
}

/// Changes the state of a program and records the decision. A provider's programs do not exist for other providers;
/// nobody who is linked to the provider in another role decides on them.
///
/// The reason stays with the program while it explains the state: suspended, handed back, or ended by a moderator.
pub fn act(conn: &mut Conn, key: &ProgramKey, act: &ProgramAct<'_>) -> Result<ProgramRow, Error> {
    let row = store::find(conn, key)?.ok_or(Error::NotFound("program"))?;
    permit(conn, &act.by, row.provider_id)?;
    if act.by.role == Role::Moderator {
        moderation::claim_store::permit(conn, &act.by, SubjectKind::Program, row.id.as_uuid(), act.at)?;
    }
    // The state is read again once nobody else can change it.
    store::lock(conn, row.id)?;
    let row = found(conn, row.id)?;
    refuse_hiding(&row, act)?;
    let status = row.status.after(act.action).map_err(|error| Error::Conflict(format!("{error}.")))?;
    let explains = matches!(act.action, ProgramAction::Suspend | ProgramAction::Reject | ProgramAction::Archive);
    let is_new = act.action == ProgramAction::List && row.listed_at == Timestamp::EPOCH;
    let after = AfterAct {
        status,
        status_reason: (explains && !act.reason.is_empty()).then(|| act.reason.to_owned()),
        listed_at: if is_new { act.at } else { row.listed_at },
        updated_at: act.at,
        // Without reviews the score is the same on every day.
        derived_day: if is_new && row.review_count == 0 { act.at.day() } else { row.derived_day },
    };
    diesel::update(programs::table.find(row.id)).set(&after).execute(conn)?;
    standing_store::refresh(conn, row.id, act.at)?;
    let record = Act {
        id: act.decision,
        by: act.by,
        action: act.action.as_str(),
        from: row.status.as_str(),
        to: status.as_str(),
        reason: act.reason,
        at: act.at,
        audit: act.audit,
    };
    moderation::store::record(conn, SubjectKind::Program, row.id.as_uuid(), &record)?;
    found(conn, row.id)
}

/// Whether somebody may change the state of a program of this provider: the provider itself, or whoever rules and is
/// not linked to it.
pub fn permit(conn: &mut Conn, by: &Caller, provider: ProviderId) -> Result<(), Error> {
    match by.role {
        Role::Provider if by.provider == Some(provider) => Ok(()),
        Role::Provider => Err(Error::NotFound("program")),
        _ => moderation::store::permit_ruling(conn, by, provider),
    }
}

fn found(conn: &mut Conn, id: ProgramId) -> Result<ProgramRow, Error> {
    store::find(conn, &Key::Id(id))?.ok_or(Error::NotFound("program"))
}

/// Brings the search words of a provider's programs up to date after a change of its name.
pub fn provider_renamed(conn: &mut Conn, provider: ProviderId, name: &str) -> Result<(), Error> {
    let current =
        program_versions::program_id.eq(programs::id).and(program_versions::version.eq(programs::listing_version));
    let listings: Vec<(ProgramId, String)> = programs::table
        .inner_join(program_versions::table.on(current))
        .filter(programs::provider_id.eq(provider))
        .order(programs::id)
        .select((programs::id, program_versions::listing))
        .load(conn)?;
    for (id, listing) in listings {
        let input: ProgramInput = serde_json::from_str(&listing).map_err(Error::internal)?;
        diesel::update(program_search::table.filter(program_search::program_id.eq(id)))
            .set(program_search::body.eq(input.search_body(name)))
            .execute(conn)?;
    }
    Ok(())
}

/// The slug asked for; or else, made from the title, one that is free. Which one it is in the end decides the unique
/// index.
fn new_slug(conn: &mut Conn, input: &ProgramInput) -> Result<String, Error> {
    let wanted = input.slug_or_derived();
    if input.slug.is_some() {
        refuse_reserved(&wanted)?;
        return Ok(wanted);
    }
    let (from, before) = numbered_slugs(&wanted);
    let numbered = programs::slug.ge(from).and(programs::slug.lt(before));
    let taken: Vec<String> =
        programs::table.filter(programs::slug.eq(&wanted).or(numbered)).select(programs::slug).load(conn)?;
    let reserved = RESERVED.iter().map(|slug| (*slug).to_owned());
    Ok(free_slug(wanted, &taken.into_iter().chain(reserved).collect::<BTreeSet<_>>()))
}

fn refuse_reserved(slug: &str) -> Result<(), Error> {
    if RESERVED.contains(&slug) || slug.parse::<ProgramId>().is_ok() {
        let detail = "This slug would lead elsewhere: it is an operation's name or has the form of an id.";
        return Err(Error::field("/slug", FaultCode::NotAllowed, detail));
    }
    Ok(())
}

fn taken(error: Error, slug: &str) -> Error {
    match error {
        Error::Database(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Error::Conflict(format!("The slug `{slug}` is taken; choose another."))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_that_lead_elsewhere_are_refused() {
        for slug in ["facets", "compare", "0195f8a0-1c2d-7abc-8def-0123456789ab"] {
            assert!(refuse_reserved(slug).is_err(), "{slug}");
        }
        refuse_reserved("facets-2").unwrap();
    }
}
