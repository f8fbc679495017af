//! Lists and details read indexes: the statements that the stores run are caught on their way to the database, and
//! both planners are asked what they do with them.
//!
//! PostgreSQL is asked for the plan that does not depend on values, with sequential scans made expensive: on a small
//! table it would scan whatever indexes there are, and what matters is that there is one to use.

use std::sync::{Arc, Mutex};

use actix_web::{FromRequest, dev::Payload, test::TestRequest};
use diesel::{
    Connection, QueryableByName, RunQueryDsl,
    connection::{InstrumentationEvent, SimpleConnection},
    sql_query,
    sql_types::Text,
};
use preceptor::{
    db::Conn,
    generate::{self, Amounts},
    http::{Position, Query},
    ids::{ProgramId, ReviewId},
    programs::{detail_store, list_query::ListQuery, list_sql::Frequencies, list_store, store::Key},
    reference::RedFlagKind,
    self_reports::triage_store,
    time::Timestamp,
};
use uuid::Uuid;

use crate::support::{Backend, TestApp, builders};

mod questions;

/// Tables that grow with use.
const GROWING: &[&str] = &[
    "appeals",
    "assessments",
    "assessment_revisions",
    "idempotency_keys",
    "moderation_claims",
    "moderation_proposals",
    "programs",
    "program_terms",
    "program_versions",
    "program_search",
    "program_tallies",
    "reviews",
    "red_flag_reports",
    "universities",
    "university_domains",
    "principals",
    "sessions",
    "participations",
    "participant_addresses",
    "notice_addresses",
    "notices",
    "review_replies",
    "review_reply_revisions",
    "review_responses",
    "review_revisions",
    "report_rights",
    "reporter_measures",
    "review_flag_reasons",
    "review_flags",
    "review_cases",
    "review_arrivals",
    "review_sketch_keys",
    "review_sketches",
    "review_votes",
    "decisions",
    "program_vetting",
    "self_report_tasks",
    "self_report_claims",
    "triage_entries",
    "triage_cleared_reviews",
    "audit_events",
    "cohorts",
    "confirmation_requests",
    "confirmations",
    "participation_codes",
    "program_vetting",
    "self_report_claims",
    "verdict_changes",
];

/// Sorts and filters of the list of programs that must not read the whole catalogue.
const LISTS: [&str; 18] = [
    "/",
    "/?sort=score",
    "/?sort=-listed_at",
    "/?sort=listed_at",
    "/?sort=title",
    "/?sort=-title",
    "/?sort=fee&fee_currency=EUR&fee_max_minor=500000",
    "/?sort=-review_count",
    "/?country=NP",
    "/?country=NP&specialty=internal_medicine",
    "/?training_level=pre_health&track=clinical_observation",
    "/?q=ward+rounds",
    "/?q=ward",
    "/?without_red_flag=vague_role&min_score=4",
    "/?verdict=not_recommended",
    "/?verdict=insufficient_evidence&country=NP&specialty=internal_medicine",
    "/?verdict=meets_with_conditions&specialty=internal_medicine&sort=title",
    "/?verdict=meets_standard&sort=-listed_at",
];

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

/// A connection that writes down what it is asked.
fn watched(app: &TestApp) -> (Conn, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let mut conn = app.connect();
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let statement = text.split(" -- binds:").next().unwrap_or_default();
            if statement.trim_start().to_uppercase().starts_with("SELECT") {
                notes.lock().unwrap().push(statement.to_owned());
            }
        }
    });
    (conn, seen)
}

/// The lines of a plan that read a growing table from end to end.
fn scans(conn: &mut Conn, statement: &str) -> Vec<String> {
    let lines: Vec<String> = match conn {
        Conn::Sqlite(c) => {
            let plan = sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load::<PlanLine>(c).unwrap();
            plan.into_iter().map(|line| line.detail).collect()
        }
        Conn::Postgres(c) => {
            c.batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan").unwrap();
            c.batch_execute(&format!("PREPARE asked AS {statement}")).unwrap();
            let count = (1..100).take_while(|n| statement.contains(&format!("${n}"))).count();
            let arguments = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(",")) };
            let plan = sql_query(format!("EXPLAIN EXECUTE asked{arguments}")).load::<PostgresLine>(c).unwrap();
            c.batch_execute("DEALLOCATE asked").unwrap();
            plan.into_iter().map(|line| line.text).collect()
        }
    };
    let reads_all = |line: &String| {
        let line = line.trim().trim_start_matches("-> ").trim();
        GROWING.iter().any(|table| {
            // SQLite: "SCAN t" without an index; PostgreSQL: "Seq Scan on t".
            let mut words = line.split_whitespace();
            let scanned = words.next() == Some("SCAN") && words.next() == Some(*table);
            let sqlite = scanned && !line.contains("USING");
            sqlite || line.contains(&format!("Seq Scan on {table} ")) || line.ends_with(&format!("Seq Scan on {table}"))
        })
    };
    lines.into_iter().filter(reads_all).collect()
}

