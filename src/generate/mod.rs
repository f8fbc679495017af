//! Made-up data in any amount, for load tests. The same seed makes the same rows, whatever the clock says.
//!
//! Programs are inserted as requests would insert them; reviews and reports are inserted in batches, and what is
//! derived from them is computed by the same code as `preceptor rebuild` uses.

mod content;

use diesel::prelude::*;
use fastrand::Rng;
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::{Role, principals::Principal},
    db::{
        self, Conn,
        schema::{principals as principal_table, programs, red_flag_reports, reviews},
    },
    http::Error,
    ids::{PrincipalId, ProgramId, ProviderId, ReportId, ReviewId},
    on_each_backend,
    programs::{derived, model::ProgramStatus, write_store},
    providers::{self, model::ProviderInput, store::ProviderRow},
    red_flags::{
        model::{Confidentiality, RedFlagReportInput, ReportStatus, queue_key},
        store::{ReportContent, ReportRow},
    },
    reference::{RedFlagKind, TrainingLevel, countries},
    reviews::{
        model::Verification,
        pseudonym::PseudonymKey,
        store::{NewReview, ReviewRow},
    },
    time::Timestamp,
};

/// How much to make.
#[derive(Debug, Clone, clap::Args)]
pub struct Amounts {
    /// Listed programs.
    #[arg(long, default_value_t = 1000)]
    pub programs: u32,
    /// Published reviews, spread unevenly over the programs.
    #[arg(long, default_value_t = 20_000)]
    pub reviews: u32,
    /// Red-flag reports in several states.
    #[arg(long, default_value_t = 2000)]
    pub reports: u32,
    /// The same seed makes the same data.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Rows in one insert: SQLite takes 32,766 parameters, a review has 23.
const BATCH: usize = 500;
/// Programs or reviews in one transaction.
const CHUNK: usize = 1000;
/// Fixed, so that the clock does not enter: 2026-01-01T00:00:00Z.
const BASE: i64 = 1_767_225_600_000_000;
const DAY: i64 = 86_400;

struct Maker {
    rng: Rng,
    countries: Vec<String>,
}

/// Fills the database and says what was made.
pub fn run(conn: &mut Conn, amounts: &Amounts, now: Timestamp) -> Result<String, Error> {
    let mut maker = Maker {
        rng: Rng::with_seed(amounts.seed),
        // Forty countries, the first ones more often: lists of real programs are not even either.
        countries: countries().iter().step_by(6).take(40).map(|country| country.code.clone()).collect(),
    };
    let base = Timestamp::from_micros(BASE).unwrap_or(Timestamp::EPOCH);
    let providers = in_transaction(conn, |conn| maker.providers(conn, amounts.programs / 25 + 1, base))?;
    let mut program_ids = Vec::new();
    for chunk in chunks(amounts.programs) {
        program_ids.extend(in_transaction(conn, |conn| maker.programs(conn, chunk, &providers, base))?);
    }
    let participants = in_transaction(conn, |conn| maker.participants(conn, amounts.reviews / 4 + 10, base))?;
    let mut number = 0;
    for chunk in chunks(amounts.reviews) {
        in_transaction(conn, |conn| maker.reviews(conn, chunk, &mut number, &program_ids, &participants, base))?;
    }
    for chunk in chunks(amounts.reports) {
        in_transaction(conn, |conn| maker.reports(conn, chunk, &program_ids, &participants, base))?;
    }
    derived::rebuild(conn, false, now)?;
    analyze(conn)?;
    Ok(format!("{} programs, {} reviews and {} reports made", amounts.programs, amounts.reviews, amounts.reports))
}

fn chunks(total: u32) -> impl Iterator<Item = usize> {
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    (0..total.div_ceil(CHUNK)).map(move |index| CHUNK.min(total - index * CHUNK))
}

/// `db::transaction` may run its closure again on PostgreSQL after a lost race. Here nobody races.
fn in_transaction<T>(conn: &mut Conn, work: impl FnMut(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
    let work = std::cell::RefCell::new(work);
    db::transaction(conn, &|conn| (work.borrow_mut())(conn))
}

/// Both planners choose better with statistics; a grown database gets them from its own upkeep.
fn analyze(conn: &mut Conn) -> Result<(), Error> {
    use diesel::connection::SimpleConnection;
    Ok(conn.batch_execute("ANALYZE")?)
}

impl Maker {
    fn uuid_v7(&mut self, at: Timestamp) -> Uuid {
        let millis = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn uuid_v4(&mut self) -> Uuid {
        let mut random = [0; 16];
        self.rng.fill(&mut random);
        uuid::Builder::from_random_bytes(random).into_uuid()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.rng.usize(..from.len())]
    }

    /// Small indexes more often.
    fn pick_uneven<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.rng.usize(..from.len()).min(self.rng.usize(..from.len()));
        &from[index]
    }

    fn providers(&mut self, conn: &mut Conn, count: u32, at: Timestamp) -> Result<Vec<ProviderRow>, Error> {
        (0..count)
            .map(|number| {
                let input: ProviderInput = read(json!({
                    "name": format!("{} Placements {number}", self.pick(content::PLACES)), "slug": format!("made-up-{number}"),
                    "country": self.countries[self.rng.usize(..40)], "description": self.sentences(30)
                }))?;
                let id = ProviderId::from_uuid(self.uuid_v7(at));
                providers::store::insert(conn, &input, id, at)
            })
            .collect()
    }

    fn programs(
        &mut self,
        conn: &mut Conn,
        count: usize,
        providers: &[ProviderRow],
        base: Timestamp,
    ) -> Result<Vec<ProgramId>, Error> {
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            let at = base.plus_seconds(-DAY * self.rng.i64(1..1500) - self.rng.i64(0..DAY));
            let id = ProgramId::from_uuid(self.uuid_v7(at));
            let input = self.program()?;
            let provider = self.pick(providers);
            let row = write_store::create(conn, provider, &input, id, at)?;
            diesel::update(programs::table.find(row.id))
                .set((programs::status.eq(ProgramStatus::Listed), programs::listed_at.eq(at)))
                .execute(conn)?;
            ids.push(id);
        }
        Ok(ids)
    }

