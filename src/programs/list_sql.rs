//! The conditions of a list of programs, as SQL.
//!
//! A query takes one of two shapes. Where one condition finds few programs, these are taken, tested and sorted.
//! Otherwise the index of the sort is walked until the page is full, and each row is tested by lookups in primary keys.
//! Which of the two is decided by counting, up to a bound, what each indexed condition finds: left to itself SQLite
//! would collect every match of a common term first, which takes milliseconds.

use diesel::{
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::BigInt,
};
use quick_cache::sync::Cache;

use super::{
    list_query::{ProgramFilter, TermFilter},
    model::{ProgramStatus, TermKind},
};
use crate::{
    db::{Backend, Conn, Sql},
    ids::ProviderId,
    providers::store::find as find_provider,
    time::Day,
    verdict::Verdict,
};

/// A condition that finds fewer programs than this is what a query starts from. At about this many, of ten thousand,
/// both shapes take equally long.
const FEW: i64 = 300;
/// Words that fewer programs than this have are looked up in the search index all at once; more common ones are looked
/// for in each text that the query comes upon, which are few.
const COMMON: i64 = 2000;
/// Counts remembered. An entry takes about 100 bytes.
const FREQUENCIES: usize = 20_000;

/// How many rows a query has.
struct CountOf(Sql);

impl Query for CountOf {
    type SqlType = BigInt;
}

impl QueryId for CountOf {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for CountOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}

impl RunQueryDsl<Conn> for CountOf {}

/// How many programs a condition finds, up to a bound. Remembered until [`Frequencies::forget`], because counting takes
/// as long as a third of a search; an old count costs time at the worst, since it only decides where a query starts.
pub struct Frequencies(Cache<String, i64>);

impl Frequencies {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Cache::new(FREQUENCIES))
    }

    /// Counts anew from now on.
    pub fn forget(&self) {
        self.0.clear();
    }

    fn count(&self, conn: &mut Conn, key: String, query: Sql, most: i64) -> QueryResult<i64> {
        if let Some(known) = self.0.get(&key) {
            return Ok(known);
        }
        let found = CountOf(query.sql(" LIMIT ").value(most)).get_result(conn)?;
        self.0.insert(key, found);
        Ok(found)
    }
}

impl Default for Frequencies {
    fn default() -> Self {
        Self::new()
    }
}

/// What a query starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// All listed programs, in the order of the sort.
    Sort,
    /// The programs with a term: the condition with this number.
    Terms(usize),
    /// The programs with all words.
    Words,
    /// The programs of a provider.
    Provider,
}

/// The words of a search, put for one engine. They consist of letters and digits, so none needs an escape.
struct Words {
    all: Vec<String>,
    sqlite: bool,
    /// Too many programs have them to look them up all at once.
    common: bool,
}

impl Words {
    fn joined(&self, quote: &str, and: &str) -> String {
        let quoted: Vec<String> = self.all.iter().map(|word| format!("{quote}{word}{quote}")).collect();
        quoted.join(and)
    }

    /// Selects something for each program with all words, from the index alone.
    fn hits(&self) -> Sql {
        if self.sqlite {
            let select = "SELECT rowid FROM program_search_index WHERE program_search_index MATCH ";
            return Sql::default().sql(select).value(self.joined("\"", " "));
        }
        Sql::default().sql("SELECT program_search.number FROM program_search WHERE ").append(self.found())
    }

    /// The condition on a row of `program_search`, answered by the index.
    fn found(&self) -> Sql {
        if self.sqlite {
            return Sql::default().sql("program_search.number IN (").append(self.hits()).sql(")");
        }
        let words = self.joined("'", " & ");
        Sql::default().sql("program_search.body_vector @@ CAST(").value(words).sql(" AS tsquery)")
    }

    /// The condition on a row of `programs`: as the set that the query starts from, or as a test of each row.
    fn sql(&self, first: bool) -> Sql {
        if first {
            let select = "programs.id IN (SELECT program_search.program_id FROM program_search WHERE ";
            return Sql::default().sql(select).append(self.found()).sql(")");
        }
        if self.sqlite && !self.common {
            // As EXISTS, SQLite would search the index anew for each row.
            let number = "(SELECT program_search.number FROM program_search \
                WHERE program_search.program_id = programs.id) IN (";
            return Sql::default().sql(number).append(self.hits()).sql(")");
        }
        let select = "EXISTS (SELECT 1 FROM program_search WHERE program_search.program_id = programs.id";
        let test = Sql::default().sql(select);
        let test = if self.sqlite {
            self.all.iter().fold(test, |test, word| {
                let test = test.sql(" AND instr(' ' || program_search.body || ' ', ");
                test.value(format!(" {word} ")).sql(") > 0")
            })
        } else {
            test.sql(" AND ").append(self.found())
        };
        test.sql(")")
    }
}

/// The conditions of a filter, ready for one engine.
pub struct Conditions<'a> {
    filter: &'a ProgramFilter,
    provider: Option<ProviderId>,
    terms: Vec<TermFilter>,
    words: Option<Words>,
    start: Start,
    today: Day,
}

impl<'a> Conditions<'a> {
    /// `None` when nothing can match: no such provider, or a search without a word.
    pub fn prepare(
        conn: &mut Conn,
        filter: &'a ProgramFilter,
        known: &Frequencies,
        today: Day,
    ) -> QueryResult<Option<Self>> {
        let mut provider = None;
        if let Some(key) = &filter.provider {
            let Some(row) = find_provider(conn, key)? else { return Ok(None) };
            provider = Some(row.id);
        }
        let sqlite = matches!(conn, Conn::Sqlite(_));
        let words = filter.words().map(|words| Words { all: words, sqlite, common: false });
        if words.as_ref().is_some_and(|words| words.all.is_empty()) {
            return Ok(None);
        }
        let mut conditions = Self { filter, provider, terms: filter.terms(), words, start: Start::Sort, today };
        conditions.start = conditions.choose(conn, known)?;
        Ok(Some(conditions))
    }

