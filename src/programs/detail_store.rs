//! One program with everything that its page shows, read in one query (two when red flags stand).

use diesel::prelude::*;

use super::{
    model::{ProgramInput, ProgramStatus, TermKind},
    store::{Key, ProgramKey, ProgramRow},
};
use crate::{
    auth::{Caller, Role},
    db::{
        Conn,
        schema::{program_tallies, program_terms, program_versions, programs, providers},
    },
    http::Error,
    ids::{ProgramId, ProviderId},
    reference::RedFlagKind,
    score::{Score, Tallies},
    time::Day,
    vetting::standing_store::Standing,
};

/// A program, its provider, its present listing, and what its score follows from.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The row.
    pub row: ProgramRow,
    /// The provider's slug.
    pub provider_slug: String,
    /// The provider's name.
    pub provider_name: String,
    /// The provider's row version, since its name and slug are shown.
    pub provider_version: i32,
    /// Kinds of red flag with a substantiated report, in the order of their codes.
    pub red_flags: Vec<RedFlagKind>,
    listing: String,
    tallies: String,
}

/// The entity tag of a program: it changes with everything that its representation shows.
#[must_use]
pub fn etag(version: i32, provider_version: i32, derived_day: Day, phase: u8) -> String {
    format!("\"v{version}-{provider_version}-{}-{phase}\"", derived_day.number())
}

impl Detail {
    /// The entity tag of the program on a day.
    #[must_use]
    pub fn etag(&self, today: Day) -> String {
        etag(self.row.version, self.provider_version, self.row.derived_day, self.row.standing.phase(today))
    }

    /// The listing, with the slug that the program has.
    pub fn input(&self) -> Result<ProgramInput, Error> {
        let mut input: ProgramInput = serde_json::from_str(&self.listing).map_err(Error::internal)?;
        input.slug = Some(self.row.slug.clone());
        Ok(input)
    }

    /// The score as of the day that the row's score was computed for.
    pub fn score(&self) -> Result<Score, Error> {
        let tallies: Tallies = serde_json::from_str(&self.tallies).map_err(Error::internal)?;
        let codes_issued = u32::try_from(self.row.codes_issued).unwrap_or_default();
        Ok(Score::of(&tallies, codes_issued, self.row.derived_day))
    }
}

/// What decides whether somebody may read a program, and which representation is current.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The program.
    pub id: ProgramId,
    status: ProgramStatus,
    provider: ProviderId,
    version: i32,
    provider_version: i32,
    derived_day: Day,
    standing: Standing,
}

impl Stamp {
    /// The entity tag of the program on a day.
    #[must_use]
    pub fn etag(&self, today: Day) -> String {
        etag(self.version, self.provider_version, self.derived_day, self.standing.phase(today))
    }

    /// Fails as if the program did not exist unless the caller may read it.
    pub fn may_read(&self, caller: Option<&Caller>) -> Result<(), Error> {
        readable(self.status, self.provider, caller)
    }
}

/// Finds the stamp of a program, whatever its status.
pub fn stamp(conn: &mut Conn, key: &ProgramKey) -> QueryResult<Option<Stamp>> {
    let query = programs::table.inner_join(providers::table).select((
        programs::id,
        programs::status,
        programs::provider_id,
        programs::version,
        providers::version,
        programs::derived_day,
        Standing::as_select(),
    ));
    let found: Option<(ProgramId, ProgramStatus, ProviderId, i32, i32, Day, Standing)> = match key {
        Key::Id(id) => query.filter(programs::id.eq(id)).get_result(conn).optional()?,
        Key::Slug(slug) => query.filter(programs::slug.eq(slug)).get_result(conn).optional()?,
    };
    Ok(found.map(|(id, status, provider, version, provider_version, derived_day, standing)| Stamp {
        id,
        status,
        provider,
        version,
        provider_version,
        derived_day,
        standing,
    }))
}

/// Row; slug, name and version of its provider; listing; tallies.
type Joined = (ProgramRow, (String, String, i32), String, String);

