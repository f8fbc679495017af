//! Queries on lists of programs.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

use diesel::{prelude::*, sql_types::Text};

use super::{
    list_query::{ProgramFilter, ProgramSort},
    list_sql::{Conditions, Frequencies},
    model::{ProgramStatus, TermKind},
};
use crate::{
    db::{
        Backend, Conn, Sql,
        schema::{program_terms, programs, providers},
    },
    http::{Error, Position},
    ids::{ProgramId, ProviderId},
    time::{Day, Timestamp},
    verdict::{Outlook, Verdict},
    vetting::standing_store::Standing,
};

type Programs<'a> = programs::BoxedQuery<'a, Backend>;

/// The kinds of term that an item of a list shows.
const SHOWN: [TermKind; 3] = [TermKind::Country, TermKind::Specialty, TermKind::TrainingLevel];

#[diesel::declare_sql_function]
extern "SQL" {
    /// All texts of a group, joined.
    #[aggregate]
    fn string_agg(text: Text, separator: Text) -> Text;
}

/// The columns that an item of a list shows, and the keys of the sorts.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = programs)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and product terms")]
pub struct SummaryRow {
    pub id: ProgramId,
    pub slug: String,
    pub status: ProgramStatus,
    pub provider_id: ProviderId,
    pub title: String,
    pub title_key: String,
    pub summary: String,
    pub weeks_min: i32,
    pub weeks_max: i32,
    pub fee_currency: String,
    pub fee_total_minor: i64,
    pub minimum_age: i32,
    pub listed_at: Timestamp,
    #[diesel(embed)]
    pub standing: Standing,
    pub score_key: i32,
    pub review_count: i32,
    pub verified_review_count: i32,
    pub report_count: i32,
    pub critical_report_count: i32,
}

/// Id, slug and name of a provider.
pub type ProviderName = (ProviderId, String, String);

/// A program as a list shows it.
#[derive(Debug)]
pub struct ListedProgram {
    /// Its row.
    pub row: SummaryRow,
    /// Who runs it.
    pub provider: ProviderName,
    terms: String,
}

impl ListedProgram {
    /// Its terms of one of the kinds shown, in bytewise order.
    #[must_use]
    pub fn terms<T: FromStr>(&self, kind: TermKind) -> Vec<T> {
        let terms = self.terms.split(',').filter_map(|term| term.split_once(':'));
        let mut terms: Vec<&str> = terms.filter(|(of, _)| *of == kind.as_str()).map(|(_, term)| term).collect();
        terms.sort_unstable();
        terms.into_iter().filter_map(|term| term.parse().ok()).collect()
    }
}

/// One order of the list, and the condition of its further pages. The second half of the condition would do alone, but
/// only with the first can both engines seek in the index. Ids break ties in the direction in which the index runs.
macro_rules! in_order {
    ($query:expr, $after:expr, $key:expr, $value:expr, $order:ident $reached:ident $passed:ident, $id_order:ident $id_passed:ident) => {{
        let query = $query.order(($key.$order(), programs::id.$id_order()));
        match $after {
            None => query,
            Some(after) => {
                let id = ProgramId::from_uuid(after.id);
                let passed = $key.$passed($value(after)).or(programs::id.$id_passed(id));
                query.filter($key.$reached($value(after)).and(passed))
            }
        }
    }};
}

fn big(after: &Position) -> i64 {
    after.number
}

fn small(after: &Position) -> i32 {
    i32::try_from(after.number).unwrap_or_default()
}

fn text(after: &Position) -> String {
    after.text.clone()
}

fn sorted<'a>(query: Programs<'a>, sort: ProgramSort, after: Option<&Position>) -> Programs<'a> {
    use programs::{fee_total_minor, listed_at, review_count, score_key, title_key};
    match sort {
        ProgramSort::ScoreDown => in_order!(query, after, score_key, small, desc le lt, asc gt),
        ProgramSort::Score => in_order!(query, after, score_key, small, asc ge gt, desc lt),
        ProgramSort::ListedAtDown => in_order!(query, after, listed_at, big, desc le lt, asc gt),
        ProgramSort::ListedAt => in_order!(query, after, listed_at, big, asc ge gt, desc lt),
        ProgramSort::Title => in_order!(query, after, title_key, text, asc ge gt, asc gt),
        ProgramSort::TitleDown => in_order!(query, after, title_key, text, desc le lt, desc lt),
        ProgramSort::Fee => in_order!(query, after, fee_total_minor, big, asc ge gt, asc gt),
        ProgramSort::ReviewCountDown => in_order!(query, after, review_count, small, desc le lt, asc gt),
    }
}