    fn choose(&mut self, conn: &mut Conn, known: &Frequencies) -> QueryResult<Start> {
        let (mut start, mut fewest) = (Start::Sort, FEW);
        if let Some(words) = &mut self.words {
            let most = if words.sqlite { COMMON } else { FEW };
            let found = known.count(conn, words.all.join(" "), words.hits(), most)?;
            words.common = found == most;
            if found < fewest {
                (start, fewest) = (Start::Words, found);
            }
        }
        if self.provider.is_some() {
            return Ok(Start::Provider);
        }
        for (number, condition) in self.terms.iter().enumerate() {
            let key = format!("{}:{}", condition.kind, condition.terms.join(","));
            let found = known.count(conn, key, programs_with(condition), FEW)?;
            if found < fewest {
                (start, fewest) = (Start::Terms(number), found);
            }
        }
        Ok(start)
    }

    /// The condition on a row of `programs`: listed, and all that the filter says.
    #[must_use]
    pub fn sql(&self) -> Sql {
        // Where the query does not start from the sort, its index is kept from being used: every index of a sort begins
        // with the status, and this is not the bare column.
        let status = if self.start == Start::Sort { "programs.status = " } else { "programs.status || '' = " };
        let mut all = Sql::default().sql(status).value(ProgramStatus::Listed.as_str());
        for (number, condition) in self.terms.iter().enumerate() {
            all = if self.start == Start::Terms(number) {
                all.sql(" AND programs.id IN (").append(programs_with(condition)).sql(")")
            } else {
                all.sql(" AND EXISTS (").append(programs_with(condition)).sql(OF_PROGRAM)
            };
        }
        if let Some(words) = &self.words {
            all = all.sql(" AND ").append(words.sql(self.start == Start::Words));
        }
        if let Some(provider) = self.provider {
            all = all.sql(" AND programs.provider_id = ").value(*provider.as_uuid());
        }
        all = on_columns(all, self.filter, self.today);
        if self.filter.is_simple() { all } else { all.uncached() }
    }
}

/// Ends a query on terms inside EXISTS.
const OF_PROGRAM: &str = " AND program_terms.program_id = programs.id)";

/// Selects the programs with one of the terms.
fn programs_with(condition: &TermFilter) -> Sql {
    let select = "SELECT program_terms.program_id FROM program_terms WHERE program_terms.kind = ";
    let of_kind = Sql::default().sql(select).value(condition.kind.as_str());
    of_kind.sql(" AND program_terms.term IN ").values(condition.terms.iter().map(String::as_str))
}

/// Programs whose verdict is this one today: what was entered, or what expired evidence has made of it since.
fn on_verdict(all: Sql, verdict: Verdict, today: Day) -> Sql {
    let entered = |all: Sql| all.sql("programs.verdict = ").value(verdict.as_str());
    let day = today.number();
    match verdict {
        Verdict::NotRecommended => entered(all.sql(" AND ")),
        Verdict::InsufficientEvidence => entered(all.sql(" AND ("))
            .sql(" OR (programs.verdict <> ")
            .value(Verdict::NotRecommended.as_str())
            .sql(" AND programs.insufficient_from <= ")
            .value(day)
            .sql("))"),
        Verdict::MeetsWithConditions => entered(all.sql(" AND ("))
            .sql(" OR (programs.verdict = ")
            .value(Verdict::MeetsStandard.as_str())
            .sql(" AND programs.conditions_from <= ")
            .value(day)
            .sql(")) AND programs.insufficient_from > ")
            .value(day),
        Verdict::MeetsStandard => entered(all.sql(" AND "))
            .sql(" AND programs.conditions_from > ")
            .value(day)
            .sql(" AND programs.insufficient_from > ")
            .value(day),
    }
}

fn on_columns(mut all: Sql, filter: &ProgramFilter, today: Day) -> Sql {
    if let Some(weeks) = filter.weeks {
        all = all.sql(" AND programs.weeks_min <= ").value(weeks).sql(" AND programs.weeks_max >= ").value(weeks);
    }
    if let Some(currency) = &filter.fee_currency {
        all = all.sql(" AND programs.fee_currency = ").value(currency.as_str());
    }
    if let Some(most) = filter.fee_max_minor {
        all = all.sql(" AND programs.fee_total_minor <= ").value(most);
    }
    if let Some(verdict) = filter.verdict {
        all = on_verdict(all, verdict, today);
    }
    if let Some(least) = filter.min_score_key() {
        all = all.sql(" AND programs.score_key >= ").value(least);
    }
    if let Some(least) = filter.min_reviews {
        all = all.sql(" AND programs.review_count >= ").value(least);
    }
    if filter.verified_reviews {
        all = all.sql(" AND programs.verified_review_count > 0");
    }
    if let Some(age) = filter.minimum_age {
        all = all.sql(" AND programs.minimum_age <= ").value(age);
    }
    if !filter.without_red_flag.is_empty() {
        let terms = filter.without_red_flag.iter().map(ToString::to_string).collect();
        let flagged = programs_with(&TermFilter { kind: TermKind::RedFlag, terms });
        all = all.sql(" AND NOT EXISTS (").append(flagged).sql(OF_PROGRAM);
    }
    all
}