/// Finds a program with its details, whatever its status.
pub fn find(conn: &mut Conn, key: &ProgramKey) -> QueryResult<Option<Detail>> {
    let current =
        program_versions::program_id.eq(programs::id).and(program_versions::version.eq(programs::listing_version));
    let query = programs::table
        .inner_join(providers::table)
        .inner_join(program_tallies::table)
        .inner_join(program_versions::table.on(current))
        .select((
            ProgramRow::as_select(),
            (providers::slug, providers::name, providers::version),
            program_versions::listing,
            program_tallies::tallies,
        ));
    let found: Option<Joined> = match key {
        Key::Id(id) => query.filter(programs::id.eq(id)).first(conn).optional()?,
        Key::Slug(slug) => query.filter(programs::slug.eq(slug)).first(conn).optional()?,
    };
    let Some((row, (provider_slug, provider_name, provider_version), listing, tallies)) = found else {
        return Ok(None);
    };
    // Terms of this kind exist exactly while substantiated reports are counted.
    let red_flags = if row.report_count == 0 { Vec::new() } else { red_flags(conn, &row)? };
    Ok(Some(Detail { row, provider_slug, provider_name, provider_version, red_flags, listing, tallies }))
}

fn red_flags(conn: &mut Conn, row: &ProgramRow) -> QueryResult<Vec<RedFlagKind>> {
    program_terms::table
        .filter(program_terms::program_id.eq(row.id))
        .filter(program_terms::kind.eq(TermKind::RedFlag))
        .order(program_terms::term)
        .select(program_terms::term)
        .load(conn)
}

/// Whether somebody may read what the public may not: drafts, submitted and archived programs, and what happened
/// before a program was listed. Those are its provider, and everyone who looks after the catalogue.
#[must_use]
pub fn is_insider(caller: Option<&Caller>, provider: ProviderId) -> bool {
    caller.is_some_and(|caller| match caller.role {
        Role::Admin | Role::Moderator | Role::Assessor => true,
        Role::Provider => caller.provider == Some(provider),
        Role::Participant | Role::University | Role::Frontend => false,
    })
}

/// Fails as if the program did not exist unless the caller may read it.
pub fn may_read(caller: Option<&Caller>, row: &ProgramRow) -> Result<(), Error> {
    readable(row.status, row.provider_id, caller)
}

fn readable(status: ProgramStatus, provider: ProviderId, caller: Option<&Caller>) -> Result<(), Error> {
    let readable = status.is_public() || is_insider(caller, provider);
    readable.then_some(()).ok_or(Error::NotFound("program"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PrincipalId;

    #[test]
    fn only_the_own_provider_and_the_service_read_drafts() {
        let id = |n: u8| ProviderId::new_v4([n; 16]);
        for role in Role::ALL {
            let caller =
                |provider| Caller { id: PrincipalId::new_v4([9; 16]), role: *role, provider, university: None };
            let service = matches!(role, Role::Admin | Role::Moderator | Role::Assessor);
            assert_eq!(is_insider(Some(&caller(None)), id(1)), service, "{role}");
            assert_eq!(is_insider(Some(&caller(Some(id(2)))), id(1)), service, "{role}");
            let own = service || *role == Role::Provider;
            assert_eq!(is_insider(Some(&caller(Some(id(1)))), id(1)), own, "{role}");
        }
        assert!(!is_insider(None, id(1)));
    }

    #[test]
    fn every_part_of_a_tag_counts() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let tag = etag(1, 1, day("2025-03-01"), 0);
        assert_eq!(tag, "\"v1-1-20148-0\"");
        assert_ne!(tag, etag(2, 1, day("2025-03-01"), 0));
        assert_ne!(tag, etag(1, 2, day("2025-03-01"), 0));
        assert_ne!(tag, etag(1, 1, day("2025-03-02"), 0));
        assert_ne!(tag, etag(1, 1, day("2025-03-01"), 1));
    }
}