    fn participants(&mut self, conn: &mut Conn, count: u32, at: Timestamp) -> Result<Vec<PrincipalId>, Error> {
        let rows: Vec<_> = (0..count)
            .map(|_| Principal::new(PrincipalId::from_uuid(self.uuid_v7(at)), Role::Participant, at))
            .collect();
        for batch in rows.chunks(BATCH) {
            on_each_backend!(conn, |c| diesel::insert_into(principal_table::table).values(batch).execute(c))?;
        }
        Ok(rows.iter().map(|row| row.id).collect())
    }

    fn reviews(
        &mut self,
        conn: &mut Conn,
        count: usize,
        number: &mut usize,
        programs: &[ProgramId],
        participants: &[PrincipalId],
        base: Timestamp,
    ) -> Result<(), Error> {
        let pseudonyms = PseudonymKey::derive(b"made-up data");
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            // Walking the participants in order, and the half-years with each round, never meets the unique index.
            let participant = participants[*number % participants.len()];
            let half = 2018 * 2 + (*number / participants.len()) % 15;
            *number += 1;
            let program = *self.pick_uneven(programs);
            let content = self.review(half)?;
            let new = NewReview {
                id: ReviewId::from_uuid(self.uuid_v4()),
                program,
                participant,
                pseudonym: pseudonyms.pseudonym(participant, program),
                verification: Verification::None,
                content: &content,
            };
            let at = base.plus_seconds(-self.rng.i64(0..700 * DAY));
            rows.push(ReviewRow::published(&new, at)?);
        }
        for batch in rows.chunks(BATCH) {
            on_each_backend!(conn, |c| diesel::insert_into(reviews::table).values(batch).execute(c))?;
        }
        Ok(())
    }

    fn reports(
        &mut self,
        conn: &mut Conn,
        count: usize,
        programs: &[ProgramId],
        participants: &[PrincipalId],
        base: Timestamp,
    ) -> Result<(), Error> {
        const STATUSES: [ReportStatus; 5] = [
            ReportStatus::Submitted,
            ReportStatus::InTriage,
            ReportStatus::Unsubstantiated,
            ReportStatus::Substantiated,
            ReportStatus::Submitted,
        ];
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let status = *self.pick(&STATUSES);
            let kind = *self.pick_uneven(RedFlagKind::ALL);
            let at = base.plus_seconds(-self.rng.i64(0..700 * DAY));
            let input: RedFlagReportInput = read(json!({
                "kind": kind, "training_level": self.pick(TrainingLevel::ALL),
                "happened": {"start_month": "2025-02", "end_month": "2025-03"}, "narrative": self.sentences(40),
                "confidentiality": "public_summary"
            }))?;
            let half_year = input.happened.half_year();
            let summary = (status == ReportStatus::Substantiated).then(|| self.sentences(12));
            rows.push(ReportRow {
                id: ReportId::from_uuid(self.uuid_v4()),
                program_id: *self.pick_uneven(programs),
                reporter_id: *self.pick(participants),
                kind,
                status,
                version: 1,
                severity: kind.info().severity,
                training_level: input.training_level,
                confidentiality: Confidentiality::PublicSummary,
                listing_version: 1,
                content: serde_json::to_string(&ReportContent { input, information: Vec::new(), proof: None })
                    .map_err(Error::internal)?,
                public_summary: summary,
                created_at: at,
                updated_at: at,
                verification: Verification::None,
                queue_key: queue_key(kind == RedFlagKind::HarassmentOrAbuse, at),
                half_year: Some(half_year),
                purged: 0,
            });
        }
        for batch in rows.chunks(BATCH) {
            on_each_backend!(conn, |c| diesel::insert_into(red_flag_reports::table).values(batch).execute(c))?;
        }
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}