pub async fn list_query(uri: &str) -> ListQuery {
    let request = TestRequest::with_uri(uri).to_http_request();
    Query::<ListQuery>::from_request(&request, &mut Payload::None).await.unwrap().0
}

on_both! {
    async fn lists_and_details_use_indexes(backend: Backend) {
        let app = TestApp::start(backend);
        let listed = builders::listed(&app, "Plans").await;
        let program: ProgramId = listed.program_id.parse().unwrap();
        let told = builders::Told {
            period: ("2024-03", "2024-04"),
            level: "pre_health",
            tasks: serde_json::json!([builders::did("delivery", "direct", "asked")]),
            claims: serde_json::json!([]),
        };
        let (_, review) = builders::verified_review(&app, &listed, &told, None).await;
        let told_id: ReviewId = review.rsplit('/').next().unwrap().parse().unwrap();
        let flagged_by = app.participant().await;
        let flag = serde_json::json!({"reasons": ["spam"]});
        flagged_by.post(&format!("{review}/flags"), &flag).await.expect(201);
        let cases = app.moderator().await.get("/v1/review-cases").await.expect(200).json();
        let case = cases["data"][0]["id"].as_str().unwrap().parse().unwrap();
        // Enough for both shapes of a search: the rare word is looked up, the common one is tested on the way.
        let amounts = Amounts { programs: 320, reviews: 0, reports: 0, seed: 1 };
        generate::run(&mut app.connect(), &amounts, Timestamp::now()).unwrap();
        if backend == Backend::Sqlite {
            // Figures of tables that are still small would let it read them from end to end.
            app.connect().batch_execute("DELETE FROM sqlite_stat1").unwrap();
        }
        let entry = triage_store::id_of(program, RedFlagKind::DeliveriesByStudents);
        let (mut conn, seen) = watched(&app);
        let conn = &mut conn;

        detail_store::find(conn, &Key::Id(program)).unwrap();
        detail_store::find(conn, &Key::Slug("plans".to_owned())).unwrap();
        questions::vetting(conn, program);
        list_store::by_id(conn, &[program]).unwrap();
        for uri in LISTS {
            let ListQuery { filter, sort, .. } = list_query(uri).await;
            let rows = list_store::page(conn, &filter, &Frequencies::new(), Timestamp::now().day(), (sort, None, 21)).unwrap();
            let after = rows.first().map(|row| list_store::position(sort, &row.row));
            list_store::page(conn, &filter, &Frequencies::new(), Timestamp::now().day(), (sort, after.as_ref(), 21)).unwrap();
        }
        // A filter by the clock leaves both shapes: from the rare term, or along the sort.
        let common = "high_school,pre_health,preclinical,clinical,licensed";
        for (uri, from_term) in [
            ("/?verdict=meets_with_conditions&specialty=internal_medicine&country=NP".to_owned(), true),
            (format!("/?verdict=meets_with_conditions&training_level={common}"), false),
        ] {
            let ListQuery { filter, sort, .. } = list_query(&uri).await;
            let before = seen.lock().unwrap().len();
            list_store::page(conn, &filter, &Frequencies::new(), Timestamp::now().day(), (sort, None, 21)).unwrap();
            let asked = seen.lock().unwrap()[before..].to_vec();
            let page = asked.iter().find(|statement| statement.contains("programs.conditions_from <=")).unwrap();
            assert_eq!(page.contains("programs.id IN (SELECT program_terms"), from_term, "{page}");
        }
        let person = app.participant().await.id.unwrap();
        let moderator = app.moderator().await.id.unwrap();
        let after = Position::by_number(0, Uuid::nil());
        questions::desk(conn, &after);
        questions::reviews(conn, program, told_id);
        questions::triage(conn, program, entry, &after);
        questions::reports(conn, program, &after);
        questions::assessments(conn, program, &after);
        questions::writing(conn, program);
        questions::redress(conn, program, &after);
        questions::queue(conn, program, &after);
        questions::vouching(conn, program, &after);
        questions::flagged(conn, flagged_by.id.unwrap(), case, told_id, &after);
        questions::upkeep(conn);
        questions::people(conn, person, moderator);
        let statements = std::mem::take(&mut *seen.lock().unwrap());
        assert!(statements.len() > 40, "{} statements were caught", statements.len());
        let mut found = Vec::new();
        for statement in &statements {
            for line in scans(conn, statement) {
                found.push(format!("{line}\n    in {statement}"));
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