/// Where a list goes on after a row.
#[must_use]
pub fn position(sort: ProgramSort, row: &SummaryRow) -> Position {
    let id = *row.id.as_uuid();
    match sort {
        ProgramSort::ScoreDown | ProgramSort::Score => Position::by_number(row.score_key.into(), id),
        ProgramSort::ListedAtDown | ProgramSort::ListedAt => Position::by_number(row.listed_at.as_micros(), id),
        ProgramSort::Title | ProgramSort::TitleDown => Position::by_text(&row.title_key, id),
        ProgramSort::Fee => Position::by_number(row.fee_total_minor, id),
        ProgramSort::ReviewCountDown => Position::by_number(row.review_count.into(), id),
    }
}

/// The first `most` programs that match, after a position.
pub fn page(
    conn: &mut Conn,
    filter: &ProgramFilter,
    known: &Frequencies,
    today: Day,
    (sort, after, most): (ProgramSort, Option<&Position>, i64),
) -> Result<Vec<ListedProgram>, Error> {
    let Some(conditions) = Conditions::prepare(conn, filter, known, today)? else { return Ok(Vec::new()) };
    let query = programs::table.filter(conditions.sql()).into_boxed::<Backend>();
    let rows = sorted(query, sort, after).limit(most).select(SummaryRow::as_select()).load(conn)?;
    Ok(with_terms(conn, rows)?)
}

/// Some programs by id, whatever their status, in the order of the ids; those that do not exist are left out.
pub fn by_id(conn: &mut Conn, ids: &[ProgramId]) -> QueryResult<Vec<ListedProgram>> {
    let query = programs::table.filter(programs::id.eq_any(ids)).select(SummaryRow::as_select());
    let mut rows: Vec<SummaryRow> = query.load(conn)?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    with_terms(conn, rows)
}

/// Adds to each row what a list shows with it, in two queries for all.
fn with_terms(conn: &mut Conn, rows: Vec<SummaryRow>) -> QueryResult<Vec<ListedProgram>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<ProviderName> = providers::table
        .filter(Sql::one_of("providers.id", rows.iter().map(|row| *row.provider_id.as_uuid())))
        .select((providers::id, providers::slug, providers::name))
        .load(conn)?;
    let names: HashMap<ProviderId, ProviderName> = names.into_iter().map(|name| (name.0, name)).collect();
    let terms: Vec<(ProgramId, String)> = program_terms::table
        .filter(Sql::one_of("program_terms.program_id", rows.iter().map(|row| *row.id.as_uuid())))
        .filter(Sql::one_of("program_terms.kind", SHOWN.map(TermKind::as_str)))
        .group_by(program_terms::program_id)
        .select((
            program_terms::program_id,
            string_agg(program_terms::kind.concat(":").concat(program_terms::term), ","),
        ))
        .load(conn)?;
    let mut terms: HashMap<ProgramId, String> = terms.into_iter().collect();
    let listed = rows.into_iter().map(|row| {
        let provider = names.get(&row.provider_id).cloned().ok_or(diesel::result::Error::NotFound)?;
        let terms = terms.remove(&row.id).unwrap_or_default();
        Ok(ListedProgram { row, provider, terms })
    });
    listed.collect()
}

/// How many of the programs that match have each term and each verdict.
#[derive(Debug, Default)]
pub struct Counts {
    /// By kind and term; not the kinds that only filters use.
    pub terms: Vec<(TermKind, String, i64)>,
    /// By verdict.
    pub verdicts: Vec<(Verdict, i64)>,
}

/// Counts the programs that match, by term and by verdict.
pub fn counts(conn: &mut Conn, filter: &ProgramFilter, known: &Frequencies, today: Day) -> Result<Counts, Error> {
    let Some(conditions) = Conditions::prepare(conn, filter, known, today)? else { return Ok(Counts::default()) };
    // The days by which a verdict gets worse are few: those on which evidence expires.
    let by_day = (programs::verdict, programs::conditions_from, programs::insufficient_from);
    let groups: Vec<(Verdict, Day, Day, i64)> = programs::table
        .filter(conditions.sql())
        .group_by(by_day)
        .select((programs::verdict, programs::conditions_from, programs::insufficient_from, diesel::dsl::count_star()))
        .load(conn)?;
    let mut verdicts: BTreeMap<Verdict, i64> = BTreeMap::new();
    for (verdict, conditions_from, insufficient_from, count) in groups {
        let outlook = Outlook { verdict, conditions_from, insufficient_from, stale_from: Day::NEVER };
        *verdicts.entry(outlook.on(today)).or_default() += count;
    }
    let verdicts = verdicts.into_iter().collect();
    let terms = program_terms::table
        .filter(program_terms::kind.ne_all([TermKind::City, TermKind::CountrySpecialty]))
        .filter(program_terms::program_id.eq_any(programs::table.filter(conditions.sql()).select(programs::id)))
        .group_by((program_terms::kind, program_terms::term))
        .select((program_terms::kind, program_terms::term, diesel::dsl::count_star()))
        .load(conn)?;
    Ok(Counts { terms, verdicts })
}
